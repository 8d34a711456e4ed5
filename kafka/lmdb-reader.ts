/** Reads frames, and notices that there are new ones. */
import { framePrefix, metaOfFrame, offsetOfFrame } from './lmdb-keys.ts';
import { boundsOf } from './lmdb-offsets.ts';
import { placeOf } from './lmdb-place.ts';
import type { LmdbStore } from './lmdb-store.ts';
import { type Frame, LogError } from './port.ts';

const MAX_BATCH_FRAMES = 2_000;

/**
 * The frames from `offset` on, as many as make a batch; none at the end.
 *
 * @throws LogError `unavailable` when one is missing
 */
export function readFrames(store: LmdbStore, partition: number, offset: number, maxBytes: number): Frame[] {
  const { end } = boundsOf(store, partition);
  if (offset >= end) return [];
  const frames: Frame[] = [];
  let bytes = 0;
  const range = store.frames.getRange({
    start: framePrefix(partition, offset),
    end: framePrefix(partition, end),
    limit: MAX_BATCH_FRAMES,
  });
  for (const { key, value } of range) {
    if (offsetOfFrame(key) !== offset + frames.length) break;
    const { size } = metaOfFrame(key);
    const place = placeOf(value, size);
    // lmdb hands out Buffers with properties of its own: take the bytes, leave those.
    const body = place
      ? store.bodies.read(place, size)
      : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    frames.push({ offset: offset + frames.length, body });
    bytes += body.length;
    if (bytes >= maxBytes) break;
  }
  if (frames.length === 0) {
    throw new LogError(
      'unavailable',
      `partition ${partition}: frame ${offset} is missing, the log ends at ${end}`,
    );
  }
  return frames;
}

/**
 * Wakes idle readers. Nothing tells one process that another has appended, so one record is polled for all
 * partitions, and only while somebody waits.
 */
export class News {
  readonly #store: LmdbStore;
  readonly #pollMs: number;
  readonly #stop: AbortSignal;
  #waiting: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #seen: number | undefined;

  constructor(store: LmdbStore, pollMs: number, stop: AbortSignal) {
    this.#store = store;
    this.#pollMs = pollMs;
    this.#stop = stop;
    stop.addEventListener('abort', () => {
      clearTimeout(this.#timer);
      this.#wakeAll();
    });
  }

  /** What {@link after} compares with. To be taken before looking for frames, so that none slips between. */
  get seen(): number | undefined {
    return this.#seen;
  }

  /** Resolves when something was appended after `seen`, or at the stop. */
  after(seen: number | undefined): Promise<void> {
    if (seen !== this.#seen || this.#stop.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#timer ??= setTimeout(() => this.#poll(), this.#pollMs);
    });
  }

  #poll(): void {
    const frames = this.#framesAppended();
    if (frames === this.#seen) {
      this.#timer = setTimeout(() => this.#poll(), this.#pollMs);
      return;
    }
    this.#timer = undefined;
    this.#seen = frames;
    this.#wakeAll();
  }

  #framesAppended(): number | undefined {
    try {
      return this.#store.totals().frames;
    } catch {
      // The readers are woken, fail in the same way, and report it.
      return undefined;
    }
  }

  #wakeAll(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
