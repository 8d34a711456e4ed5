/**
 * The event log on Apache Kafka: one topic of frames, one of dead letters, and the consumer groups of the brokers.
 *
 * Why. Collectors and pipelines of many machines share one log that survives the loss of a machine.
 *
 * What is durable when. An append resolves when all in-sync replicas have the frame (`acks=all`); with three copies and
 * `min.insync.replicas=2`, as the topics are made, that is two brokers at least. Kafka hands it to the disk in its own
 * time: what protects against a power cut is that it does not hit all copies at once.
 *
 * What it trades. Retention goes by age alone, whether a frame was consumed or not, so it is a week at least; `maxBytes`
 * and `retentionBytes` have no meaning here. A frame may be in the log twice (see {@link ProduceQueue}).
 *
 * Connections, each with its own: appends; questions (ping, lag, dead letters), which must not wait behind appends; and
 * each subscription, whose coordinator may keep a request for as long as a rebalance takes.
 */
import type { Kafka } from 'kafkajs';
import {
  boundsOf,
  coordinatorOf,
  type KafkaConnection,
  kafkaClient,
  newConnection,
} from './kafka-cluster.ts';
import { readLetters, recordOf } from './kafka-dead-letters.ts';
import { unavailable, within } from './kafka-errors.ts';
import { committedOffsets } from './kafka-member.ts';
import { ping } from './kafka-ping.ts';
import { ProduceQueue } from './kafka-produce.ts';
import { startSubscription } from './kafka-subscription.ts';
import { topicId } from './kafka-topic-id.ts';
import { ensureTopics, type Topics } from './kafka-topics.ts';
import { type KafkaAddress, readKafkaUrl } from './kafka-url.ts';
import {
  type Backlog,
  type DeadLetter,
  type EventLog,
  type LogConsumer,
  LogError,
  type LogOptions,
  type LogTrouble,
  MAX_FRAME_BYTES,
  NO_BACKLOG,
  type PartitionLag,
  type Subscription,
} from './port.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const CALL_TIMEOUT_MS = 5_000;
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * @throws EngineUrlError when the URL is not one of Kafka's
 * @throws RangeError when an option is out of range
 * @throws LogError `wrong_partitions` when the topic has fewer; `unavailable` when no broker came up in time
 */
export async function openKafkaLog(url: string, options: LogOptions): Promise<EventLog> {
  const address = readKafkaUrl(url);
  const { partitions } = options;
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new RangeError(`partitions: ${partitions} is not a whole number from 1`);
  }
  const report = (trouble: LogTrouble) => {
    if (options.onTrouble !== undefined) options.onTrouble(trouble);
    else process.emitWarning(trouble.message, { type: 'LogTrouble', code: trouble.kind });
  };
  const client = kafkaClient(address.brokers, options.access);
  const admin = client.admin();
  const connections = { appends: newConnection(client), questions: newConnection(client) };
  try {
    const topics = await ensureTopics(admin, address, options, report);
    for (const { cluster } of Object.values(connections)) {
      await within(CONNECT_TIMEOUT_MS, 'connecting', cluster.connect());
      const targets = [address.eventsTopic, address.deadLettersTopic];
      await within(CONNECT_TIMEOUT_MS, 'looking for the leaders', cluster.addMultipleTargetTopics(targets));
    }
    return new KafkaLog(client, connections, address, topics, report);
  } catch (error) {
    await disconnect(connections);
    throw error;
  } finally {
    await within(CLOSE_TIMEOUT_MS, 'disconnecting', admin.disconnect()).catch((cause) =>
      report({ kind: 'store_failed', message: `kafka: ${String(cause)}`, cause }),
    );
  }
}

interface Connections {
  appends: KafkaConnection;
  questions: KafkaConnection;
}

