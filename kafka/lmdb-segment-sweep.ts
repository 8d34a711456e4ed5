/**
 * Removes segments of which no frame is left.
 *
 * One that is still written to goes as well when nothing has come for a while: its writer finds it gone with the next append, whose
 * transaction is void, and writes the bodies anew into another.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isCode } from '../file-system.ts';
import { SEGMENT_BYTES } from './lmdb-segment-writer.ts';
import type { LmdbStore } from './lmdb-store.ts';

const IDLE_MS = 60_000;

export async function sweepSegments(store: LmdbStore): Promise<void> {
  const files = await readdir(store.segmentFolder);
  for (const segment of await emptySegments(store)) {
    if (await store.dropSegment(segment)) store.bodies.forget(segment);
  }
  // Every file had its record before it was made, and the files were listed first: those without one were dropped, now or before this
  // process was killed.
  const known = new Set([...store.registeredNow()].map((segment) => store.segmentPath(segment)));
  for (const path of files.map((name) => join(store.segmentFolder, name))) {
    if (!known.has(path)) await rm(path, { force: true });
  }
}

async function emptySegments(store: LmdbStore): Promise<number[]> {
  const empty: number[] = [];
  for (const { key: segment, value: appended } of store.segments.getRange({})) {
    if (appended === (store.released.get(segment) ?? 0)) empty.push(segment);
  }
  const over = await Promise.all(empty.map((segment) => isOver(store.segmentPath(segment))));
  return empty.filter((_, i) => over[i]);
}

/** Full or idle. One without a file is about to get it, or its process was killed in between: that row stays. */
async function isOver(path: string): Promise<boolean> {
  try {
    const { size, mtimeMs } = await stat(path);
    return size >= SEGMENT_BYTES || mtimeMs < Date.now() - IDLE_MS;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}
