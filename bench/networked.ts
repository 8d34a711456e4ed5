/**
 * How many events a second does one collector put into a real broker, and one pipeline take out of it into PostgreSQL and
 * ClickHouse; and how many do the bare clients with the same frames and rows?
 *
 * The collector is a process that is sent arrays of 50 beacons by this one; its control is kafkajs' producer, which sends
 * the very frames that the collector made (gzip, acks=all). The pipeline is a process that counts them, all stores and views;
 * its control is `@clickhouse/client`, which inserts the very rows that the pipeline made, as many at a time, into a
 * table like raw that has no views. They take turns, `ROUNDS` times, on engines of `.ci/stack`; `SECONDS` a round of load.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import kafkajs from 'kafkajs';
import { startFront } from '../clickhouse/http-front-process.fixture.ts';
import { Fleet } from '../integrity/fleet.ts';
import { until } from '../integrity/installation.ts';
import { Stack } from '../integrity/stack.ts';
import { thisMachine } from './machine.ts';
import { resultFile } from './result.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 10);
const SENDERS = 24;
const BEACONS = 50;
const VISITORS = 200_000;
/** As many frames on their way as the collector has. */
const IN_FLIGHT = 64;
/** As a unit of the pipeline has at most. */
const ROWS_PER_INSERT = 20_000;
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';

interface Round {
  events: number;
  collector: number;
  producer: number;
  pipeline: number;
  /** Of the time that the pipeline took, in commits of sessions and of rows with their views. */
  inSessions: number;
  inAnalytics: number;
  client: number;
}

const folder = await mkdtemp(join(tmpdir(), 'footfall-bench-'));
const stack = await Stack.up(['kafka', 'postgres', 'redis']);
const brokers = stack.address('STACK_KAFKA');
const kafka = new kafkajs.Kafka({ brokers: [brokers], logLevel: kafkajs.logLevel.NOTHING });
const front = await startFront(join(folder, 'clickhouse'));
const clickhouse = createClient({ url: front.url, request_timeout: 300_000 });
const rounds: Round[] = [];
try {
  for (let round = 0; round < ROUNDS; round++) rounds.push(await oneRound(`bench${round}`));
} finally {
  await clickhouse.close();
  await front.close();
  await stack.down();
  await rm(folder, { recursive: true, force: true });
}

const median = (of: keyof Round) =>
  rounds.map((each) => each[of]).sort((a, b) => a - b)[Math.floor(rounds.length / 2)] ?? 0;
const report = {
  question:
    'events a second: a collector into Kafka and kafkajs with the same frames; a pipeline out of it and @clickhouse/client with the same rows',
  date: new Date().toISOString(),
  machine: thisMachine(),
  configuration: `Kafka, PostgreSQL, Redis, ClickHouse (chDB behind HTTP), load and services on the same machine; arrays of ${BEACONS} beacons, ${SENDERS} senders, ${SECONDS} s a round`,
  collector: median('collector'),
  producer: median('producer'),
  collectorToProducer: Math.round((100 * median('collector')) / median('producer')) / 100,
  pipeline: median('pipeline'),
  inSessions: median('inSessions'),
  inAnalytics: median('inAnalytics'),
  client: median('client'),
  pipelineToClient: Math.round((100 * median('pipeline')) / median('client')) / 100,
  rounds,
};
console.log(JSON.stringify(report, undefined, 2));
await writeFile(resultFile('networked.json'), `${JSON.stringify(report, undefined, 2)}\n`);

async function oneRound(prefix: string): Promise<Round> {
  const fleet = await Fleet.create({
    collectors: 1,
    pipelines: 1,
    apis: 0,
    environment: {
      KAFKA_BROKERS: `${brokers}?prefix=${prefix}`,
      CLICKHOUSE_URL: front.url,
      DATABASE_URL: stack.address('STACK_POSTGRES'),
      REDIS_URL: `${stack.address('STACK_REDIS')}?prefix=${prefix}:`,
      LOG_LEVEL: 'warn',
    },
  });
  try {
    const [collector] = fleet.of('ingest');
    const [pipeline] = fleet.of('pipeline');
    if (collector === undefined || pipeline === undefined) throw new Error('no fleet');
    collector.start();
    await until('the collector', 60_000, () => collector.isReady());
    const { events, perSecond } = await load(`${collector.url}/e`);
    await collector.stop();
    const frames = await framesOf(`${prefix}-events`);
    const producer = await produce(frames, events, `${prefix}-control`);

    await clean();
    pipeline.start();
    const counted = await rateOf(`${pipeline.url}/metrics`, events);
    await pipeline.stop();
    const client = await insert(events);
    const round = { events, collector: perSecond, producer, ...counted, client };
    console.error(JSON.stringify(round));
    return round;
  } finally {
    await fleet.stop();
    await fleet.remove();
  }
}

