/** The collector while the log is away: beacons are taken as long as the spool takes them, and it says so. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Event } from '../contract/event.ts';
import { FaultyLog } from '../kafka/faulty-log.fixture.ts';
import { openLog, withSpool } from '../kafka/open.ts';
import type { EventLog } from '../kafka/port.ts';
import { Recorder } from '../kafka/recorder.fixture.ts';
import { openLive } from '../redis/open.ts';
import type { LiveStore } from '../redis/port.ts';
import { startTestCollector } from './collector.fixture.ts';
import type { Collector } from './collector.ts';

const PARTITIONS = 2;
const SPOOL_MAX_BYTES = 100_000;
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';

let folder: string;
let main: FaultyLog;
let log: EventLog;
let live: LiveStore;
let collector: Collector;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-collector-'));
  const limits = { retentionMs: 3_600_000, retentionBytes: 1e8, maxBytes: 1e9 };
  main = new FaultyLog(await openLog(`lmdb://${folder}/log`, { partitions: PARTITIONS, ...limits }));
  log = await withSpool(
    async () => main,
    { partitions: PARTITIONS, onTrouble: () => undefined },
    { folder: join(folder, 'spool'), maxBytes: SPOOL_MAX_BYTES, stallMs: 1_000, maxPauseMs: 100, watchMs: 5 },
  );
  live = await openLive('memory://');
  collector = await startTestCollector({ log, live });
});

afterEach(async () => {
  await collector.close();
  await log.close();
  await live.close();
  await rm(folder, { recursive: true });
});

const at = (path: string) => `http://127.0.0.1:${collector.port}${path}`;

function post(page: string): Promise<Response> {
  const body = JSON.stringify({ url: page, fingerprint: randomUUID(), title: 't'.repeat(200) });
  const headers = { 'Content-Type': 'application/json', 'User-Agent': FIREFOX };
  return fetch(at('/e'), { method: 'POST', headers, body });
}

async function events(): Promise<Event[]> {
  const recorder = new Recorder();
  const subscription = await main.subscribe(randomUUID(), recorder);
  const ends = (await main.lag('nobody')).map(({ end }) => end);
  const read = () => ends.every((end, partition) => recorder.frames(partition).length >= end);
  await vi.waitFor(() => expect(read()).toBe(true), { timeout: 20_000 });
  await subscription.close();
  const bodies = ends.flatMap((_, partition) => recorder.bodies(partition));
  return bodies.flatMap((body) => body.trimEnd().split('\n')).map((line) => JSON.parse(line));
}

const isReplayed = () =>
  vi.waitFor(() => expect(log.backlog()).toMatchObject({ state: 'direct', bytes: 0 }), { timeout: 20_000 });

test.each(['refuses', 'hangs'] as const)(
  'a log that %s: 202, and the log has it once it is back',
  async (fault) => {
    main.fault = fault;
    const answer = await post('/spooled');
    expect([answer.status, answer.headers.get('x-footfall')]).toEqual([202, 'accepted']);

    const readiness = await fetch(at('/readyz'));
    expect(readiness.status).toBe(200);
    expect(await readiness.json()).toEqual({
      ready: true,
      problems: [],
      degraded: ['log: it takes no frames, 1 wait in the spool'],
      spool: { state: 'spooling', frames: 1, bytes: expect.any(Number) },
    });
    const metrics = await (await fetch(at('/metrics'))).text();
    expect(metrics).toContain('footfall_spool_state{state="spooling"} 1');
    expect(metrics).toContain('footfall_spool_state{state="direct"} 0');
    expect(metrics).toMatch(/^footfall_spool_frames 1$/m);
    expect(metrics).toMatch(/^footfall_spool_bytes [1-9]\d+$/m);
    expect(metrics).toContain(`footfall_spool_max_bytes ${SPOOL_MAX_BYTES}`);
    expect(metrics).toMatch(/^footfall_spooled_frames_total 1$/m);
    expect(metrics).toContain('footfall_append_seconds_count{into="spool"} 1');
    expect(metrics).toContain('footfall_frame_events_sum{into="spool"} 1');
    expect(metrics).toContain('footfall_append_seconds_count{into="log"} 0');

    main.fault = undefined;
    await isReplayed();
    expect((await events()).map(({ url }) => url)).toEqual(['/spooled']);
    expect(await (await fetch(at('/readyz'))).json()).toEqual({ ready: true, problems: [], degraded: [] });
    const after = await (await fetch(at('/metrics'))).text();
    expect(after).toContain('footfall_spool_state{state="direct"} 1');
    expect(after).toMatch(/^footfall_replayed_frames_total 1$/m);
  },
);

test('a full spool: 503 with the time to wait, and every beacon that was answered 202 comes through', async () => {
  main.fault = 'refuses';
  const taken: string[] = [];
  let refusal: Response | undefined;
  for (let i = 0; refusal === undefined; i += 1) {
    const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => post(`/${i}-${n}`)));
    for (const [n, answer] of answers.entries()) {
      if (answer.status === 202) taken.push(`/${i}-${n}`);
      else refusal = answer;
    }
  }
  expect(refusal.status).toBe(503);
  expect(refusal.headers.get('x-footfall')).toBe('log_unavailable');
  expect(Number(refusal.headers.get('retry-after'))).toBeGreaterThan(0);
  const readiness = await fetch(at('/readyz'));
  expect(readiness.status).toBe(503);
  expect(await readiness.json()).toMatchObject({
    ready: false,
    degraded: [
      expect.stringMatching(/^log: it takes no frames, \d+ wait in the spool$/),
      expect.stringMatching(/^spool: it holds 0\.1 of 0\.1 MiB$/),
    ],
    spool: { state: 'spooling' },
  });

  main.fault = undefined;
  await isReplayed();
  const found = new Set((await events()).map(({ url }) => url));
  expect(taken.filter((page) => !found.has(page))).toEqual([]);
});

test('an event that the log has twice by way of the spool has one id, given where the beacon has none', async () => {
  main.fault = 'is_silent';
  expect((await post('/twice')).status).toBe(202);
  main.fault = undefined;
  await isReplayed();
  const ids = (await events()).map(({ event_id }) => event_id);
  expect(ids.length).toBeGreaterThan(1);
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(new Set(ids).size).toBe(1);
});
