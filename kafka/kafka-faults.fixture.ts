/** Brokers of their own for tests that kill them, and writers that remember what was acknowledged. */
import { execFile } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import type { kafkaLog } from './kafka-topic.fixture.ts';
import type { EventLog, LogTrouble } from './port.ts';
import { Recorder } from './recorder.fixture.ts';

export const PARTITIONS = 4;
export const GROUP = 'pipeline';
const SCRIPT = fileURLToPath(new URL('../.ci/stack', import.meta.url));
export const START_MS = 100_000;

/** Brokers of our own, to be killed. */
export function ownBrokers(
  engine: 'kafka' | 'kafka-cluster',
  variable: string,
  environment: Record<string, string> = {},
) {
  let folder = '';
  const stack = (...args: string[]) =>
    promisify(execFile)(SCRIPT, args, { env: { ...process.env, ...environment, STACK_DIR: folder } });
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

export const goesOn = (writers: Writers) => {
  const before = writers.acknowledgements;
  return eventually(() => expect(writers.acknowledgements).toBeGreaterThan(before + 50));
};

interface Load {
  log: EventLog;
  recorder: Recorder;
  writers: Writers;
}

/**
 * Runs `work` while a topic is written and read. Afterwards all that was acknowledged has been read, and of no trouble but
 * stores that were away has anybody been told.
 */
export async function underLoad(
  topic: ReturnType<typeof kafkaLog>,
  work: (load: Load) => Promise<void>,
): Promise<void> {
  const troubles: LogTrouble[] = [];
  const log = await topic.open(PARTITIONS, (trouble) => troubles.push(trouble));
  const recorder = new Recorder();
  await log.subscribe(GROUP, recorder);
  const writers = new Writers(log);
  try {
    await goesOn(writers);
    await eventually(() => expect(recorder.batches).not.toEqual([]));
    await work({ log, recorder, writers });
    await writers.stop();
    await expectAllRead(log, writers, recorder);
    expect(troubles.filter(({ kind }) => kind !== 'store_failed')).toEqual([]);
  } finally {
    await writers.stop();
    await log.close();
  }
}

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
