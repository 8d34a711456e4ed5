/** The topics of a log: made when absent, looked over when there. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Admin, ITopicConfig } from 'kafkajs';
import kafkajs from 'kafkajs';
import { certificateFault } from '../trust.ts';
import { protocolError, unavailable, within, wordsOf } from './kafka-errors.ts';
import { problemsOf } from './kafka-topic-problems.ts';
import type { KafkaAddress } from './kafka-url.ts';
import { LETTER_RETENTION_MS, LogError, type LogOptions, type LogTrouble, MAX_FRAME_BYTES } from './port.ts';

const COPIES = 3;
const START_TIMEOUT_MS = 30_000;
const CALL_TIMEOUT_MS = 10_000;
const POLL_MS = 250;
/** What brokers say of a topic that was just made, until all of them have heard of it: no trouble that anyone need be told of. */
const SPREADING = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'LEADER_NOT_AVAILABLE']);
const ONE_DAY_MS = 86_400_000;
/** Kafka removes by age alone, consumed or not: so long the consumers may be away. */
const MIN_RETENTION_MS = 7 * ONE_DAY_MS;
/** A frame that does not compress, with what Kafka puts around it, and the reason of a dead letter. */
const MAX_MESSAGE_BYTES = 2 * MAX_FRAME_BYTES;

export interface Topics {
  partitions: number;
  /** Of the events topic: below it, frames can be refused though one broker is left. */
  minInSync: number;
  /** What the events topic takes as one batch of records. */
  maxMessageBytes: number;
}

/**
 * Waits for brokers that are not up yet, up to {@link START_TIMEOUT_MS}.
 *
 * @throws LogError `unavailable`, `wrong_partitions`
 */
export async function ensureTopics(
  admin: Admin,
  address: KafkaAddress,
  options: LogOptions,
  report: (trouble: LogTrouble) => void,
): Promise<Topics> {
  const start = performance.now();
  for (let told = false; ; ) {
    try {
      await createAbsent(admin, address, options);
      return await look(admin, address, options, report);
    } catch (cause) {
      if (cause instanceof LogError && !cause.retryable) throw cause;
      const waitedMs = performance.now() - start;
      // A certificate may be renewed while we run; at the start somebody waits for an answer.
      const hopeless = certificateFault(cause) !== undefined;
      if (hopeless || waitedMs >= START_TIMEOUT_MS)
        throw unavailable(`kafka at ${address.brokers.join()}`, cause);
      const message = `kafka at ${address.brokers.join()}: ${wordsOf(cause)}; waiting up to ${START_TIMEOUT_MS / 1_000} s`;
      if (!told && !SPREADING.has(protocolError(cause) ?? '')) {
        report({ kind: 'store_failed', message, cause });
        told = true;
      }
      await delay(POLL_MS);
    }
  }
}

/** Several instances may do this at once: a topic that another one has just made is as good. */
async function createAbsent(admin: Admin, address: KafkaAddress, options: LogOptions): Promise<void> {
  const { eventsTopic, deadLettersTopic } = address;
  await within(CALL_TIMEOUT_MS, 'connecting', admin.connect());
  const present = await within(CALL_TIMEOUT_MS, 'listing topics', admin.listTopics());
  const { brokers } = await within(CALL_TIMEOUT_MS, 'listing brokers', admin.describeCluster());
  const absent = [eventsTopic, deadLettersTopic].filter((topic) => !present.includes(topic));
  if (absent.length === 0) return;
  const expected = Math.min(COPIES, address.brokers.length);
  if (brokers.length < expected) {
    // The copies of a topic are fixed when it is made.
    throw new Error(
      `${brokers.length} of ${expected} brokers are up, and ${absent.join(', ')} is to be made`,
    );
  }
  const copies = Math.min(COPIES, brokers.length);
  const common = {
    'min.insync.replicas': copies < COPIES ? 1 : 2,
    'max.message.bytes': MAX_MESSAGE_BYTES,
  };
  const wanted: ITopicConfig[] = [
    {
      topic: eventsTopic,
      numPartitions: options.partitions,
      replicationFactor: copies,
      configEntries: entries({
        ...common,
        'cleanup.policy': 'delete',
        'retention.ms': retentionMs(options),
        'retention.bytes': -1,
      }),
    },
    {
      topic: deadLettersTopic,
      numPartitions: 1,
      replicationFactor: copies,
      configEntries: entries({
        ...common,
        'cleanup.policy': 'compact,delete',
        'retention.ms': LETTER_RETENTION_MS,
        // What a later letter of the same place replaces is gone a day after.
        'segment.ms': ONE_DAY_MS,
        'max.compaction.lag.ms': ONE_DAY_MS,
      }),
    },
  ];
  // One by one: kafkajs tells of a topic that is already there only when that goes for all of a request.
  for (const topic of wanted) {
    if (!absent.includes(topic.topic)) continue;
    const made = admin.createTopics({ topics: [topic], waitForLeaders: true });
    await within(CALL_TIMEOUT_MS, `making ${topic.topic}`, made);
  }
}

async function look(
  admin: Admin,
  { eventsTopic, deadLettersTopic }: KafkaAddress,
  options: LogOptions,
  report: (trouble: LogTrouble) => void,
): Promise<Topics> {
  const { brokers } = await within(CALL_TIMEOUT_MS, 'listing brokers', admin.describeCluster());
  const metadata = admin.fetchTopicMetadata({ topics: [eventsTopic, deadLettersTopic] });
  const { topics } = await within(CALL_TIMEOUT_MS, 'reading topics', metadata);
  const settings = await settingsOf(admin, [eventsTopic, deadLettersTopic]);
  const looks = [eventsTopic, deadLettersTopic].map((topic) => ({
    topic,
    partitions: topics.find(({ name }) => name === topic)?.partitions ?? [],
    settings: settings.get(topic) ?? new Map<string, string>(),
  }));
  const [events] = looks;
  const partitions = events?.partitions.length ?? 0;
  if (partitions < options.partitions) {
    const message = `${eventsTopic} has ${partitions} partitions, and ${options.partitions} are asked for: set PARTITIONS=${partitions}, or stop all collectors and add partitions (kafka-topics --alter)`;
    throw new LogError('wrong_partitions', message);
  }
  const known = {
    brokers: brokers.length,
    wantedRetentionMs: retentionMs(options),
    wantedPartitions: options.partitions,
  };
  for (const look of looks) {
    const role = look.topic === eventsTopic ? 'events' : 'dead letters';
    for (const message of problemsOf(look, role, known)) report({ kind: 'topic_config', message });
  }
  return {
    partitions,
    minInSync: Number(events?.settings.get('min.insync.replicas') ?? 1),
    maxMessageBytes: Number(events?.settings.get('max.message.bytes') ?? MAX_MESSAGE_BYTES),
  };
}

async function settingsOf(admin: Admin, topics: string[]): Promise<Map<string, Map<string, string>>> {
  const { resources } = await within(
    CALL_TIMEOUT_MS,
    'reading the settings of topics',
    admin.describeConfigs({
      includeSynonyms: false,
      resources: topics.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name })),
    }),
  );
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}

function retentionMs(options: LogOptions): number {
  return Math.max(options.retentionMs, MIN_RETENTION_MS);
}

function entries(settings: { [name: string]: string | number }): { name: string; value: string }[] {
  return Object.entries(settings).map(([name, value]) => ({ name, value: String(value) }));
}
