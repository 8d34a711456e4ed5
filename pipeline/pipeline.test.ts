import { describe, expect, it, vi } from 'vitest';
import { append, event, MINUTE, NOW, uuid, visitor } from './events.fixture.ts';
import { Ledger } from './exactly-once.fixture.ts';
import { unavailable, unreadable } from './faults.fixture.ts';
import { useSystem, WAIT } from './system.fixture.ts';

const system = useSystem();

describe('the pipeline', () => {
  it('counts several partitions, live events and history of several months side by side', async () => {
    const ledger = new Ledger(system());
    const days = [
      '2025-11-30T23:30:00Z',
      '2025-12-01T00:30:00Z',
      '2025-12-31T23:59:59.999Z',
      '2026-02-01T00:00:00Z',
    ];
    for (const partition of [0, 1, 2]) {
      for (const [n, ts] of days.entries()) {
        await ledger.append(
          partition,
          event({ visitor: visitor(partition * 10), ts: Date.parse(ts), event_id: uuid(partition * 10 + n) }),
          event({ visitor: visitor(partition * 10 + 1), received_at: NOW + n, url: `/${n}` }),
        );
      }
    }
    const running = await system().start();
    await system().counted();
    await ledger.expectCountedOnce();
    expect(running.problems()).toEqual([]);
    expect(await running.metric('footfall_events_counted_total')).toBe(24);
  });

  it('goes on with what comes while it runs, and where it was after a restart', async () => {
    const ledger = new Ledger(system());
    const view = (n: number) =>
      event({ visitor: visitor(1), received_at: NOW + n * MINUTE, event_id: uuid(n) });
    await ledger.append(0, view(1));
    const first = await system().start();
    await system().counted();
    await ledger.append(0, view(2));
    await system().counted();
    await first.close();
    await ledger.append(0, view(3), view(4));
    const second = await system().start();
    await system().counted();
    await ledger.expectCountedOnce();
    expect(await second.metric('footfall_events_counted_total')).toBe(2);
  });

  it('counts a beacon once whose answer was lost and which is sent again a day later', async () => {
    const ledger = new Ledger(system());
    const day = 24 * 60 * MINUTE;
    for (const partition of [0, 1]) {
      const view = event({ visitor: visitor(partition), event_id: uuid(partition) });
      await ledger.append(partition, view, event({ visitor: visitor(partition), event_id: uuid(10) }));
      await ledger.append(partition, event({ visitor: visitor(partition), received_at: NOW + day }));
      await ledger.append(partition, { ...view, received_at: NOW + day, late: true });
      await ledger.append(partition, { ...view, received_at: NOW + 2 * day, late: true, event_id: uuid(11) });
    }
    await system().countAll();
    await ledger.expectCountedOnce();
    expect(await system().stores.raw()).toHaveLength(8);
  });

  it('counts before it closes what it has taken', async () => {
    const ledger = new Ledger(system());
    await ledger.append(0, event());
    const running = await system().start();
    await running.called('sessions.applyBatch', 1);
    await running.close();
    await ledger.expectCountedOnce();
  });

  it('tells how far it is behind, by partition', async () => {
    const running = await system().start();
    await running.close();
    await append(system().log, 2, event());
    await append(system().log, 2, event());
    expect(await running.metric('footfall_lag_frames', { partition: '2' })).toBe(2);
    expect(await running.metric('footfall_lag_frames', { partition: '1' })).toBe(0);
  });

  it('tells all else while the log cannot say how far it is behind', async () => {
    let away = false;
    const running = await system().start((call) =>
      away && call === 'log.lag' ? { when: 'before', what: new Error('the log is away') } : undefined,
    );
    expect(await running.metric('footfall_lag_frames', { partition: '0' })).toBe(0);
    away = true;
    expect(await running.metric('footfall_lag_frames')).toBeUndefined();
    expect(await running.metric('footfall_events_counted_total')).toBe(0);
  });

  it('tells how old what it has not counted is, by the clock of the collector', async () => {
    let away = true;
    const running = await system().start((call) =>
      away && call === 'sessions.applyBatch' ? { when: 'before', what: unavailable() } : undefined,
    );
    await append(system().log, 1, event({ received_at: NOW - 2 * MINUTE }), event());
    await running.called('sessions.applyBatch', 1);
    expect(await running.metric('footfall_lag_seconds', { partition: '1' })).toBe(120);
    expect(await running.metric('footfall_lag_seconds', { partition: '0' })).toBe(0);
    expect(running.pipeline?.degraded()).toEqual(['lag: counting is 120 s behind, most in partition 1']);
    away = false;
    await system().counted();
    expect(await running.metric('footfall_lag_seconds', { partition: '1' })).toBe(0);
    expect(running.pipeline?.degraded()).toEqual([]);
  });

  it('is not degraded by the seconds that a unit takes', async () => {
    let away = true;
    const running = await system().start((call) =>
      away && call === 'sessions.applyBatch' ? { when: 'before', what: unavailable() } : undefined,
    );
    await append(system().log, 1, event({ received_at: NOW - 10_000 }));
    await running.called('sessions.applyBatch', 1);
    expect(running.pipeline?.degraded()).toEqual([]);
    system().now += 1_000;
    expect(running.pipeline?.degraded()).toEqual(['lag: counting is 11 s behind, most in partition 1']);
    away = false;
    await system().counted();
  });

  it('tells how long each step of a unit took, and the commit of its offsets', async () => {
    const running = await system().start();
    await append(system().log, 0, event());
    await system().counted();
    for (const step of ['decode', 'repeats', 'history', 'place', 'country', 'live', 'offset']) {
      await vi.waitFor(async () => {
        expect(await running.observed('footfall_step_seconds', { step }), step).toBe(1);
      }, WAIT);
    }
    for (const store of ['sessions', 'analytics']) {
      expect(await running.observed('footfall_commit_seconds', { store })).toBe(1);
    }
  });

  it('has one line a unit, with the offsets that it counted and how many converted', async () => {
    await append(system().log, 1, event({ visitor: visitor(1) }), event({ visitor: visitor(2) }));
    await append(system().log, 1, event({ visitor: visitor(1), user_id: 'ann', received_at: NOW + 1 }));
    const running = await system().start();
    await system().counted();
    const counted = () => running.lines.filter(({ msg }) => msg === 'counted');
    expect(counted()).toEqual([
      {
        level: 'debug',
        msg: 'counted',
        events: 3,
        conversions: 1,
        offsets: ['1:0-1'],
        ms: expect.any(Number),
      },
    ]);
    expect(await running.metric('footfall_conversions_total')).toBe(1);
    await append(system().log, 1, event({ visitor: visitor(1), user_id: 'ann', received_at: NOW + 2 }));
    await append(system().log, 2, event({ visitor: visitor(2), user_id: 'bob', received_at: NOW + 2 }));
    await system().counted();
    expect(await running.metric('footfall_conversions_total')).toBe(2);
    expect(JSON.stringify(running.lines)).not.toMatch(/ann|bob/);
  });

  it('tells by the level what somebody has to look at', async () => {
    let away = true;
    const running = await system().start((call) =>
      away && call === 'analytics.recentEventIds' ? { when: 'before', what: unreadable() } : undefined,
    );
    await append(system().log, 0, event({ event_id: uuid(1) }), '{"type":"nobody knows"}');
    await running.called('analytics.recentEventIds', 2);
    expect(running.lines).toContainEqual(
      expect.objectContaining({ level: 'warn', msg: 'a batch failed and will be tried again' }),
    );
    expect(running.lines.filter(({ level }) => level === 'error')).toEqual([]);
    away = false;
    await system().counted();
    expect(running.lines.filter(({ level }) => level === 'error')).toEqual([
      {
        level: 'error',
        offsets: '0:0-0',
        lines: 1,
        msg: 'lines cannot be read: they are in the dead letters, and not counted',
      },
    ]);
  });

  it('is stopped by nothing that goes wrong in the live store', async () => {
    const ledger = new Ledger(system());
    await ledger.append(0, event());
    const away = new Error('the live store is away');
    const running = await system().start((call) =>
      call.startsWith('live.') ? { when: 'before', what: away } : undefined,
    );
    await system().counted();
    await running.called('live.expire', 2);
    expect(running.problems()).toEqual([]);
    await ledger.expectCountedOnce();
  });
});
