import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { calendar } from '../contract/reporting-day.ts';
import { visitorNumber } from '../contract/visitor.ts';
import { openLive } from '../redis/open.ts';
import { LEAVE_GRACE_MS, type LiveStore, LiveStoreError, SITE } from '../redis/port.ts';
import { VisitorTracker } from '../redis/visitor-tracker.ts';
import { append, event, MINUTE, NOW, uuid, visitor } from './events.fixture.ts';
import { unavailable, unreadable } from './faults.fixture.ts';
import { liveNumbers } from './live.ts';
import { type RunningPipeline, useSystem, WAIT } from './system.fixture.ts';

const system = useSystem();
const TODAY = '2026-03-10';
const CYCLISTS = uuid(1);
const HOUR = 60 * MINUTE;

async function numbers({ live }: RunningPipeline) {
  return {
    online: await live.online(SITE),
    today: await live.visitorsOf(TODAY, SITE),
    cyclistsOnline: await live.online(CYCLISTS),
    cyclistsToday: await live.visitorsOf(TODAY, CYCLISTS),
  };
}

const seen = (n: number, ms: number, inCommunity = false) =>
  event({
    visitor: visitor(n),
    received_at: NOW - ms,
    ...(inCommunity ? { community_id: CYCLISTS } : {}),
  });

const trackerOf = (live: LiveStore) => new VisitorTracker(live, { realtimeTtlMs: HOUR, now: () => NOW });

/** Live numbers alone, of raw as it stands. */
const begin = (live: LiveStore) =>
  liveNumbers({
    ...{ live, tracker: trackerOf(live), analytics: system().stores.analytics, calendar: calendar('UTC') },
    ...{ realtimeTtlMs: HOUR, logger: pino({ level: 'silent' }), now: () => NOW, onFailure: () => {} },
  });

/** One who is there, one in a community, one who left, one who fell silent hours ago, one of yesterday, one who only left. */
async function writeSome(): Promise<void> {
  await append(system().log, 0, seen(5, 13 * HOUR), seen(4, 3 * HOUR, true));
  await append(system().log, 0, seen(1, MINUTE), seen(2, MINUTE, true), seen(3, 2 * MINUTE, true));
  const leavers = [seen(3, MINUTE), seen(6, MINUTE)];
  await append(system().log, 0, ...leavers.map((leaver) => ({ ...leaver, type: 'leave' as const })));
}