class KafkaLog implements EventLog {
  readonly partitions: number;
  readonly #client: Kafka;
  readonly #connections: Connections;
  readonly #address: KafkaAddress;
  readonly #topics: Topics;
  readonly #report: (trouble: LogTrouble) => void;
  readonly #frames: ProduceQueue;
  readonly #letters: ProduceQueue;
  readonly #subscriptions = new Set<Subscription>();
  readonly #pendingCalls = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(
    client: Kafka,
    connections: Connections,
    address: KafkaAddress,
    topics: Topics,
    report: (trouble: LogTrouble) => void,
  ) {
    this.partitions = topics.partitions;
    this.#client = client;
    this.#connections = connections;
    this.#address = address;
    this.#topics = topics;
    this.#report = report;
    const { cluster } = connections.appends;
    const groupBytes = Math.min(MAX_FRAME_BYTES, topics.maxMessageBytes);
    this.#frames = new ProduceQueue(cluster, address.eventsTopic, topics.partitions, groupBytes);
    this.#letters = new ProduceQueue(cluster, address.deadLettersTopic, 1, groupBytes);
  }

  async identity(): Promise<string | undefined> {
    this.#mustBeOpen();
    return this.#track(within(CALL_TIMEOUT_MS, 'asking for the id of the topic', this.#identity()));
  }

  async append(partition: number, frame: Buffer): Promise<number> {
    this.#mustBeOpen();
    this.#mustExist(partition);
    if (frame.length > MAX_FRAME_BYTES) {
      const message = `frame of ${frame.length} bytes; at most ${MAX_FRAME_BYTES} are taken`;
      throw new LogError('frame_too_large', message);
    }
    return this.#track(this.#frames.append(partition, { value: frame }));
  }

  async subscribe(group: string, consumer: LogConsumer): Promise<Subscription> {
    this.#mustBeOpen();
    const started = startSubscription({
      connection: newConnection(this.#client),
      topic: this.#address.eventsTopic,
      group,
      groupId: this.#address.groupId(group),
      consumer,
      report: this.#report,
    });
    const subscription: Subscription = {
      close: async () => {
        await started.close();
        this.#subscriptions.delete(subscription);
      },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async deadLetter(letter: DeadLetter): Promise<void> {
    this.#mustBeOpen();
    this.#mustExist(letter.partition);
    await this.#track(this.#letters.append(0, recordOf(letter)));
  }

  async *deadLetters(): AsyncIterable<DeadLetter> {
    this.#mustBeOpen();
    const { cluster } = this.#connections.questions;
    const letters = await this.#track(readLetters(cluster, this.#address.deadLettersTopic));
    for (const letter of letters) {
      yield letter;
      this.#mustBeOpen();
    }
  }

  async lag(group: string): Promise<PartitionLag[]> {
    this.#mustBeOpen();
    return this.#track(within(CALL_TIMEOUT_MS, `lag of group ${group}`, this.#lag(group)));
  }

  async ping(): Promise<void> {
    this.#mustBeOpen();
    const { eventsTopic, brokers } = this.#address;
    const { minInSync } = this.#topics;
    await this.#track(ping(this.#connections.questions.cluster, { topic: eventsTopic, brokers, minInSync }));
  }

  backlog(): Backlog {
    return NO_BACKLOG;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #identity(): Promise<string | undefined> {
    const { cluster } = this.#connections.questions;
    const { eventsTopic } = this.#address;
    try {
      return await topicId(cluster, eventsTopic);
    } catch (cause) {
      await cluster.refreshMetadata();
      throw unavailable(`id of ${eventsTopic}`, cause);
    }
  }

  async #lag(group: string): Promise<PartitionLag[]> {
    const { cluster } = this.#connections.questions;
    const { eventsTopic } = this.#address;
    const groupId = this.#address.groupId(group);
    const partitions = Array.from({ length: this.partitions }, (_, partition) => partition);
    try {
      const coordinator = await coordinatorOf(cluster, groupId);
      const [bounds, committed] = await Promise.all([
        boundsOf(cluster, eventsTopic, partitions),
        committedOffsets(coordinator, groupId, eventsTopic, partitions),
      ]);
      return partitions.map((partition) => {
        const { start = 0, end = 0 } = bounds.get(partition) ?? {};
        return { partition, committed: committed.get(partition) ?? start, end };
      });
    } catch (cause) {
      await cluster.refreshMetadata();
      throw unavailable(`lag of group ${group}`, cause);
    }
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#pendingCalls);
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    await disconnect(this.#connections);
  }

  /** Closing waits for the call. */
  async #track<T>(call: Promise<T>): Promise<T> {
    this.#pendingCalls.add(call);
    try {
      return await call;
    } finally {
      this.#pendingCalls.delete(call);
    }
  }

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new LogError('closed', `${this.#address.eventsTopic} is closed`);
  }

  #mustExist(partition: number): void {
    if (Number.isInteger(partition) && partition >= 0 && partition < this.partitions) return;
    throw new RangeError(`there is no partition ${partition}; there are ${this.partitions}, from 0`);
  }
}

async function disconnect(connections: Connections): Promise<void> {
  const disconnected = Object.values(connections).map(({ cluster }) =>
    within(CLOSE_TIMEOUT_MS, 'disconnecting', cluster.disconnect()),
  );
  // A broker that does not answer cannot keep a process from ending.
  await Promise.allSettled(disconnected);
}