async function load(endpoint: string): Promise<{ events: number; perSecond: number }> {
  let events = 0;
  const start = performance.now();
  const sender = async () => {
    while (performance.now() - start < SECONDS * 1_000) {
      const beacons = Array.from({ length: BEACONS }, () => ({
        url: `https://example.org/page-${Math.floor(Math.random() * 500)}`,
        fingerprint: `visitor ${Math.floor(Math.random() * VISITORS)}`,
        event_id: randomUUID(),
        title: 'A page of the bench',
        referrer: 'https://search.example/',
      }));
      const answer = await fetch(endpoint, {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain', 'User-Agent': USER_AGENT },
        body: JSON.stringify(beacons),
      });
      await answer.arrayBuffer();
      if (answer.status !== 202) throw new Error(`answered ${answer.status}`);
      events += BEACONS;
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, sender));
  return { events, perSecond: Math.round((events * 1_000) / (performance.now() - start)) };
}

/** Every frame of a topic, in the order in which it is read. */
async function framesOf(topic: string): Promise<Buffer[]> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.disconnect();
  const expected = ends.reduce((sum, { high }) => sum + Number(high), 0);
  const frames: Buffer[] = [];
  const consumer = kafka.consumer({ groupId: randomUUID() });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => {
      if (message.value !== null) frames.push(message.value);
    },
  });
  await until('the frames', 120_000, () => frames.length >= expected);
  await consumer.disconnect();
  return frames;
}

/** Events a second. */
async function produce(frames: Buffer[], events: number, topic: string): Promise<number> {
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 8 }], waitForLeaders: true });
  await admin.disconnect();
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
  await producer.connect();
  let next = 0;
  const start = performance.now();
  const worker = async () => {
    for (let i = next++; i < frames.length; i = next++) {
      const messages = [{ partition: i % 8, value: frames[i] ?? null }];
      await producer.send({ topic, acks: -1, compression: kafkajs.CompressionTypes.GZIP, messages });
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  const perSecond = Math.round((events * 1_000) / (performance.now() - start));
  await producer.disconnect();
  return perSecond;
}

/** Events a second between the first tenth and the last, and where the time went. */
async function rateOf(
  metrics: string,
  events: number,
): Promise<Pick<Round, 'pipeline' | 'inSessions' | 'inAnalytics'>> {
  const look = async () => {
    const text = await fetch(metrics).then(
      (answer) => answer.text(),
      () => '',
    );
    const value = (name: string) => {
      const line = text.split('\n').find((each) => each.startsWith(`${name} `));
      return Number(line?.slice(name.length + 1) ?? 0);
    };
    return {
      at: performance.now(),
      events: value('footfall_events_counted_total'),
      sessions: value('footfall_commit_seconds_sum{store="sessions"}'),
      analytics: value('footfall_commit_seconds_sum{store="analytics"}'),
    };
  };
  let first = await look();
  await until('the first tenth', 120_000, async () => {
    first = await look();
    return first.events >= events / 10;
  });
  let last = first;
  await until('the last event', 300_000, async () => {
    last = await look();
    return last.events >= events;
  });
  const seconds = (last.at - first.at) / 1_000;
  const share = (of: 'sessions' | 'analytics') => Math.round((100 * (last[of] - first[of])) / seconds) / 100;
  return {
    pipeline: Math.round((last.events - first.events) / seconds),
    inSessions: share('sessions'),
    inAnalytics: share('analytics'),
  };
}

/** Rows a second, of the rows that raw has. */
async function insert(events: number): Promise<number> {
  const answer = await clickhouse.query({
    query: 'SELECT * FROM footfall.event',
    format: 'JSONCompactEachRow',
  });
  const rows = await answer.json<unknown[]>();
  if (rows.length !== events) throw new Error(`raw has ${rows.length} rows of ${events}`);
  await clickhouse.command({ query: 'DROP TABLE IF EXISTS footfall.bare SYNC' });
  await clickhouse.command({ query: 'CREATE TABLE footfall.bare AS footfall.event' });
  const start = performance.now();
  for (let from = 0; from < rows.length; from += ROWS_PER_INSERT) {
    const values = rows.slice(from, from + ROWS_PER_INSERT);
    await clickhouse.insert({ table: 'footfall.bare', values, format: 'JSONCompactEachRow' });
  }
  const perSecond = Math.round((rows.length * 1_000) / (performance.now() - start));
  await clickhouse.command({ query: 'DROP TABLE footfall.bare SYNC' });
  return perSecond;
}

/** So that each round counts into empty tables. */
async function clean(): Promise<void> {
  const tables = await clickhouse.query({
    query: `SELECT name FROM system.tables WHERE database = 'footfall' AND engine LIKE '%MergeTree' AND name != 'migration'`,
    format: 'JSONEachRow',
  });
  for (const { name } of await tables.json<{ name: string }>()) {
    await clickhouse.command({ query: `TRUNCATE TABLE footfall.${name}` });
  }
  const { Client } = (await import('pg')).default;
  const database = new Client(stack.address('STACK_POSTGRES'));
  await database.connect();
  await database
    .query('truncate anonymous_session, checkpoint, partition_owner, ledger')
    // Before the first pipeline has made them.
    .catch((error: unknown) => {
      if (!(error instanceof Error && 'code' in error && error.code === '42P01')) throw error;
    });
  await database.end();
}
