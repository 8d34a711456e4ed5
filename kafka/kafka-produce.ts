/**
 * Sends messages to the leaders of their partitions: what waits while a request is on its way goes, in order, into the
 * next one.
 *
 * States of a partition's lane
 * - idle: nothing is on its way. A message starts a request, together with those of other idle lanes of the leader.
 * - sending: one request is on its way, arrivals wait. Only one, since a second could overtake the first when that one
 *   fails. Left for `sending` again or `idle` when the leader has answered.
 * - recovering: the request failed. The leader is asked for anew, then the same messages go first. Those that are older
 *   than {@link MAX_AGE_MS} by then are refused.
 *
 * What it trades. A message that was written but whose answer was lost is sent again: it may be in the log twice, never
 * not at all. The pipeline drops repeats by event id.
 *
 * Full (more than {@link MAX_PENDING_BYTES} wait): the message is refused, nothing that was taken is dropped.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Message } from 'kafkajs';
import kafkajs from 'kafkajs';
import { brokerOf, type KafkaBroker, leaderOf } from './kafka-cluster.ts';
import { protocolError, unavailable, within } from './kafka-errors.ts';
import { LogError, MAX_FRAME_BYTES } from './port.ts';

const MAX_PENDING_BYTES = 64 * 1024 ** 2;
const MAX_REQUEST_BYTES = 1024 ** 2;
// What a pending message costs beside its value: bounds the number of empty ones.
const PENDING_OVERHEAD_BYTES = 256;
/** Requests on their way to one leader, of different lanes: while it writes one, others are compressed. */
const MAX_IN_FLIGHT = 4;
/** How long the leader may wait for the in-sync replicas. */
const REPLICATION_TIMEOUT_MS = 2_500;
const MAX_AGE_MS = 2_000;
const REFRESH_TIMEOUT_MS = 1_000;
const BACK_OFF_MS = 100;
const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE']);

/** A message with what it counts towards the bounds. */
export type LogRecord = Omit<Message, 'value'> & { value: Buffer };

interface Pending {
  record: LogRecord;
  since: number;
  resolve(offset: number): void;
  reject(error: LogError): void;
}

interface Lane {
  partition: number;
  waiting: Pending[];
  busy: boolean;
  /** So many are to go in requests of their own, since together with others they were too large. */
  alone: number;
}

interface Group {
  lane: Lane;
  pending: Pending[];
}

export class ProduceQueue {
  readonly #cluster: Cluster;
  readonly #topic: string;
  readonly #maxGroupBytes: number;
  readonly #lanes: Lane[];
  readonly #inFlight = new Map<string, number>();
  #pendingBytes = 0;
  #woken = false;