describe('live numbers', () => {
  it('follow what is counted', async () => {
    await writeSome();
    const running = await system().start();
    await system().counted();
    await vi.waitFor(
      async () =>
        expect(await numbers(running)).toEqual({ online: 2, today: 4, cyclistsOnline: 1, cyclistsToday: 3 }),
      WAIT,
    );
  });

  it('are there again after a restart', async () => {
    await writeSome();
    await system().countAll();
    const running = await system().start();
    expect(await numbers(running)).toEqual({ online: 2, today: 4, cyclistsOnline: 1, cyclistsToday: 3 });
  });

  it('know who is online before the stores have counted it', async () => {
    let away = true;
    const running = await system().start((call) =>
      call === 'sessions.applyBatch' && away ? { when: 'before', what: unavailable() } : undefined,
    );
    await append(system().log, 0, seen(1, 0), seen(2, 0, true));
    await vi.waitFor(
      async () => expect(await numbers(running)).toMatchObject({ online: 2, cyclistsOnline: 1, today: 0 }),
      WAIT,
    );
    expect(await system().stores.raw()).toEqual([]);
    away = false;
    await system().counted();
    await vi.waitFor(async () => expect(await numbers(running)).toMatchObject({ online: 2, today: 2 }), WAIT);
  });

  it('are not brought back by a beacon that is sent again after the leave', async () => {
    const running = await system().start();
    const view = { ...seen(1, 0), event_id: uuid(77) };
    await append(system().log, 0, view);
    await append(system().log, 0, { ...seen(1, 0), received_at: NOW + 1, type: 'leave' });
    await append(system().log, 0, { ...view, received_at: NOW + 2 });
    await system().counted();
    system().now += LEAVE_GRACE_MS + 1;
    await vi.waitFor(async () => expect(await running.live.online(SITE)).toBe(0), WAIT);
  });

  it('are noted whatever came before: nothing, or many at once', async () => {
    const live = await openLive('memory://', { now: () => NOW });
    const begun = begin(live);
    await begun.note([]);
    const sign = (n: number) => ({ visitor: `${n}`, communityId: undefined, at: NOW, leaving: false });
    await begun.note([sign(1)]);
    expect(await live.online(SITE)).toBe(1);
    await Promise.all(Array.from({ length: 50 }, (_, n) => begun.note(n % 3 === 0 ? [] : [sign(n)])));
    expect(await live.online(SITE)).toBe(33);
    await live.close();
  });

  it('are filled from raw without those who left since, whose leave raw does not have yet', async () => {
    await append(system().log, 0, seen(1, 0), seen(2, 0));
    await system().countAll();
    const live = await openLive('memory://', { now: () => NOW });
    const begun = begin(live);
    await begun.note([
      { visitor: visitorNumber(visitor(1)), communityId: undefined, at: NOW + 1, leaving: true },
    ]);
    await begun.restore();
    await trackerOf(live).sweep(NOW + 1 + LEAVE_GRACE_MS);
    expect(await live.online(SITE)).toBe(1);
    await live.close();
  });

  it('let a visitor go who left, once the grace is over', async () => {
    await append(system().log, 0, seen(1, 0), seen(2, 0));
    const running = await system().start();
    await system().counted();
    await append(system().log, 0, { ...seen(1, 0), received_at: NOW + 1, type: 'leave' });
    await system().counted();
    expect(await running.live.online(SITE)).toBe(2);
    system().now += LEAVE_GRACE_MS + 1;
    await vi.waitFor(async () => expect(await running.live.online(SITE)).toBe(1), WAIT);
    expect(await running.live.visitorsOf(TODAY, SITE)).toBe(2);
  });

  it('let a visitor go who fell silent', async () => {
    await append(system().log, 0, seen(1, 0));
    const running = await system().start();
    await system().counted();
    system().now += HOUR;
    await vi.waitFor(async () => expect(await running.live.online(SITE)).toBe(0), WAIT);
  });

  it('are not touched by imported history: nobody comes, nobody leaves, nobody is of today', async () => {
    await append(system().log, 0, seen(1, 0));
    const ts = NOW - 40 * 24 * HOUR;
    const past = { ...seen(1, 0), ts };
    await append(system().log, 0, { ...past, visitor: visitor(2) }, { ...past, ts: ts + 1, type: 'leave' });
    const running = await system().start();
    await system().counted();
    system().now += LEAVE_GRACE_MS + 1;
    await running.called('live.expire', running.process.callsOf('live.expire') + 2);
    expect(await numbers(running)).toEqual({ online: 1, today: 1, cyclistsOnline: 0, cyclistsToday: 0 });
  });

  it('begin empty, and stop nothing, where they cannot be restored', async () => {
    await append(system().log, 0, seen(1, 0));
    await system().countAll();
    const running = await system().start((call) =>
      call === 'analytics.read' ? { when: 'before', what: unreadable() } : undefined,
    );
    expect(await numbers(running)).toMatchObject({ online: 0, today: 0 });
    await append(system().log, 0, seen(2, 0));
    await system().counted();
    expect(await numbers(running)).toMatchObject({ online: 1, today: 1 });
  });

  it('are caught up with from raw when the live store was away for some updates, and stop nothing meanwhile', async () => {
    const away = { when: 'before', what: new LiveStoreError('unavailable', 'away in a test') } as const;
    const running = await system().start((call, nth) =>
      (call === 'live.arrive' && nth <= 2) || (call === 'live.restoreIfLost' && nth === 2) ? away : undefined,
    );
    await append(system().log, 0, seen(1, 0));
    await running.called('live.arrive', 1);
    await append(system().log, 0, seen(2, 0, true));
    await running.called('live.arrive', 2);
    await system().counted();
    await vi.waitFor(
      async () =>
        expect(await numbers(running)).toEqual({ online: 2, today: 2, cyclistsOnline: 1, cyclistsToday: 1 }),
      WAIT,
    );
    expect(await running.metric('footfall_live_failures_total', { work: 'update' })).toBe(2);
  });

  it('hold up counting for some seconds at most when the live store hangs', async () => {
    const running = await system().start();
    let release = () => {};
    const hung = new Promise<never>((_, reject) => {
      release = () => reject(new LiveStoreError('unavailable', 'no answer in a test'));
    });
    const arrive = vi.spyOn(running.live, 'arrive').mockReturnValue(hung);
    await append(system().log, 0, seen(1, 0));
    await system().counted();
    await append(system().log, 0, seen(2, 0));
    await system().counted();
    expect(arrive).toHaveBeenCalledOnce();
    arrive.mockRestore();
    release();
    await vi.waitFor(async () => expect(await numbers(running)).toMatchObject({ online: 2, today: 2 }), WAIT);
  });
});
