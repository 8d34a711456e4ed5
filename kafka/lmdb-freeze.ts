/**
 * A copy of an embedded log, taken while others append to it and remove from it.
 *
 * The environment is copied as of one moment by LMDB itself. Bodies lie in segments, which are only appended to: those of a row are
 * there before the row is. So the segments that are there after the copy was made have all that it speaks of, but for what was removed
 * meanwhile, and that is why they are opened before as well: a file that is open keeps its bytes when it is removed.
 */
import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isCode } from '../file-system.ts';
import { durable } from './lmdb-errors.ts';
import { lagOf } from './lmdb-offsets.ts';
import { type LmdbStore, openStore, SEGMENT_FOLDER } from './lmdb-store.ts';
import { LogError, type PartitionLag } from './port.ts';

export interface FrozenLog {
  /** Of the log, and of the copy. */
  identity: string;
  /** How far `group` is in the copy. */
  lag: PartitionLag[];
  /** To be copied to `segments/NAME` of the copy; what a file has beyond its size of now is of no use. */
  segments: { name: string; file: FileHandle }[];
  /** Of the segments. */
  close(): Promise<void>;
}

/**
 * Copies the environment of the log in `folder` to `to`, which exists and is empty.
 *
 * @throws LogError `wrong_partitions`, `newer_layout`, `unavailable`
 */
export async function freezeLog(
  folder: string,
  to: string,
  { partitions, group }: { partitions: number; group: string },
): Promise<FrozenLog> {
  const store = openStore(folder, partitions);
  const files = new Map<string, FileHandle>();
  const close = async () => {
    await Promise.all([...files.values()].map((file) => file.close()));
  };
  try {
    await openSegments(store, files);
    await durable(to, store.copyTo(to));
    await openSegments(store, files);
    const lag = await lookInto(to, partitions, group, files);
    return {
      identity: store.identity,
      lag,
      segments: [...files].map(([name, file]) => ({ name, file })),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  } finally {
    await store.close();
  }
}

async function openSegments({ segmentFolder }: LmdbStore, files: Map<string, FileHandle>): Promise<void> {
  for (const name of await readdir(segmentFolder)) {
    if (files.has(name) || !/^\d+$/.test(name)) continue;
    try {
      files.set(name, await open(join(segmentFolder, name), 'r'));
    } catch (error) {
      if (!isCode(error, 'ENOENT')) throw error;
    }
  }
}

/** Leaves nothing but the environment. */
async function lookInto(
  folder: string,
  partitions: number,
  group: string,
  files: Map<string, FileHandle>,
): Promise<PartitionLag[]> {
  const copy = openStore(folder, partitions);
  try {
    for (const { key: segment, value: appended } of copy.segments.getRange({})) {
      if (appended === (copy.released.get(segment) ?? 0) || files.has(String(segment))) continue;
      throw new LogError('unavailable', `${folder}: segment ${segment} has frames, and is not there`);
    }
    return lagOf(copy, group);
  } finally {
    await copy.close();
    await rm(join(folder, 'lock.mdb'), { force: true });
    await rm(join(folder, SEGMENT_FOLDER), { recursive: true, force: true });
  }
}
