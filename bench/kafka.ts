/**
 * How many frames a second does the log on Kafka take, and how many does kafkajs' own producer?
 *
 * Both send the same frames of 64 KiB (NDJSON of made-up events, gzip, acks of all in-sync replicas) to topics of 8
 * partitions, and keep as many on their way: the log is handed them one by one, the producer in batches that it would
 * have to wait for. They take turns, `ROUNDS` times, on the brokers of KAFKA_BROKERS. `MEBIBYTES` a round.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import kafkajs from 'kafkajs';
import { openLog } from '../kafka/open.ts';
import { thisMachine } from './machine.ts';
import { resultFile } from './result.ts';

const BROKERS = process.env.KAFKA_BROKERS ?? '127.0.0.1:9092';
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const MEBIBYTES = Number(process.env.MEBIBYTES ?? 128);
const FRAME_BYTES = 64 * 1024;
const PARTITIONS = 8;
const IN_FLIGHT = 64;
const BATCH = 16;

// The log sets a codec of its own for the whole process: each way is to have its own.
const { GZIP } = kafkajs.CompressionTypes;
const codecs = { producer: kafkajs.CompressionCodecs[GZIP], log: kafkajs.CompressionCodecs[GZIP] };
const prefix = `bench-${randomUUID()}`;
const events = `${prefix}-events`;
const frames = Array.from({ length: 64 }, frameOfEvents);
const count = Math.floor((MEBIBYTES * 1024 ** 2) / FRAME_BYTES);
const frame = (i: number) => frames[i % frames.length] ?? Buffer.alloc(0);

const log = await openLog(`kafka://${BROKERS}?prefix=${prefix}`, {
  partitions: PARTITIONS,
  retentionMs: 0,
  retentionBytes: 0,
  maxBytes: 1,
  onTrouble: ({ message }) => console.error(message),
});
codecs.log = kafkajs.CompressionCodecs[GZIP];
const kafka = new kafkajs.Kafka({ brokers: BROKERS.split(','), logLevel: kafkajs.logLevel.NOTHING });
const createPartitioner = kafkajs.Partitioners.DefaultPartitioner;
const producer = kafka.producer({ createPartitioner });
await producer.connect();

/** Resolves when all frames of a round are acknowledged. */
const ways = {
  async log() {
    let next = 0;
    const worker = async () => {
      for (let i = next++; i < count; i = next++) await log.append(i % PARTITIONS, frame(i));
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  },
  async producer() {
    let next = 0;
    const worker = async () => {
      for (let first = next; first < count; first = next) {
        next += BATCH;
        const length = Math.min(BATCH, count - first);
        const messages = Array.from({ length }, (_, i) => ({
          partition: (first + i) % PARTITIONS,
          value: frame(first + i),
        }));
        await producer.sendBatch({
          acks: -1,
          compression: GZIP,
          topicMessages: [{ topic: events, messages }],
        });
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT / BATCH }, worker));
  },
};

const rounds: Record<
  keyof typeof ways,
  { framesPerSecond: number; cpuSeconds: number; loopP99Ms: number }[]
> = {
  log: [],
  producer: [],
};
await ways.log();
await ways.producer();
for (let round = 0; round < ROUNDS; round += 1) {
  for (const name of ['log', 'producer'] as const) {
    kafkajs.CompressionCodecs[GZIP] = codecs[name];
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const cpu = process.cpuUsage();
    const start = performance.now();
    await ways[name]();
    const seconds = (performance.now() - start) / 1_000;
    const { user, system } = process.cpuUsage(cpu);
    delay.disable();
    rounds[name].push({
      framesPerSecond: Math.round(count / seconds),
      cpuSeconds: (user + system) / 1e6,
      loopP99Ms: delay.percentile(99) / 1e6,
    });
  }
}
await producer.disconnect();
await log.close();
const admin = kafka.admin();
await admin.connect();
await admin.deleteTopics({ topics: [events, `${prefix}-dead-letters`] });
const { brokers } = await admin.describeCluster();
await admin.disconnect();

const median = (name: keyof typeof ways) =>
  rounds[name].map(({ framesPerSecond }) => framesPerSecond).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
const result = {
  question: "frames of 64 KiB a second: the log on Kafka, and kafkajs' producer.sendBatch",
  date: new Date().toISOString(),
  machine: thisMachine(),
  configuration: `${brokers.length} broker(s) on the same machine, gzip, acks=all, ${PARTITIONS} partitions, ${IN_FLIGHT} frames in flight`,
  log: median('log'),
  producer: median('producer'),
  rounds,
};
writeFileSync(resultFile(`kafka-${brokers.length}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
console.log(`log ${result.log}, producer ${result.producer} frames a second (medians of ${ROUNDS})`);

/** Made up, yet as alike and as different as events are, for the compression. */
function frameOfEvents(): Buffer {
  let text = '';
  while (text.length < FRAME_BYTES) {
    const page = Math.floor(Math.random() * 5_000);
    text += `${JSON.stringify({
      event_id: randomUUID(),
      visitor: randomUUID().replaceAll('-', ''),
      session_id: randomUUID(),
      type: 'page_view',
      path: `/articles/${page}`,
      referrer: 'https://www.example.org/',
      country: 'DE',
      browser: 'Firefox',
      os: 'Linux',
      device: 'desktop',
      received_at: 1_767_225_600_000 + page,
    })}\n`;
  }
  return Buffer.from(text.slice(0, FRAME_BYTES));
}
