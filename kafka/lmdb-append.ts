/**
 * Group commit: every frame that arrives while a transaction is being made durable goes, in order, into the next one. Bodies that do not
 * fit into rows are durable in a segment before the transaction that says where they are.
 *
 * Offsets follow from where the log ended when the group was put together. The transaction is void where another process has appended
 * since, and the group is put together again. So nobody waits for this thread with the write lock in its hands, and this thread does
 * not have to come round for the transaction: on a busy one that takes longer than the disk.
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
import { SegmentWriter, type Written } from './lmdb-segment-writer.ts';
import type { Appendix, Head, LmdbStore } from './lmdb-store.ts';
import { LogError, MAX_FRAME_BYTES } from './port.ts';

const MAX_PENDING_BYTES = 64 * 1024 ** 2;
const MAX_GROUP_BYTES = 32 * 1024 ** 2;
// Of a group that others came before: each time one of them got on.
const MAX_TRIES = 1_000;
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
  readonly #bodies: SegmentWriter;
  #pending: Pending[] = [];
  #pendingBytes = 0;
  #writing: Promise<void> | undefined;
  #stalled = false;
  #lastFailure: LogError | undefined;
  #head: Head | undefined;

  constructor(store: LmdbStore, rules: AppendRules) {
    this.#store = store;
    this.#rules = rules;
    this.#bodies = new SegmentWriter(store);
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

  /** When nothing waits any more. */
  close(): Promise<void> {
    return this.#bodies.leave();
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
      const offsets = await this.#append(group);
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

  /** The offset of each frame; none where the log was full. */
  async #append(group: Pending[]): Promise<(number | undefined)[]> {
    if (this.#fullness() !== undefined) return [];
    try {
      let written = await this.#writeBodies(group);
      for (let tries = 0; tries < MAX_TRIES && !this.#stalled; tries++) {
        const head = this.#store.head(this.#head);
        if (written.segment !== undefined && !this.#store.hasSegment(written.segment.id)) {
          // Nothing had come for so long that it was taken for empty.
          await this.#bodies.leave();
          written = await this.#writeBodies(group);
          continue;
        }
        const { offsets, appendix, inSegment } = this.#follow(head, group, written);
        if (appendix.rows.length === 0) return offsets;
        this.#head = await this.#store.append(head, appendix);
        if (this.#head === undefined) continue;
        if (written.segment !== undefined) written.segment.frames += inSegment;
        return offsets;
      }
    } catch (error) {
      await this.#bodies.leave();
      throw error;
    }
    throw new LogError('unavailable', `${this.#store.path}: other processes came first each time`);
  }

  #writeBodies(group: Pending[]): Promise<Written> {
    return this.#bodies.write(group.map(({ frame }) => frame));
  }

  /** What the log gets of a group, where it ends at `head`, and how many of its frames lie in the segment. */
  #follow(
    head: Head,
    group: Pending[],
    { values, segment }: Written,
  ): { offsets: (number | undefined)[]; appendix: Appendix; inSegment: number } {
    const storedAt = this.#rules.now();
    const totals = { ...head.totals };
    const ends = [...head.ends];
    let free = this.#rules.maxBytes - (totals.bytes - this.#store.removed().bytes);
    let inSegment = 0;
    const rows: { key: Uint8Array; value: Buffer }[] = [];
    const offsets = group.map(({ partition, frame }, i) => {
      const value = values[i];
      if (free <= 0 || value === undefined) return undefined;
      const offset = ends[partition] ?? 0;
      ends[partition] = offset + 1;
      free -= frame.length;
      totals.frames += 1;
      totals.bytes += frame.length;
      if (value !== frame) inSegment += 1;
      rows.push({ key: frameKey(partition, offset, { storedAt, size: frame.length }), value });
      return offset;
    });
    const appendix = {
      rows,
      segment: segment && { id: segment.id, frames: segment.frames + inSegment },
      totals,
      ends,
    };
    return { offsets, appendix, inSegment };
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
