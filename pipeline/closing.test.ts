import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { calendar } from '../contract/reporting-day.ts';
import { type ClosingOptions, lastCompleteDay, startClosing } from './closing.ts';
import { NOW } from './events.fixture.ts';
import { useSystem } from './system.fixture.ts';

const HOUR = 3_600_000;

describe('the last complete day', () => {
  it.each([
    ['UTC', '2025-03-11T00:00:59.999Z', '2025-03-09'],
    ['UTC', '2025-03-11T00:01:00.000Z', '2025-03-10'],
    ['Asia/Kathmandu', '2025-03-10T18:15:59.999Z', '2025-03-09'],
    ['Asia/Kathmandu', '2025-03-10T18:16:00.000Z', '2025-03-10'],
    // A day of 23 hours, and one of 25.
    ['America/New_York', '2025-03-10T04:01:00.000Z', '2025-03-09'],
    ['America/New_York', '2025-11-03T04:59:59.999Z', '2025-11-01'],
    ['America/New_York', '2025-11-03T05:01:00.000Z', '2025-11-02'],
  ])('in %s at %s, a minute for what collectors hold, is %s', (zone, at, day) => {
    expect(lastCompleteDay(calendar(zone), Date.parse(at))).toBe(day);
  });

  it('is before all events where nothing can be said', () => {
    expect(lastCompleteDay(calendar('UTC'), 0) < '1970-01-01').toBe(true);
  });
});

describe('closing', () => {
  const system = useSystem();
  const running: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const closing of running.splice(0)) await closing.close();
  });

  function start(changes: Partial<ClosingOptions> = {}) {
    const metrics = new Registry();
    const { analytics, sessions } = system().stores;
    const updates: { lastDay: string }[] = [];
    const closing = startClosing({
      analytics: {
        updateIntervals: (task) => {
          updates.push(task);
          return analytics.updateIntervals(task);
        },
      },
      ...{ sessions, log: system().log, calendar: calendar('UTC'), metrics },
      logger: pino({ level: 'silent' }),
      now: () => NOW,
      ...changes,
    });
    running.push(closing);
    const metric = async (name: string) => (await metrics.getSingleMetric(name)?.get())?.values[0]?.value;
    return { closing, updates, metric, metrics };
  }

  it('closes the days before the one that all partitions have reached', async () => {
    const { updates } = start({ now: () => Date.parse('2025-03-11T12:00:00Z') });
    await vi.waitFor(() => expect(updates[0]).toMatchObject({ lastDay: '2025-03-10' }));
  });

  it('waits for a partition that is behind', async () => {
    const day = Date.parse('2025-03-11T12:00:00Z');
    const { updates } = start({
      log: {
        lag: async () => [
          { partition: 0, committed: 4, end: 4 },
          { partition: 1, committed: 3, end: 9 },
        ],
      },
      sessions: {
        withLock: (_lock, _mode, work) => work(),
        progress: async () => [
          { partition: 0, nextOffset: 4, receivedUntil: day },
          { partition: 1, nextOffset: 3, receivedUntil: day - 24 * HOUR },
        ],
      },
      now: () => day,
    });
    await vi.waitFor(() => expect(updates[0]).toMatchObject({ lastDay: '2025-03-09' }));
  });

  it('leaves the machine to counting while that is behind', async () => {
    let receivedUntil = NOW - 10_000;
    let looks = 0;
    const { updates } = start({
      log: { lag: async () => [{ partition: 0, committed: 4, end: 9 }] },
      sessions: {
        withLock: (_lock, _mode, work) => work(),
        progress: async () => {
          looks += 1;
          return [{ partition: 0, nextOffset: 4, receivedUntil }];
        },
      },
    });
    // At once, whatever there is to count: days that are over are closed by a start.
    await vi.waitFor(() => expect(updates).toHaveLength(1));
    await vi.waitFor(() => expect(looks).toBe(3), { timeout: 10_000 });
    expect(updates).toHaveLength(1);
    receivedUntil = NOW - 1_000;
    await vi.waitFor(() => expect(updates).toHaveLength(2), { timeout: 10_000 });
  });

  it('is done by one instance at a time', async () => {
    const { sessions } = system().stores;
    await sessions.withLock('intervals', 'exclusive', async () => {
      const { updates } = start();
      await sessions.withLock('cleanup', 'exclusive', () => sessions.ping());
      expect(updates).toEqual([]);
    });
  });

  it('goes on after a failure, which is counted', async () => {
    const { analytics } = system().stores;
    let failures = 2;
    const { metric, closing } = start({
      analytics: {
        updateIntervals: (task) =>
          failures-- > 0 ? Promise.reject(new Error('away')) : analytics.updateIntervals(task),
      },
    });
    await vi.waitFor(() => expect(closing.degraded()).toEqual(['intervals: away']));
    await vi.waitFor(
      async () => {
        expect(await metric('footfall_intervals_failures_total')).toBe(2);
        expect(await metric('footfall_intervals_updated_timestamp_seconds')).toBeGreaterThan(0);
        expect(closing.degraded()).toEqual([]);
      },
      { timeout: 10_000 },
    );
  });

  it('tells how long it took, apart for closing days that are over', async () => {
    const reports = [{ closedThrough: '2026-03-09', derivedFrom: '2026-03-09', outOfReach: [] }];
    const { metrics } = start({
      analytics: {
        updateIntervals: async () =>
          reports.pop() ?? { closedThrough: '2026-03-09', derivedFrom: undefined, outOfReach: [] },
      },
    });
    await vi.waitFor(async () => {
      const text = await metrics.getSingleMetricAsString('footfall_intervals_seconds');
      expect(text).toContain('footfall_intervals_seconds_count{work="close"} 1');
      expect(text).toMatch(/footfall_intervals_seconds_count\{work="update"\} [1-9]/);
    }, 10_000);
  });

  it('ends what is under way, and looks no more', async () => {
    const { analytics } = system().stores;
    let aborted: AbortSignal | undefined;
    let looks = 0;
    const { closing } = start({
      analytics: {
        updateIntervals: async (task) => {
          looks += 1;
          aborted = task.signal;
          return analytics.updateIntervals(task);
        },
      },
    });
    await vi.waitFor(() => expect(looks).toBe(1));
    await closing.close();
    expect(aborted?.aborted).toBe(true);
    expect(looks).toBe(1);
  });
});
