/** Closing days while others read, and in a process that dies in the middle. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '@clickhouse/client';
import { Session } from 'chdb';
import { createChdbConnection } from 'chdb/connection';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addDays, daysBetween } from '../contract/reporting-day.ts';
import { asConnection } from './chdb.ts';
import { Intervals } from './intervals.ts';
import { ONE_SERVER } from './layout.ts';
import { openAnalytics } from './open.ts';
import type { AnalyticsStore } from './port.ts';
import { random, randomEvents, reference } from './reference.case.ts';

const KILLS = 3;
const seed = Date.now() % 2 ** 31;
const days = daysBetween('2025-01-20', '2025-03-10');
const events = randomEvents(seed, 3_000, days);
const expected = reference(events);
const range = { first_day: '2025-01-25', last_day: '2025-03-10' };
const site = { ...range, dimension: 'site', key: '' } as const;
const pages = { ...range, dimension: 'page', limit: 100, offset: 0 } as const;

let directory: string;
let store: AnalyticsStore;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'footfall-closing-'));
  store = await open();
  for (const month of ['2025-01', '2025-02', '2025-03'])
    await store.insert(events.filter(({ day }) => day.startsWith(month)));
  await store.updateIntervals({ lastDay: '2025-01-01' });
});
afterAll(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const open = () => openAnalytics(`chdb://${directory}`, { rawDays: 36_500 });

async function expectAnswers(): Promise<void> {
  expect(await store.read('visitors', site)).toEqual(expected.visitors(site));
  expect(await store.read('ranking', pages)).toEqual(expected.ranking(pages));
}

it(`is not seen by who reads meanwhile (seed ${seed})`, { timeout: 60_000 }, async () => {
  let closing = true;
  let reads = 0;
  const reading = (async () => {
    for (; closing; reads++) await expectAnswers();
  })();
  try {
    for (let day = '2025-01-25'; day < '2025-03-10'; day = addDays(day, 15)) {
      await store.updateIntervals({ lastDay: day });
      await store.updateIntervals({ lastDay: day, from: '2025-01-20' });
    }
  } finally {
    closing = false;
  }
  await reading;
  expect(reads).toBeGreaterThan(10);
});

it(`is whole or not at all wherever it is broken off (seed ${seed})`, { timeout: 120_000 }, async () => {
  const client = createClient({ connection: asConnection(createChdbConnection({ path: directory })) });
  const run = client.command.bind(client);
  try {
    for (let broken = true, last = 1; broken; last++) {
      let statements = 0;
      broken = false;
      client.command = (command) => {
        statements += 1;
        if (statements <= last) return run(command);
        broken = true;
        return Promise.reject(new Error('broken off'));
      };
      // Days that are closed before are open afterwards, so that the state of one table would be wrong for the other.
      const task = { lastDay: '2025-02-10', from: '2025-02-05' };
      const building = new Intervals(client, ONE_SERVER, Date.now).update(task);
      await building.catch((error) => expect(error.message).toBe('broken off'));
      await expectAnswers();
      // What comes next is chained to what is there.
      await store.updateIntervals({ lastDay: '2025-03-08' });
      await expectAnswers();
    }
  } finally {
    await client.close();
  }
});

it(`is whole or not at all through ${KILLS} kills (seed ${seed})`, { timeout: 120_000 }, async () => {
  const next = random(seed);
  for (let kill = 0; kill < KILLS; kill++) {
    await store.close();
    const child = fork(
      new URL('./closing.child.ts', import.meta.url),
      [directory, '2025-01-20', '2025-02-10', '2025-03-05', '2025-01-31'],
      { execArgv: ['--import', 'tsx'], stdio: ['ignore', 'ignore', 'ignore', 'ipc'] },
    );
    await once(child, 'message');
    await delay(next() * 1_200);
    await killed(child);
    store = await open();
    await expectAnswers();
    await store.updateIntervals({ lastDay: '2025-01-01' });
    await expectAnswers();
    expect(await leftovers()).toEqual([]);
  }
});

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

async function leftovers(): Promise<unknown> {
  const session = new Session(directory);
  const text = (
    await session.queryAsync("SELECT name FROM system.tables WHERE name LIKE 'building%'", {
      format: 'JSONEachRow',
    })
  ).text();
  session.close();
  return text.split('\n').filter((line) => line !== '');
}
