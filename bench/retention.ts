/**
 * What does an append to the embedded log cost once frames are removed at the rate at which they come? Processor time of the appending
 * process a flush of eight frames of 2 to 20 KB, a hundred flushes a second, in windows of five seconds, before and after `RETAINED_MB` (100)
 * are there, from when on another process removes as much as comes. For `SECONDS` (60), in turns, `ROUNDS` times (2).
 *
 * The control keeps bodies in LMDB, in the rows of their frames, and is the same otherwise.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { AppendQueue } from '../kafka/lmdb-append.ts';
import { frameKey } from '../kafka/lmdb-keys.ts';
import { type LmdbStore, openStore } from '../kafka/lmdb-store.ts';
import { loopMs } from './machine.ts';
import { hundredths } from './ranges/statistics.ts';
import { keep, load, median } from './result.ts';

const SECONDS = Number(process.env.SECONDS ?? 60);
const ROUNDS = Number(process.env.ROUNDS ?? 2);
const RETAINED_MB = Number(process.env.RETAINED_MB ?? 100);
const PARTITIONS = 8;
const WINDOW_MS = 5_000;
const PAUSE_MS = 10;
const [SMALLEST, LARGEST] = [2_000, 20_000];
const MB = 1_000_000;
const NOISE = Buffer.alloc(LARGEST, 'x');

interface Window {
  second: number;
  appendedMB: number;
  /** Of all threads of the appending process, a flush. */
  microseconds: number;
  removing: boolean;
  loopMs: number;
}

interface Log {
  flush(bodies: readonly Buffer[]): Promise<unknown>;
  close?(): Promise<void>;
}

const WAYS: Record<'segments' | 'rows', (store: LmdbStore) => Log> = { segments, rows };
const rounds: Record<keyof typeof WAYS, { windows: Window[]; load: number }[]> = { segments: [], rows: [] };
for (let round = 0; round < ROUNDS; round++) {
  const ways = Object.keys(WAYS) as (keyof typeof WAYS)[];
  for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
    const windows = await appended(WAYS[way]);
    rounds[way].push({ windows, load: load() });
    console.log(JSON.stringify({ way, windows: windows.map(({ microseconds }) => microseconds) }));
  }
}

const cost = (way: keyof typeof WAYS, of: (windows: Window[]) => number) =>
  median(rounds[way].map(({ windows }) => of(windows)));
const before = (windows: Window[]) =>
  median(windows.filter(({ removing }) => !removing).map(({ microseconds }) => microseconds));
const last = (windows: Window[]) =>
  median(windows.slice(-Math.ceil(windows.length / 3)).map(({ microseconds }) => microseconds));
keep('retention', {
  question: 'processor time of a flush to the embedded log, before frames are removed and in the last third',
  configuration: `flushes of ${PARTITIONS} frames of ${SMALLEST} to ${LARGEST} bytes with pauses of ${PAUSE_MS} ms, for ${SECONDS} s; ${RETAINED_MB} MB are kept`,
  ratios: {
    'in rows, to segments, at the end': hundredths(cost('rows', last) / cost('segments', last)),
    'before frames are removed, to the end': hundredths(cost('segments', before) / cost('segments', last)),
  },
  rounds,
});

async function appended(way: (store: LmdbStore) => Log): Promise<Window[]> {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-retention-'));
  const store = openStore(folder, PARTITIONS);
  const log = way(store);
  const consumer = fork(
    fileURLToPath(new URL('./retention/consumer.child.ts', import.meta.url)),
    [folder, String(PARTITIONS), String(RETAINED_MB * MB)],
    { execArgv: ['--import', 'tsx'] },
  );
  try {
    await Promise.race([
      once(consumer, 'message'),
      once(consumer, 'exit').then(([code]) => {
        throw new Error(`the consumer ended with ${code}`);
      }),
    ]);
    return await measured(store, log);
  } finally {
    const ended = once(consumer, 'exit');
    consumer.disconnect();
    await ended;
    await log.close?.();
    await store.close();
    await rm(folder, { recursive: true });
  }
}

async function measured(store: LmdbStore, log: Log): Promise<Window[]> {
  const windows: Window[] = [];
  const began = performance.now();
  for (let second = 0; second < SECONDS; second = Math.round((performance.now() - began) / 1_000)) {
    const until = performance.now() + WINDOW_MS;
    const wasRemoving = store.removed().bytes > 0;
    const before = process.cpuUsage();
    let flushes = 0;
    while (performance.now() < until) {
      await log.flush(Array.from({ length: PARTITIONS }, () => NOISE.subarray(0, size())));
      flushes += 1;
      await delay(PAUSE_MS);
    }
    const { user, system } = process.cpuUsage(before);
    windows.push({
      second: Math.round((performance.now() - began) / 1_000),
      appendedMB: Math.round(store.totals().bytes / MB),
      microseconds: Math.round((user + system) / flushes),
      removing: wasRemoving || store.removed().bytes > 0,
      loopMs: loopMs(),
    });
  }
  return windows;
}

function size(): number {
  return SMALLEST + Math.floor(Math.random() * (LARGEST - SMALLEST));
}

function segments(store: LmdbStore): Log {
  const queue = new AppendQueue(store, { maxBytes: 1024 ** 4, writeTimeoutMs: 10_000, now: Date.now });
  return {
    flush: (bodies) => Promise.all(bodies.map((body, partition) => queue.append(partition, body))),
    close: () => queue.close(),
  };
}

function rows(store: LmdbStore): Log {
  return {
    async flush(bodies) {
      const head = store.head();
      const bytes = bodies.reduce((sum, { length }) => sum + length, 0);
      const appendix = {
        rows: bodies.map((value, partition) => ({
          key: frameKey(partition, head.ends[partition] ?? 0, { storedAt: Date.now(), size: value.length }),
          value,
        })),
        segment: undefined,
        totals: { frames: head.totals.frames + bodies.length, bytes: head.totals.bytes + bytes },
        ends: head.ends.map((end) => end + 1),
      };
      if ((await store.append(head, appendix)) === undefined) throw new Error('somebody else appends');
    },
  };
}
