/**
 * Reads bodies of frames out of segments, whose files stay open while they are read from.
 *
 * Where two groups read, what one has read is kept until the other asks for it: else the bytes of every frame, which live for seconds
 * and outside of the heap, would be there twice, and it is those that make the engine collect the whole heap.
 */
import { closeSync, openSync, readSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { unavailable } from './lmdb-errors.ts';
import type { Place } from './lmdb-place.ts';
import { LogError } from './port.ts';

/** A file that is open keeps its space when it is removed. */
const MAX_OPEN_FILES = 16;
/** What is far behind reads for itself. */
const KEPT_BYTES = 32 * 1024 ** 2;

export class SegmentReader {
  readonly #pathOf: (segment: number) => string;
  readonly #files = new LRUCache<number, number>({
    max: MAX_OPEN_FILES,
    dispose: (file) => closeSync(file),
  });

  readonly #kept = new LRUCache<string, Buffer>({
    maxSize: KEPT_BYTES,
    sizeCalculation: ({ length }) => length,
  });
  #groups = 0;

  constructor(pathOf: (segment: number) => string) {
    this.#pathOf = pathOf;
  }

  /** A group of this process reads from now on, until what this answers is called. */
  join(): () => void {
    this.#groups += 1;
    return () => {
      this.#groups -= 1;
      this.#kept.clear();
    };
  }

  /** Not to be changed: others may get the same. @throws LogError `unavailable` */
  read(place: Place, size: number): Buffer {
    const key = `${place.segment} ${place.position}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      return kept;
    }
    const body = this.#readFile(place, size);
    if (this.#groups > 1) this.#kept.set(key, body);
    return body;
  }

  #readFile({ segment, position }: Place, size: number): Buffer {
    const path = this.#pathOf(segment);
    const body = Buffer.allocUnsafeSlow(size);
    let bytes: number;
    try {
      bytes = readSync(this.#file(segment), body, 0, size, position);
    } catch (cause) {
      throw unavailable(`cannot read ${path}`, cause);
    }
    if (bytes === size) return body;
    throw new LogError('unavailable', `${path} ends ${size - bytes} bytes before the end of a frame`);
  }

  /** Before its file is removed. */
  forget(segment: number): void {
    this.#files.delete(segment);
  }

  close(): void {
    this.#files.clear();
  }

  #file(segment: number): number {
    let file = this.#files.get(segment);
    if (file === undefined) {
      file = openSync(this.#pathOf(segment), 'r');
      this.#files.set(segment, file);
    }
    return file;
  }
}
