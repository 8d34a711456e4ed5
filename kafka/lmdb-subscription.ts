/**
 * A subscription: one loop a partition, side by side, on behalf of one group.
 *
 * States of a loop: assigning (asks the consumer where to start, moves the group there) -> reading (batch, commit,
 * batch, ...; waits for news at the end, where nothing is left uncommitted) -> revoked. `lost` when the consumer asks for what was never written: it
 * stays there, since a loop that waited for the log to grow so far would skip what lies before.
 */
import { setMaxListeners } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { assignOffset, committedOf, registerGroup } from './lmdb-offsets.ts';
import { News, readFrames } from './lmdb-reader.ts';
import type { LmdbStore } from './lmdb-store.ts';
import type { Frame, LogConsumer, LogTrouble, Subscription } from './port.ts';

const FIRST_BACK_OFF_MS = 50;
const MAX_BACK_OFF_MS = 5_000;
const ONE_DAY_MS = 86_400_000;

interface SubscriptionContext {
  store: LmdbStore;
  group: string;
  consumer: LogConsumer;
  pollMs: number;
  /** A batch ends with the frame that reaches this size. */
  batchBytes: number;
  report(trouble: LogTrouble): void;
}

/** @throws LogError `unavailable` */
export async function startSubscription(context: SubscriptionContext): Promise<Subscription> {
  await registerGroup(context.store, context.group);
  const stop = new AbortController();
  // Every loop may listen; Node takes more than ten listeners for a leak.
  setMaxListeners(0, stop.signal);
  const news = new News(context.store, context.pollMs, stop.signal);
  const loops = Array.from({ length: context.store.partitions }, (_, partition) =>
    new PartitionLoop(context, partition, news, stop.signal).run(),
  );
  const ended = Promise.all(loops).then(() => undefined);
  return {
    close: () => {
      stop.abort();
      return ended;
    },
  };
}

class PartitionLoop {
  readonly #context: SubscriptionContext;
  readonly #partition: number;
  readonly #news: News;
  readonly #stop: AbortSignal;
  // The embedded log never takes a partition away: closing waits for the batch that runs.
  readonly #ours = new AbortController().signal;
  /** Offset that is to be committed, and since when. */
  #uncommitted: { nextOffset: number; since: number } | undefined;

  constructor(context: SubscriptionContext, partition: number, news: News, stop: AbortSignal) {
    this.#context = context;
    this.#partition = partition;
    this.#news = news;
    this.#stop = stop;
  }

  async run(): Promise<void> {
    const asked = await this.#untilDone('consumer_failed', () => this.#ask());
    if (asked === undefined) return;
    let position = await this.#start(asked);
    while (position !== undefined && !this.#stop.aborted) position = await this.#step(position);
    await this.#commit();
    await this.#untilDone('consumer_failed', async () => this.#context.consumer.revoked(this.#partition));
  }

  async #ask(): Promise<number> {
    const { store, group, consumer } = this.#context;
    const asked = await consumer.assigned(this.#partition, committedOf(store, this.#partition, group));
    if (Number.isSafeInteger(asked) && asked >= 0) return asked;
    throw new RangeError(`partition ${this.#partition}: ${asked} is not an offset`);
  }

  /** The offset to read from; none when stopped or lost. */
  async #start(asked: number): Promise<number | undefined> {
    const { store, group, report } = this.#context;
    const partition = this.#partition;
    const found = await this.#untilDone('store_failed', () => assignOffset(store, partition, group, asked));
    if (found === undefined) return undefined;
    const where = `${store.path}: group ${group}, partition ${partition}`;
    if (found.kind === 'beyond_end') {
      const message = `${where}: offset ${asked} was asked for, the log ends at ${found.end}: it was lost or replaced; not read`;
      report({ kind: 'beyond_end', message, group, partition });
      while (!this.#stop.aborted) await pause(ONE_DAY_MS, this.#stop);
      return undefined;
    }
    if (found.kind === 'gap') {
      const message = `${where}: offset ${asked} was asked for and is removed; reading from ${found.offset}`;
      report({ kind: 'gap', message, group, partition });
    }
    return found.offset;
  }

  /** Reads, hands over and commits one batch; the offset to go on from, none when stopped. */
  async #step(position: number): Promise<number | undefined> {
    const { store, batchBytes, consumer } = this.#context;
    const seen = this.#news.seen;
    const frames = await this.#untilDone('store_failed', async () =>
      readFrames(store, this.#partition, position, batchBytes),
    );
    if (frames === undefined) return undefined;
    if (frames.length === 0) {
      await this.#commit();
      await this.#news.after(seen);
      return position;
    }
    const nextOffset = position + frames.length;
    const consumed = await this.#untilDone('consumer_failed', () =>
      this.#offer(frames, position, nextOffset),
    );
    if (consumed === undefined) return undefined;
    const now = performance.now();
    this.#uncommitted = { nextOffset, since: this.#uncommitted?.since ?? now };
    if (now - this.#uncommitted.since >= (consumer.commitWithinMs ?? 0)) await this.#commit();
    return nextOffset;
  }

  async #commit(): Promise<void> {
    const { store, group, consumer } = this.#context;
    const partition = this.#partition;
    if (this.#uncommitted === undefined) return;
    const { nextOffset } = this.#uncommitted;
    this.#uncommitted = undefined;
    const began = performance.now();
    const committed = await this.#untilDone('store_failed', async () => {
      await store.putOffset(partition, group, nextOffset);
      return true;
    });
    if (committed === undefined) return;
    consumer.committed?.({ partition, nextOffset, seconds: (performance.now() - began) / 1_000 });
  }

  async #offer(frames: Frame[], firstOffset: number, nextOffset: number): Promise<true> {
    const batch = { partition: this.#partition, firstOffset, nextOffset, frames };
    await this.#context.consumer.batch(batch, this.#ours);
    return true;
  }

  /** Repeats `work` with growing pauses until it resolves, or once more has failed after the stop: then undefined. */
  async #untilDone<T>(kind: LogTrouble['kind'], work: () => Promise<T>): Promise<T | undefined> {
    const { group, report } = this.#context;
    for (let backOffMs = FIRST_BACK_OFF_MS; ; backOffMs = Math.min(2 * backOffMs, MAX_BACK_OFF_MS)) {
      try {
        return await work();
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        const message = `group ${group}, partition ${this.#partition}: ${why}`;
        report({ kind, message, group, partition: this.#partition, cause });
      }
      if (this.#stop.aborted) return undefined;
      await pause(backOffMs, this.#stop);
      if (this.#stop.aborted) return undefined;
    }
  }
}

/** Waits so long, or until the stop. */
async function pause(ms: number, stop: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal: stop });
  } catch (error) {
    if (!stop.aborted) throw error;
  }
}
