/**
 * Removes what is no longer wanted: frames that every group has committed, when they are too old or the log is too
 * large; dead letters after {@link LETTER_RETENTION_MS}. Runs beside a subscription, in small transactions.
 *
 * What to remove is worked out in a read and removed only if nothing else removed, and no group was moved back,
 * meanwhile; otherwise it is left to the next round.
 */
import { framePrefix, metaOfFrame, metaOfLetter, offsetOfFrame } from './lmdb-keys.ts';
import { boundsOf, neededFrom } from './lmdb-offsets.ts';
import { placeOf } from './lmdb-place.ts';
import { sweepSegments } from './lmdb-segment-sweep.ts';
import type { LmdbStore } from './lmdb-store.ts';
import { LETTER_RETENTION_MS, type LogTrouble } from './port.ts';

const MAX_REMOVED_FRAMES = 256;
const MAX_SCANNED_LETTERS = 1_000;

interface RetentionRules {
  retentionMs: number;
  retentionBytes: number;
  intervalMs: number;
  now(): number;
}

interface StoredFrame {
  partition: number;
  key: Uint8Array;
  storedAt: number;
  size: number;
  /** Where its body lies; undefined: in its row. */
  segment: number | undefined;
}

/** Removes in the background until stopped. */
export class Retention {
  readonly #store: LmdbStore;
  readonly #rules: RetentionRules;
  readonly #report: (trouble: LogTrouble) => void;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> = Promise.resolve();
  #stopped = false;
  /** Where the scan of the dead letters goes on. */
  #letterCursor: Uint8Array = framePrefix(0, 0);

  constructor(store: LmdbStore, rules: RetentionRules, report: (trouble: LogTrouble) => void) {
    this.#store = store;
    this.#rules = rules;
    this.#report = report;
    this.#schedule();
  }

  /** Resolves when no removal runs any more. */
  stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    return this.#running;
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      this.#running = this.#round();
    }, this.#rules.intervalMs);
  }

  async #round(): Promise<void> {
    try {
      this.#store.forgetDeadReaders();
      for (let partition = 0; partition < this.#store.partitions; partition += 1) {
        while (!this.#stopped && (await this.#removeOld(partition)));
      }
      while (!this.#stopped && (await this.#removeExcess()));
      if (!this.#stopped) await this.#removeLetters();
      if (!this.#stopped) await sweepSegments(this.#store);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      this.#report({ kind: 'store_failed', message: `retention: ${why}`, cause });
    }
    if (!this.#stopped) this.#schedule();
  }

  /** One step of removal by age; says whether another may find more. */
  async #removeOld(partition: number): Promise<boolean> {
    const oldestKept = this.#rules.now() - this.#rules.retentionMs;
    const { version } = this.#store.removed();
    const consumed = this.#consumed(partition, MAX_REMOVED_FRAMES);
    const kept = consumed.findIndex(({ storedAt }) => storedAt > oldestKept);
    const old = kept < 0 ? consumed : consumed.slice(0, kept);
    return (await this.#removeFrames(version, old)) && old.length === MAX_REMOVED_FRAMES;
  }

  /** One step of removal by size, the oldest of all partitions first; says whether another may find more. */
  async #removeExcess(): Promise<boolean> {
    const { version } = this.#store.removed();
    let excess = this.#store.storedBytes() - this.#rules.retentionBytes;
    if (excess <= 0) return false;
    const share = Math.ceil((2 * MAX_REMOVED_FRAMES) / this.#store.partitions);
    const consumed: StoredFrame[] = [];
    // Of a partition with more than its share, frames after this instant are not known.
    let knownUntil = Number.POSITIVE_INFINITY;
    for (let partition = 0; partition < this.#store.partitions; partition += 1) {
      const frames = this.#consumed(partition, share);
      consumed.push(...frames);
      if (frames.length === share) knownUntil = Math.min(knownUntil, frames.at(-1)?.storedAt ?? knownUntil);
    }
    consumed.sort((a, b) => a.storedAt - b.storedAt);
    const oldest: StoredFrame[] = [];
    for (const frame of consumed) {
      if (excess <= 0 || oldest.length === MAX_REMOVED_FRAMES || frame.storedAt > knownUntil) break;
      oldest.push(frame);
      excess -= frame.size;
    }
    return this.#removeFrames(version, oldest);
  }

  /** The first frames of a partition that every group has committed, at most so many, in order and with times that never fall. */
  #consumed(partition: number, limit: number): StoredFrame[] {
    const { start, end } = boundsOf(this.#store, partition);
    const needed = Math.min(neededFrom(this.#store, partition) ?? start, end);
    if (needed <= start) return [];
    const range = {
      start: framePrefix(partition, start),
      end: framePrefix(partition, needed),
      limit,
    };
    let latest = 0;
    return [...this.#store.frames.getRange(range)].map(({ key, value }) => {
      const { storedAt, size } = metaOfFrame(key);
      // Processes may disagree on the time; a frame must never go before the one in front of it.
      latest = Math.max(latest, storedAt);
      return { partition, key, storedAt: latest, size, segment: placeOf(value, size)?.segment };
    });
  }

  async #removeFrames(version: number, frames: StoredFrame[]): Promise<boolean> {
    if (frames.length === 0) return false;
    const starts = new Map<number, number>();
    const released = new Map<number, number>();
    let bytes = 0;
    for (const { partition, key, size, segment } of frames) {
      starts.set(partition, offsetOfFrame(key) + 1);
      if (segment !== undefined) released.set(segment, (released.get(segment) ?? 0) + 1);
      bytes += size;
    }
    const keys = frames.map(({ key }) => key);
    return this.#store.remove({ version, from: this.#store.frames, keys, bytes, starts, released });
  }

  /** Looks at the next part of the dead letters, and begins anew after the last. */
  async #removeLetters(): Promise<void> {
    const oldestKept = this.#rules.now() - LETTER_RETENTION_MS;
    const { version } = this.#store.removed();
    const range = { start: this.#letterCursor, limit: MAX_SCANNED_LETTERS };
    const scanned = [...this.#store.letters.getKeys(range)];
    this.#letterCursor =
      scanned.length < MAX_SCANNED_LETTERS ? framePrefix(0, 0) : (scanned.at(-1) ?? framePrefix(0, 0));
    const keys = scanned.filter((key) => metaOfLetter(key).storedAt <= oldestKept);
    let bytes = 0;
    for (const key of keys) bytes += metaOfLetter(key).size;
    if (keys.length === 0) return;
    const [starts, released] = [new Map<number, number>(), new Map<number, number>()];
    await this.#store.remove({ version, from: this.#store.letters, keys, bytes, starts, released });
  }
}
