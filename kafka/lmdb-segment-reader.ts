/** Reads bodies of frames out of segments, whose files stay open while they are read from. */
import { closeSync, openSync, readSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import { unavailable } from './lmdb-errors.ts';
import type { Place } from './lmdb-place.ts';
import { LogError } from './port.ts';

/** A file that is open keeps its space when it is removed. */
const MAX_OPEN_FILES = 16;

export class SegmentReader {
  readonly #pathOf: (segment: number) => string;
  readonly #files = new LRUCache<number, number>({
    max: MAX_OPEN_FILES,
    dispose: (file) => closeSync(file),
  });

  constructor(pathOf: (segment: number) => string) {
    this.#pathOf = pathOf;
  }

  /** @throws LogError `unavailable` */
  read({ segment, position }: Place, size: number): Buffer {
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
