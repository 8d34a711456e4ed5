/**
 * Writes bodies of frames, one after the other, into segments of this process.
 *
 * A segment is registered before its file is made, so a file without a record is rubbish. What was written and never came into the
 * log, since the process was killed or the transaction failed, is a hole in the segment that nobody looks at.
 */
import { constants, type FileHandle, open } from 'node:fs/promises';
import { syncFolder } from '../file-system.ts';
import { durable } from './lmdb-errors.ts';
import { encodePlace, fitsInRow } from './lmdb-place.ts';
import type { LmdbStore } from './lmdb-store.ts';

/** A segment that has reached it is followed by another. */
export const SEGMENT_BYTES = 64 * 1024 ** 2;

/** What the rows of a group of frames hold, and the segment that it needs to be there: none where all bodies fit into rows. */
export interface Written {
  readonly values: readonly Buffer[];
  readonly segment: Segment | undefined;
}

interface Segment {
  readonly id: number;
  /** That are in the log: who appends keeps count. */
  frames: number;
}

interface OpenSegment extends Segment {
  readonly file: FileHandle;
  position: number;
}

export class SegmentWriter {
  readonly #store: LmdbStore;
  #open: OpenSegment | undefined;

  constructor(store: LmdbStore) {
    this.#store = store;
  }

  /** Durable when it resolves. One call at a time. After a failure, {@link leave}. @throws LogError `unavailable` */
  async write(bodies: readonly Buffer[]): Promise<Written> {
    const large = bodies.filter((body) => !fitsInRow(body));
    if (large.length === 0) return { values: bodies, segment: undefined };
    const segment = await durable(this.#store.path, this.#segment());
    let position = segment.position;
    await durable(this.#store.path, writeAll(segment, large));
    const values = bodies.map((body) => {
      if (fitsInRow(body)) return body;
      const value = encodePlace({ segment: segment.id, position });
      position += body.length;
      return value;
    });
    return { values, segment };
  }

  /** Begins another segment with what comes next: nobody knows any more how many frames of this one are in the log. */
  async leave(): Promise<void> {
    const left = this.#open;
    this.#open = undefined;
    await left?.file.close();
  }

  async #segment(): Promise<OpenSegment> {
    if (this.#open !== undefined && this.#open.position >= SEGMENT_BYTES) await this.leave();
    this.#open ??= await this.#begin();
    return this.#open;
  }

  async #begin(): Promise<OpenSegment> {
    const id = await this.#store.registerSegment();
    // Nobody has had this id: a file of that name is of a registration that a power cut undid.
    const { O_WRONLY, O_CREAT, O_TRUNC, O_DSYNC } = constants;
    const file = await open(this.#store.segmentPath(id), O_WRONLY | O_CREAT | O_TRUNC | O_DSYNC);
    try {
      await syncFolder(this.#store.segmentFolder);
      await syncFolder(this.#store.path);
    } catch (error) {
      await file.close();
      throw error;
    }
    return { id, file, position: 0, frames: 0 };
  }
}

async function writeAll(segment: OpenSegment, bodies: Buffer[]): Promise<void> {
  const wanted = bodies.reduce((sum, { length }) => sum + length, 0);
  const { bytesWritten } = await segment.file.writev(bodies, segment.position);
  if (bytesWritten !== wanted) throw new Error(`${bytesWritten} of ${wanted} bytes were written`);
  segment.position += wanted;
}
