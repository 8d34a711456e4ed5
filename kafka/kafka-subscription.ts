/**
 * A subscription: a member of the group, and a reader for each of its partitions, side by side.
 *
 * States
 * - joining: waits for the group to agree who reads what. Nothing is read.
 * - reading: the readers work; a heartbeat every {@link HEARTBEAT_MS}, however long a batch takes.
 * - yielding: somebody joins or leaves, and all partitions are given back. Running batches have {@link GRACE_MS} to
 *   end and be committed; then their signal aborts, and they have {@link SETTLE_MS} to stop; then `joining`. The group
 *   waits for that, so that a partition has one reader at a time; a store that is away does not hold it up longer.
 * - lost: the group has gone on without us, or its coordinator was out of reach for {@link LOST_AFTER_MS}, after which
 *   it will: the signals abort at once, then as above.
 * - closing: running batches end, however long they take, and are committed; then the group is left.
 *
 * A call that has not stopped in time keeps its partition from being read again in this process until it has; another
 * process may read it meanwhile, and what the call does then is for the stores to refuse. It is reported.
 */
import type { KafkaMessage } from 'kafkajs';
import { boundsOf, type KafkaConnection } from './kafka-cluster.ts';
import { pause, protocolError, within, wordsOf } from './kafka-errors.ts';
import { Fetcher } from './kafka-fetch.ts';
import { type Generation, GroupMember, isGroupAnswer, SESSION_TIMEOUT_MS } from './kafka-member.ts';
import { PartitionReader } from './kafka-reader.ts';
import type { Frame, LogConsumer, LogTrouble, Subscription } from './port.ts';

const HEARTBEAT_MS = 1_500;
// Before others may read what is ours.
const LOST_AFTER_MS = SESSION_TIMEOUT_MS - 2_000;
const GRACE_MS = 1_000;
// Together below the session timeout: nothing is heard of us meanwhile.
const SETTLE_MS = 5_000;
const CALL_TIMEOUT_MS = 5_000;
const FIRST_BACK_OFF_MS = 100;
const MAX_BACK_OFF_MS = 5_000;

interface SubscriptionContext {
  connection: KafkaConnection;
  topic: string;
  group: string;
  groupId: string;
  consumer: LogConsumer;
  report(trouble: LogTrouble): void;
}

export function startSubscription(context: SubscriptionContext): Subscription {
  const membership = new Membership(context);
  return { close: () => membership.close() };
}

class Membership {
  readonly #context: SubscriptionContext;
  readonly #member: GroupMember;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  readonly #lost = new Set<number>();
  /** Resolves when no request of an earlier generation is on its way. */
  #fetchersClosed: Promise<unknown> = Promise.resolve();
  /** The last reader of each partition; its call may still run. */
  readonly #readers = new Map<number, PartitionReader>();

  constructor(context: SubscriptionContext) {
    this.#context = context;
    this.#member = new GroupMember(context.connection, context.groupId, context.topic);
    this.#ended = this.#live();
  }

  close(): Promise<void> {
    this.#closing.abort();
    return this.#ended;
  }

