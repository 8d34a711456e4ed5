/** A broker is killed and comes back while frames are appended and read: what was acknowledged is read, in order. */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { eventually } from './eventually.fixture.ts';
import { coordinatorOf, kafkaClient, newConnection } from './kafka-cluster.ts';
import { SESSION_TIMEOUT_MS } from './kafka-member.ts';
import { kafkaLog } from './kafka-topic.fixture.ts';
import type { EventLog, LogTrouble } from './port.ts';
import { Recorder } from './recorder.fixture.ts';

const PARTITIONS = 4;
const GROUP = 'pipeline';
const SCRIPT = fileURLToPath(new URL('../.ci/stack', import.meta.url));
const START_MS = 100_000;

/** Brokers of our own, to be killed. */
function ownBrokers(engine: 'kafka' | 'kafka-cluster', variable: string) {
  let folder = '';
  const stack = (...args: string[]) =>
    promisify(execFile)(SCRIPT, args, { env: { ...process.env, STACK_DIR: folder } });
  return {
    addresses: '',
    async up() {
      folder = await mkdtemp(join(tmpdir(), 'footfall-brokers-'));
      const { stdout } = await stack('up', engine);
      this.addresses = new RegExp(`${variable}=(\\S+)`).exec(stdout)?.[1] ?? '';
    },
    kill: (name: string) => stack('kill', name),
    start: (name: string) => stack('start', name),
    down: () => stack('down'),
  };
}

/** Appends to all partitions, one frame at a time each, until told to stop; a frame that is refused is not repeated. */
class Writers {
  /** Bodies of acknowledged frames by offset, a partition each. */
  readonly acknowledged = Array.from({ length: PARTITIONS }, () => new Map<number, string>());
  readonly refusals: unknown[] = [];
  acknowledgements = 0;
  #flowing = true;
  readonly #ended: Promise<unknown>;

  constructor(log: EventLog) {
    this.#ended = Promise.all(this.acknowledged.map((_, partition) => this.#write(log, partition)));
  }

  async stop(): Promise<void> {
    this.#flowing = false;
    await this.#ended;
  }

  async #write(log: EventLog, partition: number): Promise<void> {
    for (let i = 0; this.#flowing; i += 1) {
      const body = `${partition}: ${i}`;
      try {
        const offset = await log.append(partition, Buffer.from(body));
        this.acknowledged[partition]?.set(offset ?? -1, body);
        this.acknowledgements += 1;
      } catch (error) {
        this.refusals.push(error);
      }
    }
  }
}

const goesOn = (writers: Writers) => {
  const before = writers.acknowledgements;
  return eventually(() => expect(writers.acknowledgements).toBeGreaterThan(before + 50));
};

/** Everything that was acknowledged was handed over where it was said to be, in order, without a gap. */
async function expectAllRead(log: EventLog, writers: Writers, recorder: Recorder): Promise<void> {
  await eventually(async () => {
    for (const { committed, end } of await log.lag(GROUP)) expect(committed).toBe(end);
  });
  for (const [partition, acknowledged] of writers.acknowledged.entries()) {
    const read = new Map(recorder.frames(partition).map(({ offset, body }) => [offset, body.toString()]));
    for (const [offset, body] of acknowledged) expect(read.get(offset)).toBe(body);
    expect([...read.keys()].sort((a, b) => a - b)).toEqual([...read.keys()].map((_, i) => i));
    const numbers = [...read].sort(([a], [b]) => a - b).map(([, body]) => Number(body.split(': ')[1]));
    // A frame whose answer was lost is there twice, side by side.
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  }
}