  /** `maxGroupBytes`: of one partition in one request, which becomes one batch of records with a limit of its own. */
  constructor(cluster: Cluster, topic: string, partitions: number, maxGroupBytes = MAX_FRAME_BYTES) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#maxGroupBytes = maxGroupBytes;
    this.#lanes = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      waiting: [],
      busy: false,
      alone: 0,
    }));
  }

  /** @throws LogError (rejects) `unavailable`, `frame_too_large` */
  append(partition: number, record: LogRecord): Promise<number> {
    return new Promise((resolve, reject) => {
      const lane = this.#lanes[partition];
      if (lane === undefined) throw new RangeError(`${this.#topic} has no partition ${partition}`);
      const bytes = bytesOf(record);
      if (this.#pendingBytes + bytes > MAX_PENDING_BYTES) {
        const message = `${this.#pendingBytes} bytes wait to be written: the brokers are too slow`;
        return reject(new LogError('unavailable', message));
      }
      this.#pendingBytes += bytes;
      const settled = () => {
        this.#pendingBytes -= bytes;
      };
      lane.waiting.push({
        record,
        since: performance.now(),
        resolve: (offset) => {
          settled();
          resolve(offset);
        },
        reject: (error) => {
          settled();
          reject(error);
        },
      });
      this.#wake();
    });
  }

  #wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    // A turn of the event loop, so that messages of the same turn share a request.
    setImmediate(() => {
      this.#woken = false;
      this.#sendIdle();
    });
  }

  #sendIdle(): void {
    const byLeader = new Map<string, Lane[]>();
    const ready = this.#lanes.filter(({ busy, waiting }) => !busy && waiting.length > 0);
    // Those that wait longest go first: a full request must not leave the same ones behind each time.
    for (const lane of ready.sort((a, b) => oldest(a) - oldest(b))) {
      const leader = leaderOf(this.#cluster, this.#topic, lane.partition);
      if (lane.alone > 0) void this.#send(leader, [takeAlone(lane)]);
      else byLeader.set(leader, [...(byLeader.get(leader) ?? []), lane]);
    }
    for (const [leader, lanes] of byLeader) {
      while (lanes.length > 0 && (this.#inFlight.get(leader) ?? 0) < MAX_IN_FLIGHT) {
        void this.#send(leader, takeRequest(lanes, this.#maxGroupBytes));
      }
    }
  }

  async #send(leader: string, groups: Group[]): Promise<void> {
    for (const { lane } of groups) lane.busy = true;
    this.#count(leader, 1);
    let broker: KafkaBroker | undefined;
    try {
      broker = await within(REFRESH_TIMEOUT_MS, `broker ${leader}`, brokerOf(this.#cluster, leader));
      const { topics } = await broker.produce({
        acks: -1,
        timeout: REPLICATION_TIMEOUT_MS,
        compression: kafkajs.CompressionTypes.GZIP,
        topicData: [
          {
            topic: this.#topic,
            partitions: groups.map(({ lane: { partition }, pending }) => ({
              partition,
              messages: pending.map(({ record }) => record),
            })),
          },
        ],
      });
      acknowledge(groups, new Map(topics[0]?.partitions.map((p) => [p.partition, Number(p.baseOffset)])));
    } catch (cause) {
      if (TOO_LARGE.has(protocolError(cause) ?? '')) {
        this.#sendAlone(groups, cause);
      } else {
        for (const group of groups) this.#retryOrRefuse(group, cause);
        await this.#recover(broker, cause);
      }
    } finally {
      this.#count(leader, -1);
      for (const { lane } of groups) lane.busy = false;
      this.#wake();
    }
  }

  /** The broker does not say which one was too large, and the others must not be refused with it. */
  #sendAlone(groups: Group[], cause: unknown): void {
    const [only, ...others] = groups.flatMap(({ pending }) => pending);
    if (only !== undefined && others.length === 0) {
      const message = `${this.#topic}: the brokers take no message of ${only.record.value.length} bytes`;
      only.reject(new LogError('frame_too_large', message, { cause }));
      return;
    }
    for (const { lane, pending } of groups) {
      lane.waiting.unshift(...pending);
      lane.alone = pending.length;
    }
  }

  #retryOrRefuse({ lane, pending }: Group, cause: unknown): void {
    const all = [...pending, ...lane.waiting];
    const tooOld = performance.now() - MAX_AGE_MS;
    lane.waiting = all.filter(({ since }) => since > tooOld);
    lane.alone = 0;
    const refusal = unavailable(`${this.#topic}, partition ${lane.partition}`, cause);
    for (const { since, reject } of all) if (since <= tooOld) reject(refusal);
  }

  async #recover(broker: KafkaBroker | undefined, cause: unknown): Promise<void> {
    try {
      // A connection into nothing stays open for long: the next try is to make a new one.
      if (cause instanceof Error && cause.name === 'KafkaJSRequestTimeoutError') {
        await within(REFRESH_TIMEOUT_MS, 'disconnecting', broker?.disconnect() ?? Promise.resolve());
      }
      await within(REFRESH_TIMEOUT_MS, `${this.#topic}: metadata`, this.#cluster.refreshMetadata());
    } catch {
      // The next try fails for the same reason, and it is that one which refuses the messages.
    }
    await delay(BACK_OFF_MS);
  }

  #count(leader: string, change: 1 | -1): void {
    this.#inFlight.set(leader, (this.#inFlight.get(leader) ?? 0) + change);
  }
}

function oldest({ waiting: [first] }: Lane): number {
  return first?.since ?? Number.POSITIVE_INFINITY;
}

function takeRequest(lanes: Lane[], maxGroupBytes: number): Group[] {
  const groups: Group[] = [];
  for (let bytes = 0; bytes < MAX_REQUEST_BYTES; ) {
    const lane = lanes.shift();
    if (lane === undefined) break;
    const group = takeGroup(lane, maxGroupBytes);
    for (const { record } of group.pending) bytes += bytesOf(record);
    groups.push(group);
  }
  return groups;
}

function takeGroup(lane: Lane, maxBytes: number): Group {
  let bytes = 0;
  let count = 0;
  for (const { record } of lane.waiting) {
    if (count > 0 && bytes + bytesOf(record) > maxBytes) break;
    bytes += bytesOf(record);
    count += 1;
  }
  return { lane, pending: lane.waiting.splice(0, count) };
}

function takeAlone(lane: Lane): Group {
  lane.alone -= 1;
  return { lane, pending: lane.waiting.splice(0, 1) };
}

function acknowledge(groups: Group[], baseOffsets: Map<number, number>): void {
  for (const { lane } of groups) {
    if (baseOffsets.has(lane.partition)) continue;
    throw new Error(`partition ${lane.partition} is missing in the broker's answer`);
  }
  for (const { lane, pending } of groups) {
    let offset = baseOffsets.get(lane.partition) ?? 0;
    for (const { resolve } of pending) {
      resolve(offset);
      offset += 1;
    }
  }
}

function bytesOf({ value }: LogRecord): number {
  return value.length + PENDING_OVERHEAD_BYTES;
}
