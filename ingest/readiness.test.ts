import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FaultyLog } from '../kafka/faulty-log.fixture.ts';
import { openLog } from '../kafka/open.ts';
import { openLive } from '../redis/open.ts';
import { type LiveStore, LiveStoreError } from '../redis/port.ts';
import { NO_TIME, startTestCollector } from './collector.fixture.ts';
import type { Collector, CollectorOptions } from './collector.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const BEACON = { url: `/${'p'.repeat(400)}`, fingerprint: 'fingerprint-1' };
const WELL = { ready: true, problems: [], degraded: [] };

let folder: string;
let log: FaultyLog;
let live: LiveStore;
let collector: Collector;
let now: number;

beforeEach(async () => {
  now = Date.now();
  folder = await mkdtemp(join(tmpdir(), 'footfall-readiness-'));
  const limits = { retentionMs: 3_600_000, retentionBytes: 1e8, maxBytes: 1e9 };
  log = new FaultyLog(await openLog(`lmdb://${folder}`, { partitions: 1, ...limits }));
  live = await openLive('memory://');
});

afterEach(async () => {
  vi.restoreAllMocks();
  await collector.close();
  await log.close();
  await live.close();
  await rm(folder, { recursive: true });
});

async function start(changes: Partial<CollectorOptions> = {}): Promise<void> {
  collector = await startTestCollector({ log, live, now: () => now, ...changes });
}

function post(beacons: number): Promise<Response> {
  return fetch(`http://127.0.0.1:${collector.port}/e`, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'User-Agent': FIREFOX },
    body: JSON.stringify(Array.from({ length: beacons }, () => BEACON)),
  });
}

async function readiness(): Promise<[status: number, body: unknown]> {
  const answer = await fetch(`http://127.0.0.1:${collector.port}/readyz`);
  return [answer.status, await answer.json()];
}

test('a collector whose log and live store answer is ready, and nothing is missing', async () => {
  await start();
  expect((await post(1)).status).toBe(202);
  expect(await readiness()).toEqual([200, WELL]);
});

test('one that has refused for want of time is ready, and says so for ten seconds', async () => {
  await start({ turnBudget: NO_TIME });
  const answers = await Promise.all(Array.from({ length: 200 }, () => post(1)));
  expect(answers.map(({ status }) => status)).toContain(503);
  const degraded = [expect.stringMatching(/^overloaded: /)];
  expect(await readiness()).toEqual([200, { ...WELL, degraded }]);
  now += 9_999;
  expect(await readiness()).toEqual([200, { ...WELL, degraded }]);
  now += 1;
  expect(await readiness()).toEqual([200, WELL]);
});

test('one whose log is slow says how much waits for it, before it refuses and when it does', async () => {
  await start({ maxPendingBytes: 64 * 1024 });
  const append = vi.spyOn(log, 'append');
  let release = () => {};
  const held = new Promise<undefined>((resolve) => {
    release = () => resolve(undefined);
  });
  append.mockImplementation(() => held);
  const waiting = [post(80)];
  await vi.waitFor(async () =>
    expect(await readiness()).toEqual([
      200,
      { ...WELL, degraded: [expect.stringMatching(/^log: 0\.\d of 0\.1 MiB of events wait to be durable/)] },
    ]),
  );
  waiting.push(post(80));
  await vi.waitFor(() => expect(append.mock.calls.length).toBeGreaterThan(1));
  const refused = await post(1);
  expect([refused.status, refused.headers.get('x-footfall')]).toEqual([503, 'overloaded']);
  expect(await readiness()).toEqual([
    200,
    { ...WELL, degraded: [expect.stringMatching(/^overloaded: /), expect.stringMatching(/^log: /)] },
  ]);
  release();
  for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(202);
  now += 10_000;
  expect(await readiness()).toEqual([200, WELL]);
});

test('one without its live store is ready; without its log it is not', async () => {
  await start();
  vi.spyOn(live, 'ping').mockRejectedValue(new LiveStoreError('unavailable', 'connection refused'));
  expect(await readiness()).toEqual([200, { ...WELL, degraded: ['live: connection refused'] }]);
  log.fault = 'refuses';
  expect(await readiness()).toEqual([
    503,
    { ready: false, problems: ['log: the broker is away in a test'], degraded: ['live: connection refused'] },
  ]);
});
