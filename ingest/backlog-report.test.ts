import { hostname } from 'node:os';
import pino from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { eventually } from '../kafka/eventually.fixture.ts';
import { type Backlog, NO_BACKLOG } from '../kafka/port.ts';
import { openLive } from '../redis/open.ts';
import { type LiveStore, LiveStoreError } from '../redis/port.ts';
import { type BacklogReportOptions, type BacklogReports, reportBacklog } from './backlog-report.ts';

const MINUTE = 60_000;
const WAITING: Backlog = {
  ...NO_BACKLOG,
  state: 'spooling',
  frames: 3,
  bytes: 4_000,
  spooled: 5,
  replayed: 2,
};

let now: number;
let live: LiveStore;
let backlog: Backlog;
let metrics: Registry;
let reports: BacklogReports;

beforeEach(async () => {
  now = 1_700_000_000_000;
  live = await openLive('memory://', { now: () => now });
  backlog = NO_BACKLOG;
  metrics = new Registry();
});

afterEach(async () => {
  vi.useRealTimers();
  await reports.close();
  await live.close();
});

function start(store: BacklogReportOptions['live'] = live): void {
  const logger = pino({ level: 'silent' });
  const log = { backlog: () => backlog };
  reports = reportBacklog({ log, live: store, port: 8080, metrics, logger, intervalMs: 5 });
}

async function told(): Promise<unknown[]> {
  return (await live.reports()).map(({ instance, facts }) => [instance, JSON.parse(facts)]);
}

const failures = async () => (await metrics.getMetricsAsJSON())[0]?.values[0]?.value;

test('the others learn what waits in the spool, and what becomes of it, under the name of host and port', async () => {
  const instance = `ingest@${hostname()}:8080`;
  start();
  await eventually(async () =>
    expect(await told()).toEqual([[instance, { state: 'direct', frames: 0, bytes: 0 }]]),
  );
  backlog = WAITING;
  await eventually(async () =>
    expect(await told()).toEqual([[instance, { state: 'spooling', frames: 3, bytes: 4_000 }]]),
  );
  expect(await failures()).toBe(0);
});

test('what was told last is known for a minute after the collector has ended, and not for longer', async () => {
  backlog = WAITING;
  start();
  await reports.close();
  now += MINUTE - 1;
  expect(await told()).toHaveLength(1);
  now += 1;
  expect(await told()).toEqual([]);
});

test('while the live store is away it is counted, and told again', async () => {
  let isAway = true;
  start({
    async report(...report) {
      if (isAway) throw new LiveStoreError('unavailable', 'Redis is away in a test');
      return live.report(...report);
    },
  });
  await eventually(async () => expect(await failures()).toBeGreaterThan(2));
  isAway = false;
  await eventually(async () => expect(await told()).toHaveLength(1));
});

test('a live store that takes long has one report at a time, and closing waits for it', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  let finish = () => {};
  const report = vi.fn(() => new Promise<void>((resolve) => (finish = resolve)));
  start({ report });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(report).toHaveBeenCalledTimes(1);
  let closed = false;
  const closing = reports.close().then(() => {
    closed = true;
  });
  await new Promise(setImmediate);
  expect(closed).toBe(false);
  finish();
  await closing;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(report).toHaveBeenCalledTimes(1);
});