describeWithStack('the only broker is killed', 'STACK_KAFKA', () => {
  const brokers = ownBrokers('kafka', 'STACK_KAFKA');
  beforeAll(() => brokers.up(), START_MS);
  afterAll(() => brokers.down());

  test('appends are refused meanwhile, and go on with everything that was acknowledged', async () => {
    const troubles: LogTrouble[] = [];
    const log = await kafkaLog(brokers.addresses).open(PARTITIONS, (trouble) => troubles.push(trouble));
    const recorder = new Recorder();
    await log.subscribe(GROUP, recorder);
    const writers = new Writers(log);
    try {
      await goesOn(writers);
      await eventually(() => expect(recorder.batches).not.toEqual([]));
      await brokers.kill('kafka');
      await eventually(() => expect(writers.refusals.length).toBeGreaterThanOrEqual(PARTITIONS));
      expect(writers.refusals[0]).toMatchObject({ code: 'unavailable', retryable: true });
      await expect(log.ping()).rejects.toMatchObject({ code: 'unavailable' });
      await brokers.start('kafka');
      await goesOn(writers);
      await eventually(() => expect(log.ping()).resolves.toBeUndefined());
      await writers.stop();
      await expectAllRead(log, writers, recorder);
      expect(troubles.filter(({ kind }) => kind !== 'store_failed')).toEqual([]);
    } finally {
      await writers.stop();
      await log.close();
    }
  });

  test('a batch that runs meanwhile is aborted before its session ends, and comes again', async () => {
    const log = await kafkaLog(brokers.addresses).open(1, () => {});
    const offered: { offset: number; signal: AbortSignal }[] = [];
    let kept = 0;
    await log.subscribe(GROUP, {
      assigned: async (_, committed) => committed,
      async batch({ firstOffset, nextOffset }, signal) {
        offered.push({ offset: firstOffset, signal });
        // Ends well, though too late: it must not count.
        if (offered.length === 1) await once(signal, 'abort');
        else kept = nextOffset;
      },
      revoked: () => undefined,
    });
    try {
      await log.append(0, Buffer.from('x'));
      await eventually(() => expect(offered).toHaveLength(1));
      await brokers.kill('kafka');
      const since = performance.now();
      await eventually(() => expect(offered[0]?.signal.aborted).toBe(true));
      expect(performance.now() - since).toBeLessThan(SESSION_TIMEOUT_MS);
      await brokers.start('kafka');
      await eventually(() => expect(kept).toBe(1));
      expect(offered.map(({ offset }) => offset)).toEqual([0, 0]);
      await eventually(async () => expect(await log.lag(GROUP)).toMatchObject([{ committed: 1, end: 1 }]));
    } finally {
      await log.close();
    }
  });
});

describeWithStack('the broker of three that the group asks is killed', 'STACK_KAFKA_CLUSTER', () => {
  const brokers = ownBrokers('kafka-cluster', 'STACK_KAFKA_CLUSTER');
  beforeAll(() => brokers.up(), START_MS);
  afterAll(() => brokers.down());

  const coordinatorName = async (topic: ReturnType<typeof kafkaLog>) => {
    const { cluster } = newConnection(kafkaClient(brokers.addresses.split(',')));
    await cluster.connect();
    const { nodeId } = await coordinatorOf(cluster, topic.groupId(GROUP));
    await cluster.disconnect();
    return `kafka-${nodeId}`;
  };

  test('appends and reading go on without it, and nothing that was acknowledged is missing', async () => {
    const troubles: LogTrouble[] = [];
    const topic = kafkaLog(brokers.addresses);
    const log = await topic.open(PARTITIONS, (trouble) => troubles.push(trouble));
    const recorder = new Recorder();
    await log.subscribe(GROUP, recorder);
    const writers = new Writers(log);
    try {
      await goesOn(writers);
      await eventually(() => expect(recorder.batches).not.toEqual([]));
      const name = await coordinatorName(topic);
      await brokers.kill(name);
      const read = recorder.batches.length;
      for (const acknowledged of writers.acknowledged) {
        const before = acknowledged.size;
        await eventually(() => expect(acknowledged.size).toBeGreaterThan(before + 5));
      }
      await eventually(() => expect(recorder.batches.length).toBeGreaterThan(read));
      await brokers.start(name);
      await goesOn(writers);
      await writers.stop();
      await expectAllRead(log, writers, recorder);
      expect(troubles.filter(({ kind }) => kind !== 'store_failed')).toEqual([]);
    } finally {
      await writers.stop();
      await log.close();
    }
  });
});
