/**
 * Group commit: every frame that arrives while a transaction is being made durable goes, in order, into the next one.
 *
 * States of the queue
 * - idle: nothing waits. An append starts a write.
 * - writing: one transaction runs; arrivals wait. Left for `writing` again or `idle` when it has ended.
 * - stalled: the transaction has not ended within the time limit (the disk hangs, or another process stopped while it
 *   held the write lock). All that wait are refused, and so is every append until it has ended.
 *
 * Full (more than {@link MAX_PENDING_BYTES} wait): the append is refused, nothing that was taken is dropped.
 */
import { frameKey } from './lmdb-keys.ts';
import type { LmdbStore } from './lmdb-store.ts';
import { LogError, MAX_FRAME_BYTES } from './port.ts';

const MAX_PENDING_BYTES = 64 * 1024 ** 2;
const MAX_GROUP_BYTES = 8 * 1024 ** 2;
// What a pending append costs beside its frame: bounds the number of empty ones.
const PENDING_OVERHEAD_BYTES = 256;

interface Pending {
  partition: number;
  frame: Buffer;
  resolve(offset: number): void;
  reject(error: LogError): void;
}

interface AppendRules {
  /** Bytes stored from which on appends are refused. */
  maxBytes: number;
  writeTimeoutMs: number;
  now(): number;
}

export class AppendQueue {
  readonly #store: LmdbStore;
  readonly #rules: AppendRules;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #stalled = false;
  #lastFailure: LogError | undefined;

  constructor(store: LmdbStore, rules: AppendRules) {
    this.#store = store;
    this.#rules = rules;
  }

  append(partition: number, frame: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      const refusal = this.#refusal(frame.length);
      if (refusal !== undefined) return reject(refusal);
      this.#pending.push({ partition, frame, resolve, reject });
      this.#pendingBytes += frame.length + PENDING_OVERHEAD_BYTES;
      this.#writing ??= this.#writeAll();
    });
  }

  /** @throws LogError why a frame would be refused now */
  async check(): Promise<void> {
    const refusal = this.#refusal(0) ?? this.#fullness();
    if (refusal !== undefined) throw refusal;
    // Only a write shows that the disk takes writes again: appends may have ceased because it did not.
    if (this.#lastFailure === undefined) return;
    await this.#store.probe();
    this.#lastFailure = undefined;
  }

  async #writeAll(): Promise<void> {
    // A turn of the event loop, so that appends of the same turn share the first transaction.
    await new Promise((resume) => setImmediate(resume));
    while (this.#pending.length > 0) await this.#write(this.#takeGroup());
    this.#writing = undefined;
  }

  #takeGroup(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const { frame } of this.#pending) {
      if (count > 0 && bytes + frame.length > MAX_GROUP_BYTES) break;
      bytes += frame.length;
      count += 1;
    }
    return this.#pending.splice(0, count);
  }

  async #write(group: Pending[]): Promise<void> {
    const timer = setTimeout(() => this.#stall(group), this.#rules.writeTimeoutMs);
    try {
      const offsets = await this.#store.transact(() => this.#put(group));
      group.forEach(({ resolve, reject }, i) => {
        const offset = offsets[i];
        if (offset !== undefined) resolve(offset);
        else reject(this.#fullError());
      });
      this.#lastFailure = undefined;
    } catch (error) {
      const failure =
        error instanceof LogError ? error : new LogError('unavailable', 'append failed', { cause: error });
      for (const { reject } of group) reject(failure);
      this.#lastFailure = failure;
    } finally {
      clearTimeout(timer);
      this.#stalled = false;
      for (const { frame } of group) this.#pendingBytes -= frame.length + PENDING_OVERHEAD_BYTES;
    }
  }

  /** Inside a transaction. The offset of each frame; none where the log was full. */
  #put(group: Pending[]): (number | undefined)[] {
    const storedAt = this.#rules.now();
    const totals = this.#store.totals();
    let free = this.#rules.maxBytes - this.#store.storedBytes();
    const ends = new Map<number, number>();
    const keys = group.map(({ partition, frame }) => {
      if (free <= 0) return undefined;
      const offset = ends.get(partition) ?? this.#store.ends.get(partition) ?? 0;
      ends.set(partition, offset + 1);
      free -= frame.length;
      totals.frames += 1;
      totals.bytes += frame.length;
      return { offset, key: frameKey(partition, offset, { storedAt, size: frame.length }) };
    });

    group.forEach(({ frame }, i) => {
      const key = keys[i]?.key;
      if (key !== undefined) this.#store.frames.putSync(key, frame);
    });
    for (const [partition, end] of ends) this.#store.ends.putSync(partition, end);
    if (ends.size > 0) this.#store.setTotals(totals);
    return keys.map((entry) => entry?.offset);
  }

  #stall(group: Pending[]): void {
    this.#stalled = true;
    for (const { reject } of group) reject(this.#stalledError());
    for (const { frame, reject } of this.#pending.splice(0)) {
      this.#pendingBytes -= frame.length + PENDING_OVERHEAD_BYTES;
      reject(this.#stalledError());
    }
  }

  #refusal(size: number): LogError | undefined {
    if (size > MAX_FRAME_BYTES) {
      return new LogError('frame_too_large', `frame of ${size} bytes; at most ${MAX_FRAME_BYTES} are taken`);
    }
    if (this.#stalled) return this.#stalledError();
    if (this.#pendingBytes + size + PENDING_OVERHEAD_BYTES > MAX_PENDING_BYTES) {
      return new LogError(
        'unavailable',
        `${this.#pendingBytes} bytes wait to be written: the disk is too slow`,
      );
    }
    return undefined;
  }

  #fullness(): LogError | undefined {
    return this.#store.storedBytes() >= this.#rules.maxBytes ? this.#fullError() : undefined;
  }

  #fullError(): LogError {
    const { path } = this.#store;
    return new LogError(
      'full',
      `${path} holds ${this.#rules.maxBytes} bytes or more that wait to be consumed`,
    );
  }

  #stalledError(): LogError {
    const { writeTimeoutMs } = this.#rules;
    const message = `a write has not ended within ${writeTimeoutMs} ms: the disk or another process holds it up`;
    return new LogError('unavailable', message);
  }
}
