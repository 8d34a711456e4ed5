/**
 * Reads messages: one loop a broker, each asks in one request for all partitions that are wanted and led there.
 *
 * One request, since a broker answers a connection's requests in turn: a partition without news would hold up the
 * others for as long as its request waits.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Cluster, KafkaMessage } from 'kafkajs';
import { brokerOf, leaderOf } from './kafka-cluster.ts';
import { pause, within } from './kafka-errors.ts';

/** How long a broker waits for news; also how late a partition may be that is wanted again meanwhile. */
const MAX_WAIT_MS = 100;
const FETCH_TIMEOUT_MS = 5_000;
/** Compressed. At least one batch of records comes, however large. */
const MAX_PARTITION_BYTES = 1024 ** 2;
const MAX_BYTES = 16 * 1024 ** 2;
const FIRST_BACK_OFF_MS = 100;
const MAX_BACK_OFF_MS = 5_000;
const READ_UNCOMMITTED = 0;

/** Messages from the offset on, oldest first, never empty. */
type Fetched = KafkaMessage[] | 'out_of_range';

interface Wanted {
  offset: number;
  resolve(fetched: Fetched | undefined): void;
}

export class Fetcher {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #onFailure: (cause: unknown) => void;
  readonly #wanted = new Map<number, Wanted>();
  readonly #loops = new Map<string, Promise<void>>();
  readonly #closed = new AbortController();

  constructor(cluster: Cluster, topic: string, onFailure: (cause: unknown) => void) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#onFailure = onFailure;
  }

  /** Waits until there are some; undefined when the partition is dropped before. One call at a time a partition. */
  next(partition: number, offset: number): Promise<Fetched | undefined> {
    return new Promise((resolve) => {
      if (this.#closed.signal.aborted) return resolve(undefined);
      this.#wanted.set(partition, { offset, resolve });
      this.#start();
    });
  }

  drop(partition: number): void {
    this.#settle(partition, this.#wanted.get(partition), undefined);
  }

  /** Nothing more comes from here at once; resolves when the requests that are on their way have ended, too. */
  async close(): Promise<void> {
    this.#closed.abort();
    for (const partition of [...this.#wanted.keys()]) this.drop(partition);
    await Promise.all(this.#loops.values());
  }

  #start(): void {
    for (const partition of this.#wanted.keys()) {
      const leader = leaderOf(this.#cluster, this.#topic, partition);
      if (!this.#loops.has(leader)) this.#loops.set(leader, this.#loop(leader));
    }
  }

  /** Ends when nothing more is wanted of this broker. */
  async #loop(leader: string): Promise<void> {
    // A turn, so that what is wanted again is part of the next request.
    await turn();
    for (let backOffMs = FIRST_BACK_OFF_MS; ; ) {
      const wanted = [...this.#wanted].filter(
        ([partition]) => leaderOf(this.#cluster, this.#topic, partition) === leader,
      );
      if (wanted.length === 0) break;
      try {
        await this.#fetch(leader, wanted);
        backOffMs = FIRST_BACK_OFF_MS;
      } catch (cause) {
        if (!this.#closed.signal.aborted) this.#onFailure(cause);
        await this.#recover(backOffMs);
        backOffMs = Math.min(2 * backOffMs, MAX_BACK_OFF_MS);
      }
      await turn();
    }
    this.#loops.delete(leader);
    // Leaders may have changed since.
    this.#start();
  }

  async #fetch(leader: string, wanted: [number, Wanted][]): Promise<void> {
    const partitions = wanted.map(([partition, { offset }]) => ({
      partition,
      fetchOffset: String(offset),
      maxBytes: MAX_PARTITION_BYTES,
    }));
    const asked = brokerOf(this.#cluster, leader).then((broker) =>
      broker.fetch({
        maxWaitTime: MAX_WAIT_MS,
        minBytes: 1,
        maxBytes: MAX_BYTES,
        isolationLevel: READ_UNCOMMITTED,
        topics: [{ topic: this.#topic, partitions }],
      }),
    );
    const requests = new Map(wanted);
    try {
      const { responses } = await within(FETCH_TIMEOUT_MS, `reading from broker ${leader}`, asked);
      for (const { partition, messages } of responses.flatMap((response) => response.partitions)) {
        const request = requests.get(partition);
        if (request === undefined) continue;
        // A batch of records may begin before the offset that was asked for.
        const news = messages.filter(({ offset }) => Number(offset) >= request.offset);
        if (news.length > 0) this.#settle(partition, request, news);
      }
    } catch (error) {
      const partition = partitionOutOfRange(error);
      if (partition === undefined) throw error;
      this.#settle(partition, requests.get(partition), 'out_of_range');
    }
  }

  #settle(partition: number, request: Wanted | undefined, fetched: Fetched | undefined): void {
    // The answer to a request that was dropped, or that another broker has answered.
    if (request === undefined || this.#wanted.get(partition) !== request) return;
    this.#wanted.delete(partition);
    request.resolve(fetched);
  }

  async #recover(backOffMs: number): Promise<void> {
    await pause(backOffMs, this.#closed.signal);
    if (this.#closed.signal.aborted) return;
    try {
      await within(FETCH_TIMEOUT_MS, 'looking for the leaders', this.#cluster.refreshMetadata());
    } catch (cause) {
      this.#onFailure(cause);
    }
  }
}

/** kafkajs fails the whole answer with the first partition that is out of range. */
function partitionOutOfRange(error: unknown): number | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause.name !== 'KafkaJSOffsetOutOfRange' || !('partition' in cause)) continue;
    return typeof cause.partition === 'number' ? cause.partition : undefined;
  }
  return undefined;
}