  async #live(): Promise<void> {
    const closing = this.#closing.signal;
    for (let backOffMs = FIRST_BACK_OFF_MS; !closing.aborted; ) {
      try {
        const generation = await this.#member.join();
        backOffMs = FIRST_BACK_OFF_MS;
        await this.#read(generation);
      } catch (cause) {
        // The group moved on while we joined: that is how it agrees.
        if (isGroupAnswer(cause)) continue;
        this.#failed('joining', cause);
        await pause(backOffMs, closing);
        backOffMs = Math.min(2 * backOffMs, MAX_BACK_OFF_MS);
      }
    }
    await Promise.all([...this.#readers.values()].map(({ ended }) => ended));
    await this.#member.leave().catch((cause) => this.#failed('leaving', cause));
    await this.#fetchersClosed;
    await within(CALL_TIMEOUT_MS, 'disconnecting', this.#context.connection.cluster.disconnect()).catch(
      (cause) => this.#failed('disconnecting', cause),
    );
  }

  /** From the assignment until it ends. */
  async #read(generation: Generation): Promise<void> {
    const { connection, topic } = this.#context;
    const fetcher = new Fetcher(connection.cluster, topic, (cause) => this.#failed('reading', cause));
    const readers = generation.partitions.map((partition) => this.#reader(partition, generation, fetcher));
    const allEnded = Promise.all(readers.map(({ ended }) => ended)).then(() => undefined);
    const closed = new AbortController();
    const finish = () => {
      for (const reader of readers) reader.finish();
      void allEnded.then(() => closed.abort());
    };
    this.#closing.signal.addEventListener('abort', finish, { once: true });
    if (this.#closing.signal.aborted) finish();
    try {
      const end = await this.#heartbeats(closed.signal);
      if (end !== 'closed') await this.#giveBack(readers, allEnded, end);
    } finally {
      this.#closing.signal.removeEventListener('abort', finish);
      // Not waited for: a broker that is away must not keep us from joining the group again.
      this.#fetchersClosed = Promise.all([this.#fetchersClosed, fetcher.close()]);
    }
  }

  #reader(partition: number, generation: Generation, fetcher: Fetcher): PartitionReader {
    const { connection, topic, group, groupId, consumer, report } = this.#context;
    const boundsNow = async (of: number) => {
      const what = `partition ${of}: looking for its end`;
      const bounds = await within(CALL_TIMEOUT_MS, what, boundsOf(connection.cluster, topic, [of]));
      return bounds.get(of) ?? { start: 0, end: 0 };
    };
    const context = {
      name: topic,
      group: groupId,
      consumer,
      report: (trouble: LogTrouble) => report({ ...trouble, group }),
      committed: async (of: number) =>
        (await this.#member.committed([of])).get(of) ?? (await boundsNow(of)).start,
      commit: (of: number, offset: number) => this.#member.commit(generation, of, offset),
      bounds: boundsNow,
      next: async (of: number, offset: number) => {
        const fetched = await fetcher.next(of, offset);
        return Array.isArray(fetched) ? fetched.map(frameOf) : fetched;
      },
      stopFetching: (of: number) => fetcher.drop(of),
      lost: this.#lost,
    };
    const previous = this.#readers.get(partition)?.ended ?? Promise.resolve();
    const reader = new PartitionReader(partition, context, previous);
    this.#readers.set(partition, reader);
    return reader;
  }

  /** Until the group rebalances, has lost us, or the last reader has ended while closing. */
  async #heartbeats(closed: AbortSignal): Promise<'rebalance' | 'lost' | 'closed'> {
    let heard = performance.now();
    for (;;) {
      const lostAt = heard + LOST_AFTER_MS;
      const leftMs = Math.max(0, Math.ceil(lostAt - performance.now()));
      await pause(Math.min(HEARTBEAT_MS, leftMs), closed);
      if (closed.aborted) return 'closed';
      const sent = performance.now();
      if (sent >= lostAt) return 'lost';
      try {
        await this.#member.heartbeat(lostAt - sent);
        heard = sent;
      } catch (cause) {
        if (protocolError(cause) === 'REBALANCE_IN_PROGRESS') return 'rebalance';
        this.#failed('heartbeat', cause);
        if (isGroupAnswer(cause)) return 'lost';
      }
    }
  }

  async #giveBack(
    readers: PartitionReader[],
    allEnded: Promise<void>,
    why: 'rebalance' | 'lost',
  ): Promise<void> {
    if (why === 'rebalance') {
      for (const reader of readers) reader.finish();
      if (await endedWithin(GRACE_MS, allEnded)) return;
    }
    for (const reader of readers) reader.drop();
    if (await endedWithin(SETTLE_MS, allEnded)) return;
    const { topic, group } = this.#context;
    const message = `${topic}: group ${group}: a batch still runs ${SETTLE_MS} ms after its partition was taken away`;
    this.#context.report({ kind: 'consumer_failed', message, group });
  }

  #failed(what: string, cause: unknown): void {
    const { topic, group, report } = this.#context;
    report({
      kind: 'store_failed',
      message: `${topic}: group ${group}: ${what}: ${wordsOf(cause)}`,
      group,
      cause,
    });
  }
}

/** A message without a value is not ours; whoever decodes it says so. */
function frameOf({ offset, value }: KafkaMessage): Frame {
  return { offset: Number(offset), body: value ?? Buffer.alloc(0) };
}

async function endedWithin(ms: number, work: Promise<void>): Promise<boolean> {
  const timer = new AbortController();
  const inTime = await Promise.race([work.then(() => true), pause(ms, timer.signal).then(() => false)]);
  timer.abort();
  return inTime;
}
