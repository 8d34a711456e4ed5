/** Visitors go on as who they were when the secret that their fingerprints are hashed with is changed. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import { calendar } from '../contract/reporting-day.ts';
import { visitorKey } from '../contract/visitor.ts';
import type { Subjects } from '../postgres/port.ts';
import { SITE } from '../redis/port.ts';
import { eraseSettled } from './erasing.ts';
import { append, event, MINUTE, NOW, number, renewed, uuid, visitor } from './events.fixture.ts';
import { at, unavailable } from './faults.fixture.ts';
import { cleanup } from './jobs.ts';
import { useSystem, WAIT } from './system.fixture.ts';

const system = useSystem();

const saidBefore = (n: number, minute: number) =>
  event({ visitor: visitor(n), received_at: NOW + minute * MINUTE });
const saidBetween = (n: number, minute: number) =>
  event({ visitor: renewed(n), visitor_before: visitor(n), received_at: NOW + minute * MINUTE });
const saidAfter = (n: number, minute: number) =>
  event({ visitor: renewed(n), received_at: NOW + minute * MINUTE });

async function counted(): Promise<{ raw: string[]; sessions: [string, number][] }> {
  await system().counted();
  const [raw, sessions] = await Promise.all([system().stores.raw(), system().stores.visitors()]);
  return {
    raw: raw.map((row) => row.visitor),
    sessions: sessions.map(({ fingerprint, pageViews }) => [fingerprint, pageViews]),
  };
}

describe('who came before the secret was changed', () => {
  it('is known while collectors have both, and after', async () => {
    await append(system().log, 0, saidBefore(1, 0));
    await system().countAll();
    await append(system().log, 0, saidBetween(1, 1));
    await system().countAll();
    await append(system().log, 1, saidAfter(1, 2));
    await system().countAll();
    expect(await counted()).toEqual({
      raw: [number(1), number(1), number(1)],
      sessions: [[visitor(1), 3]],
    });
  });

  it('is known by a frame that has both', async () => {
    await append(system().log, 0, saidBefore(1, 0), saidBetween(1, 1), saidAfter(1, 2), saidBefore(1, 3));
    await system().countAll();
    expect(await counted()).toEqual({
      raw: Array(4).fill(number(1)),
      sessions: [[visitor(1), 4]],
    });
  });

  it('is known after another change', async () => {
    const third = `ee${visitor(1).slice(2)}`;
    await append(system().log, 0, saidBefore(1, 0), saidBetween(1, 1));
    await system().countAll();
    await append(
      system().log,
      0,
      event({ visitor: third, visitor_before: renewed(1), received_at: NOW + MINUTE }),
    );
    await system().countAll();
    await append(system().log, 0, event({ visitor: third, received_at: NOW + 2 * MINUTE }));
    await system().countAll();
    expect((await counted()).sessions).toEqual([[visitor(1), 4]]);
  });

  it('is new who did not come while collectors had both', async () => {
    await append(system().log, 0, saidBefore(1, 0), saidAfter(1, 2));
    await system().countAll();
    expect((await counted()).sessions).toEqual([
      [visitor(1), 1],
      [renewed(1), 1],
    ]);
  });

  it('converts once', async () => {
    await append(system().log, 0, saidBefore(1, 0));
    await append(system().log, 0, { ...saidBetween(1, 1), user_id: 'ann' });
    await append(system().log, 0, { ...saidAfter(1, 2), user_id: 'ann' });
    await system().countAll();
    expect(await system().stores.visitors()).toMatchObject([{ userId: 'ann', convertedAt: NOW + MINUTE }]);
  });

  it('counts once what was sent before and is sent again', async () => {
    await append(system().log, 0, { ...saidBefore(1, 0), event_id: uuid(1) });
    await append(system().log, 0, { ...saidBetween(1, 1), event_id: uuid(1) });
    await system().countAll();
    expect((await counted()).raw).toEqual([number(1)]);
  });
});

it('who came first afterwards stays that one, also where a collector still says the hash of before', async () => {
  await append(system().log, 0, saidBetween(1, 0), saidBefore(1, 1), saidBetween(1, 2), saidAfter(1, 3));
  await system().countAll();
  expect((await counted()).sessions).toEqual([
    [visitor(1), 1],
    [renewed(1), 3],
  ]);
});

it.each(['sessions.applyBatch', 'analytics.insert'])(
  'a crash after %s changes nothing of who is who',
  async (call) => {
    await append(system().log, 0, saidBefore(1, 0), saidBetween(2, 0));
    await system().countAll();
    await append(
      system().log,
      0,
      saidBefore(2, 1),
      saidBetween(1, 1),
      saidBetween(2, 2),
      saidBefore(3, 2),
      saidBetween(3, 3),
    );
    await (await system().start(at(call, 1, { when: 'after', what: 'crash' }))).crashed();
    await system().countAll();
    const two = renewed(2);
    expect((await counted()).sessions).toEqual([
      [visitor(1), 2],
      [visitor(2), 1],
      [visitor(3), 2],
      [two, 2],
    ]);
    expect(await system().stores.viewsThatDiffer()).toEqual([]);
  },
);

it('aliases go with the session that they are of', async () => {
  const { sessions } = system().stores;
  await append(system().log, 0, saidBefore(1, 0), saidBetween(1, 1));
  await system().countAll();
  const config = { cleanupDays: 90, rawDays: 400, timeZone: 'UTC' };
  await cleanup(config, sessions, NOW + 2 * MINUTE + 90 * 86_400_000);
  expect(await system().stores.visitors()).toEqual([]);
  expect(await sessions.hasAliases()).toBe(false);
});

describe('who is online', () => {
  it('is there once', async () => {
    const running = await system().start();
    await append(system().log, 0, saidBefore(1, 0));
    await counted();
    await append(system().log, 0, saidBetween(1, 1), saidBetween(2, 1));
    await counted();
    await append(system().log, 1, saidAfter(1, 1));
    await counted();
    expect(await running.live.online(SITE)).toBe(2);
    expect(await running.metric('footfall_visitors_recognised_total')).toBe(1);
  });

  it('is said also where sessions cannot be asked', async () => {
    const running = await system().start((call) =>
      call === 'sessions.lookUp' ? { when: 'before', what: unavailable() } : undefined,
    );
    await append(system().log, 0, saidBetween(1, 0));
    await vi.waitFor(async () => expect(await running.live.online(SITE)).toBe(1), WAIT);
    expect(running.lines.map(({ msg }) => msg)).toContain(
      'who was known by another hash before may be online twice',
    );
  });
});

describe('an erasure', () => {
  const AT = NOW + 10 * MINUTE;
  const subjects = (visitors: string[], userId: string | null = null): Subjects => ({
    visitors: visitors.map(visitorKey),
    userId,
  });

  async function erase(of: Subjects): Promise<void> {
    const { analytics, sessions } = system().stores;
    const id = randomUUID();
    const kind = of.userId === null ? 'visitor' : 'user';
    await sessions.erasures.begin({ ...of, id, kind, requestedBy: 'the test', requestedAt: AT });
    await system().countAll();
    await eraseSettled({
      ...{ analytics, sessions, log: system().log, calendar: calendar('UTC'), now: () => AT },
      leave: async () => {},
      live: { emptyCounters: async () => {} },
      onLiveFailed: () => {},
    });
    expect((await sessions.erasures.get(id))?.completedAt).toBe(AT);
  }

  it.each<[string, Subjects]>([
    ['the hash of now', subjects([renewed(1)])],
    ['the hash of before', subjects([visitor(1)])],
    ['the user', subjects([], 'ann')],
  ])('by %s removes what came under either', async (_, of) => {
    await append(
      system().log,
      0,
      saidBefore(1, 0),
      saidBefore(2, 0),
      { ...saidBetween(1, 1), user_id: 'ann' },
      saidBetween(2, 1),
    );
    await system().countAll();
    await append(system().log, 0, saidBetween(1, 2), saidAfter(1, 2), saidBetween(2, 2));
    expect(await system().stores.sessions.erasures.sessionsOf(of)).toMatchObject([
      { fingerprint: visitor(1) },
    ]);
    await erase(of);
    expect(await counted()).toEqual({ raw: Array(3).fill(number(2)), sessions: [[visitor(2), 3]] });
    // Who comes again is new, though the hash of before comes with them.
    await append(system().log, 0, saidBetween(1, 20), saidAfter(2, 20));
    await system().countAll();
    expect((await counted()).sessions).toEqual([
      [visitor(2), 4],
      [renewed(1), 1],
    ]);
  });
});
