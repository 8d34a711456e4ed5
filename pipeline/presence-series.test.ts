import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { openLive } from '../redis/open.ts';
import { type LiveStore, LiveStoreError, SITE } from '../redis/port.ts';
import { NOW, uuid } from './events.fixture.ts';
import { unreadable } from './faults.fixture.ts';
import { type PresenceSeriesOptions, startPresenceSeries } from './presence-series.ts';
import { useSystem } from './system.fixture.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const CYCLISTS = uuid(1);
const START = NOW - (NOW % MINUTE);

const system = useSystem();
let clock = START;
let live: LiveStore;
const started: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  clock = START;
  live = await openLive('memory://', { now: () => clock });
  const at = clock;
  const signs = ['a', 'b'].map((visitor) => ({ visitor, scope: SITE, at, until: at + 60 * MINUTE }));
  await live.arrive([...signs, { visitor: 'b', scope: CYCLISTS, at, until: at + 60 * MINUTE }]);
  // PostgreSQL's client needs its own timers.
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(async () => {
  for (const series of started.splice(0)) await series.close();
  vi.useRealTimers();
  await live.close();
});

function start(changes: Partial<PresenceSeriesOptions> = {}) {
  const metrics = new Registry();
  const { analytics, sessions } = system().stores;
  const kept: number[] = [];
  const series = startPresenceSeries({
    ...{ live, sessions, metrics, logger: pino({ level: 'silent' }), now: () => clock },
    analytics: {
      read: (query, params) => analytics.read(query, params),
      keepPresence: async (minute, online) => {
        kept.push(minute);
        await analytics.keepPresence(minute, online);
      },
    },
    ...changes,
  });
  started.push(series);
  const failures = async () =>
    (await metrics.getSingleMetric('footfall_presence_series_failures_total')?.get())?.values[0]?.value;
  return { series, kept, failures };
}

/** The series looks, and what it begins ends. */
async function lookAt(instant: number, series: { close(): Promise<void> }): Promise<void> {
  clock = instant;
  await vi.advanceTimersByTimeAsync(SECOND);
  // Ends nothing but the schedule, which has been.
  await series.close();
}

const pointsOf = (scope: string, minutes = 1) =>
  system().stores.analytics.read('presence_history', {
    scope,
    from: START,
    to: START + minutes * MINUTE,
    step_minutes: 1,
  });

it('keeps how many are online, of the site and of each community, before the minute ends', async () => {
  const { series } = start();
  await lookAt(START + 50 * SECOND, series);
  expect(await pointsOf(SITE)).toEqual([{ steps_ago: 0, visitors: 2 }]);
  expect(await pointsOf(CYCLISTS)).toEqual([{ steps_ago: 0, visitors: 1 }]);
});

it('keeps a zero where nobody is online', async () => {
  await live.expire(START + 60 * MINUTE);
  const { series } = start();
  await lookAt(START + 55 * SECOND, series);
  expect(await pointsOf(SITE)).toEqual([{ steps_ago: 0, visitors: 0 }]);
});

it('does nothing before the last seconds of a minute', async () => {
  const { series, kept } = start();
  await lookAt(START + 50 * SECOND - 1, series);
  expect(kept).toEqual([]);
});

it('keeps a minute once, however many instances look, and the next by whoever comes first', async () => {
  const instances = [start(), start(), start()];
  for (const instant of [50, 52, 110].map((seconds) => START + seconds * SECOND)) {
    clock = instant;
    await vi.advanceTimersByTimeAsync(SECOND);
    await vi.waitFor(async () =>
      expect((await pointsOf(SITE, 2)).length).toBe(instant < START + MINUTE ? 1 : 2),
    );
  }
  for (const { series } of instances) await series.close();
  expect(instances.flatMap(({ kept }) => kept)).toEqual([START, START + MINUTE]);
});

it('tries again until the minute ends where a store is away, and counts the failures', async () => {
  const away = new LiveStoreError('unavailable', 'away in a test');
  const { analytics } = system().stores;
  let failing = 2;
  const { failures, kept } = start({
    live: {
      onlineByScope: () => (failing-- > 0 ? Promise.reject(away) : live.onlineByScope()),
    },
    analytics: {
      read: (query, params) => analytics.read(query, params),
      keepPresence: (minute, online) => analytics.keepPresence(minute, online),
    },
  });
  clock = START + 50 * SECOND;
  await vi.waitFor(async () => {
    await vi.advanceTimersByTimeAsync(SECOND);
    expect(await pointsOf(SITE)).toHaveLength(1);
  });
  expect(await failures()).toBe(2);
  expect(kept).toEqual([]);
});

it('leaves a minute out in which every try fails', async () => {
  const { series, failures } = start({
    analytics: {
      read: () => Promise.reject(unreadable()),
      keepPresence: () => Promise.reject(unreadable()),
    },
  });
  await lookAt(START + 59 * SECOND, series);
  expect(await failures()).toBe(1);
  expect(await pointsOf(SITE)).toEqual([]);
});

it('keeps nothing of a minute that was over before the lock was free', async () => {
  const { sessions } = system().stores;
  const { series, kept, failures } = start();
  await sessions.withLock('presence', 'exclusive', async () => {
    clock = START + 59 * SECOND;
    await vi.advanceTimersByTimeAsync(SECOND);
    clock = START + 60 * SECOND;
  });
  await series.close();
  expect(kept).toEqual([]);
  expect(await failures()).toBe(1);
});
