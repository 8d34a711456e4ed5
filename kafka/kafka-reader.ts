/**
 * Reads one partition for one generation of the group.
 *
 * States: assigning (asks the consumer where to start) -> reading (batch, commit, batch, ...; the next frames are
 * fetched meanwhile) -> revoked. `lost` when the consumer asks for what was never written: it stays there, since a
 * reader that waited for the log to grow so far would skip what lies before.
 *
 * `finish`: the running batch may end and is committed, then no more is offered. `drop`: the partition is somebody
 * else's from now on, nothing is committed.
 */
import { pause, wordsOf } from './kafka-errors.ts';
import type { Frame, LogConsumer, LogTrouble } from './port.ts';

const FIRST_BACK_OFF_MS = 50;
const MAX_BACK_OFF_MS = 5_000;
const MAX_BATCH_FRAMES = 2_000;
const MAX_BATCH_BYTES = 4 * 1024 ** 2;

/** What a reader needs of the group and of the topic. */
export interface ReaderContext {
  /** For messages. */
  name: string;
  group: string;
  consumer: LogConsumer;
  report(trouble: LogTrouble): void;
  committed(partition: number): Promise<number>;
  commit(partition: number, offset: number): Promise<void>;
  bounds(partition: number): Promise<{ start: number; end: number }>;
  next(partition: number, offset: number): Promise<Frame[] | 'out_of_range' | undefined>;
  stopFetching(partition: number): void;
  /** Partitions that ask for what was never written; not read again in this process. */
  lost: Set<number>;
}

export class PartitionReader {
  readonly partition: number;
  /** Resolves when no call of the consumer runs and the partition is revoked. Never rejects. */
  readonly ended: Promise<void>;
  readonly #context: ReaderContext;
  readonly #finish = new AbortController();
  readonly #drop = new AbortController();

  /** `previous`: the reader of an earlier generation, whose call may still run. */
  constructor(partition: number, context: ReaderContext, previous: Promise<void>) {
    this.partition = partition;
    this.#context = context;
    this.ended = previous.then(() => this.#run());
  }

  finish(): void {
    this.#finish.abort();
    this.#context.stopFetching(this.partition);
  }

  drop(): void {
    this.#drop.abort();
    this.finish();
  }

  async #run(): Promise<void> {
    const { partition } = this;
    const { committed, consumer } = this.#context;
    // It may be taken away before we begin, while a call of the earlier reader runs: preparing it is then for others.
    if (this.#finish.signal.aborted) return;
    const from = await this.#untilDone('store_failed', () => committed(partition));
    if (from === undefined || this.#finish.signal.aborted) return;
    const asked = await this.#untilDone('consumer_failed', () => this.#ask(from));
    if (asked === undefined) return;
    const position: number | undefined = await this.#place(asked);
    if (position !== undefined) await this.#read(position);
    await this.#untilDone('consumer_failed', async () => consumer.revoked(partition));
  }

  async #ask(committed: number): Promise<number> {
    const asked = await this.#context.consumer.assigned(this.partition, committed);
    if (Number.isSafeInteger(asked) && asked >= 0) return asked;
    throw new RangeError(`${asked} is not an offset`);
  }

  /** The offset to read from; none when finished or lost. */
  async #place(asked: number): Promise<number | undefined> {
    const { name, group, report, bounds, lost } = this.#context;
    const { partition } = this;
    const found = await this.#untilDone('store_failed', () => bounds(partition));
    if (found === undefined) return undefined;
    const where = `${name}: group ${group}, partition ${partition}`;
    if (asked > found.end || lost.has(partition)) {
      lost.add(partition);
      const message = `${where}: offset ${asked} was asked for, the log ends at ${found.end}: it was lost or replaced; not read`;
      report({ kind: 'beyond_end', message, group, partition });
      await aborted(this.#finish.signal);
      return undefined;
    }
    if (asked < found.start) {
      const message = `${where}: offset ${asked} was asked for and is removed; reading from ${found.start}`;
      report({ kind: 'gap', message, group, partition });
    }
    return Math.max(asked, found.start);
  }

  async #read(start: number): Promise<void> {
    const { next } = this.#context;
    let fetching = next(this.partition, start);
    for (let position: number | undefined = start; position !== undefined && !this.#finish.signal.aborted; ) {
      const fetched = await fetching;
      if (fetched === undefined) return;
      if (fetched === 'out_of_range') {
        position = await this.#place(position);
        if (position !== undefined) fetching = next(this.partition, position);
        continue;
      }
      const end: number = (fetched.at(-1)?.offset ?? position) + 1;
      // One answer ahead: while the consumer works, the next frames come.
      fetching = next(this.partition, end);
      for (const frames of batches(fetched)) {
        position = await this.#step(position, frames);
        if (position === undefined) return;
      }
    }
  }

  /** Hands over and commits one batch; the offset to go on from, none when finished. */
  async #step(position: number, frames: Frame[]): Promise<number | undefined> {
    if (this.#finish.signal.aborted) return undefined;
    const { name, group, report, consumer, commit } = this.#context;
    const { partition } = this;
    const firstOffset = frames[0]?.offset ?? position;
    const nextOffset = (frames.at(-1)?.offset ?? position) + 1;
    if (firstOffset !== position) {
      const message = `${name}: group ${group}, partition ${partition}: offsets ${position} to ${firstOffset - 1} are not there; reading from ${firstOffset}`;
      report({ kind: 'gap', message, group, partition });
    }
    const batch = { partition, firstOffset, nextOffset, frames };
    const consumed = await this.#untilDone('consumer_failed', async () => {
      await consumer.batch(batch, this.#drop.signal);
      return true;
    });
    if (consumed === undefined || this.#drop.signal.aborted) return undefined;
    const began = performance.now();
    const committed = await this.#untilDone('store_failed', async () => {
      await commit(partition, nextOffset);
      return true;
    });
    if (committed === undefined) return undefined;
    consumer.committed?.({ partition, nextOffset, seconds: (performance.now() - began) / 1_000 });
    return nextOffset;
  }

  /** Repeats `work` with growing pauses until it resolves, or once more has failed after the end: then undefined. */
  async #untilDone<T>(kind: LogTrouble['kind'], work: () => Promise<T>): Promise<T | undefined> {
    const { name, group, report } = this.#context;
    for (let backOffMs = FIRST_BACK_OFF_MS; ; backOffMs = Math.min(2 * backOffMs, MAX_BACK_OFF_MS)) {
      try {
        return await work();
      } catch (cause) {
        // Work that was told to stop is expected to fail.
        if (this.#drop.signal.aborted) return undefined;
        const message = `${name}: group ${group}, partition ${this.partition}: ${wordsOf(cause)}`;
        report({ kind, message, group, partition: this.partition, cause });
      }
      if (this.#finish.signal.aborted) return undefined;
      await pause(backOffMs, this.#finish.signal);
      if (this.#finish.signal.aborted) return undefined;
    }
  }
}

function* batches(frames: Frame[]): Generator<Frame[]> {
  let batch: Frame[] = [];
  let bytes = 0;
  for (const frame of frames) {
    batch.push(frame);
    bytes += frame.body.length;
    if (batch.length < MAX_BATCH_FRAMES && bytes < MAX_BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
