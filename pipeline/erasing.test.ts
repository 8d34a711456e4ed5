/** Erasing: at whatever point of counting it begins, and wherever it is broken off, what is left is as if the person had never come. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it, vi } from 'vitest';
import type { Event } from '../contract/event.ts';
import { calendar } from '../contract/reporting-day.ts';
import { visitorKey, visitorNumber } from '../contract/visitor.ts';
import type { LedgerEntry, Subjects } from '../postgres/port.ts';
import { LiveStoreError, SITE } from '../redis/port.ts';
import { type ErasingOptions, eraseSettled } from './erasing.ts';
import { append, event, MINUTE, NOW, uuid, visitor } from './events.fixture.ts';
import { writeSome } from './exactly-once.fixture.ts';
import { at, type Faults } from './faults.fixture.ts';
import { useSystem, WAIT } from './system.fixture.ts';

const system = useSystem();
const AT = NOW + 10 * MINUTE;
const TODAY = calendar('UTC').dayOf(AT);
const VISITOR_2: Subjects = { visitors: [visitorKey(visitor(2))], userId: null };
const isOfVisitor2 = ({ visitor: of }: Event) => of === visitor(2);

async function begin(subjects: Subjects = VISITOR_2): Promise<string> {
  const id = randomUUID();
  const kind = subjects.userId === null ? 'visitor' : 'user';
  const erasures = system().stores.sessions.erasures;
  await erasures.begin({ ...subjects, id, kind, requestedBy: 'the test', requestedAt: AT });
  return id;
}

function options(changes: Partial<ErasingOptions> = {}): ErasingOptions {
  const { stores, log } = system();
  return {
    analytics: stores.analytics,
    sessions: stores.sessions,
    log,
    calendar: calendar('UTC'),
    live: { emptyCounters: async () => {} },
    leave: async () => {},
    onLiveFailed: () => {},
    now: () => AT,
    ...changes,
  };
}

async function complete(id: string): Promise<void> {
  await vi.waitFor(async () => {
    await eraseSettled(options());
    expect((await system().stores.sessions.erasures.get(id))?.completedAt).toBe(AT);
  }, WAIT);
}

/** What was accepted is in raw, or the ledger says why it is not. */
async function expectBalance(): Promise<void> {
  const entries = await system().stores.sessions.ledger(0, AT + 60 * MINUTE);
  const total = (...names: LedgerEntry['name'][]) =>
    entries.filter(({ name }) => names.includes(name)).reduce((sum, { amount }) => sum + amount, 0);
  const raw = await system().stores.raw();
  expect(total('accepted') - total('duplicate', 'undecodable', 'erased')).toBe(raw.length);
}

describe('an erasure that begins', () => {
  const beginning = (call: string, when: 'before' | 'after'): Faults => at(call, 1, { when, what: begin });

  it.each<[string, Faults]>([
    ['before a unit is looked for repeats', beginning('analytics.recentEventIds', 'before')],
    ['when a unit is made, before its sessions', beginning('sessions.applyBatch', 'before')],
    ['between the sessions and the rows', beginning('sessions.applyBatch', 'after')],
    ['just before the rows', beginning('analytics.insert', 'before')],
    ['between the rows and the commit of the offset', beginning('analytics.insert', 'after')],
    ['just before the commit of the offset', beginning('log.commit', 'before')],
  ])('%s leaves nothing, and a ledger in balance', async (_, faults) => {
    const ledger = await writeSome(system());
    await system().start(faults);
    await system().counted();
    const [erasure] = await system().stores.sessions.erasures.unfinished();
    await complete(erasure?.id ?? '');
    await ledger.expectCountedOnce(isOfVisitor2);
    await expectBalance();
  });

  it('after a crash between the sessions and the rows waits until a pipeline has settled what was counted', async () => {
    const ledger = await writeSome(system());
    await (await system().start(at('sessions.applyBatch', 1, { when: 'after', what: 'crash' }))).crashed();
    const id = await begin();
    expect(await eraseSettled(options())).toEqual({ completed: 0, waiting: 1 });
    await system().start();
    await complete(id);
    await system().counted();
    await ledger.expectCountedOnce(isOfVisitor2);
    await expectBalance();
  });

  it('before anything was counted keeps all of it from being counted, by name', async () => {
    const ledger = await writeSome(system());
    const id = await begin();
    const running = await system().start();
    await system().counted();
    await complete(id);
    await ledger.expectCountedOnce(isOfVisitor2);
    await expectBalance();
    expect(await running.metric('footfall_events_set_aside_total', { reason: 'erased' })).toBe(3);
  });
});

it('what is received afterwards counts', async () => {
  const ledger = await writeSome(system());
  await system().start();
  await system().counted();
  const id = await begin();
  const later = event({ visitor: visitor(2), event_id: uuid(70), received_at: AT + 1 });
  await ledger.append(0, { ...later, event_id: uuid(71), received_at: AT }, later);
  await system().counted();
  await complete(id);
  await ledger.expectCountedOnce((each) => isOfVisitor2(each) && each.received_at <= AT);
  await expectBalance();
});

it('a user is removed with every visitor who was signed in as that user', async () => {
  const ledger = await writeSome(system());
  await system().start();
  await system().counted();
  await complete(await begin({ visitors: [visitorKey(visitor(2)), visitorKey(visitor(12))], userId: 'ann' }));
  await ledger.expectCountedOnce(({ visitor: of }) => of === visitor(2) || of === visitor(12));
  await expectBalance();
});

it("an event that names an erased user does not count, though its visitor wasn't known", async () => {
  const ledger = await writeSome(system());
  await system().start();
  await system().counted();
  await complete(await begin({ visitors: [], userId: 'bob' }));
  await ledger.append(0, event({ visitor: visitor(5), user_id: 'bob' }), event({ visitor: visitor(6) }));
  await system().counted();
  await ledger.expectCountedOnce(({ user_id }) => user_id === 'bob');
  await expectBalance();
});

it('broken off at any call, it is completed by the next, and counts in the ledger once', async () => {
  const ledger = await writeSome(system());
  await system().start();
  await system().counted();
  const id = await begin();
  const { analytics, sessions } = system().stores;
  const broken = new Set<string>();
  /** Each method fails once, when it has done its work. */
  const failing = <Store extends object>(store: Store): Store =>
    new Proxy(store, {
      get(target, key) {
        const method: unknown = Reflect.get(target, key, target);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]) => {
          const answer: unknown = await Reflect.apply(method, target, args);
          if (broken.has(String(key))) return answer;
          broken.add(String(key));
          throw new Error('broken off by the test');
        };
      },
    });
  const breaking = options({
    analytics: failing(analytics),
    sessions: {
      erasures: failing(sessions.erasures),
      progress: () => failing(sessions).progress(),
      withLock: (...lock) => sessions.withLock(...lock),
    },
  });
  while ((await sessions.erasures.get(id))?.completedAt === null) {
    await eraseSettled(breaking).catch(({ message }: Error) =>
      expect(message).toBe('broken off by the test'),
    );
  }
  expect([...broken]).toEqual([
    'unfinished',
    'progress',
    'read',
    'noteFound',
    'eraseEvents',
    'rebuildDays',
    'updateIntervals',
    'complete',
  ]);
  await ledger.expectCountedOnce(isOfVisitor2);
  await expectBalance();
  expect((await sessions.erasures.get(id))?.receipt).toEqual({
    sessions: 1,
    raw_events: 2,
    days_derived_again: 1,
    dead_letters: 0,
  });
});

it('of a visitor, and of a user whose visitor that is, counts in the ledger once', async () => {
  const ledger = await writeSome(system());
  await system().start();
  await system().counted();
  await begin();
  await complete(await begin({ ...VISITOR_2, userId: 'ann' }));
  await ledger.expectCountedOnce((each) => isOfVisitor2(each) || each.visitor === visitor(12));
  await expectBalance();
});

it('empties the dead letters that name the visitor or the user, and keeps their places', async () => {
  const line = `{"visitor":"${visitor(2)}","type":"no such type"}`;
  const ofUser = '{"user_id":"ann","visitor":1}';
  const ofAnother = '{"user_id":"anna","visitor":2}';
  await append(system().log, 0, line, ofUser, ofAnother, event({ visitor: visitor(3) }));
  await system().start();
  await system().counted();
  await complete(await begin({ ...VISITOR_2, userId: 'ann' }));
  expect(
    (await system().deadLetters()).map(({ index, body, reason }) => [index, String(body), reason]),
  ).toEqual([
    [0, '', 'erased'],
    [1, '', 'erased'],
    [2, ofAnother, expect.any(String)],
  ]);
  await expectBalance();
});

it("leaves today's counters of visitors as if the visitor had never come, and goes on counting", async () => {
  const community_id = uuid(80);
  await append(system().log, 0, event({ visitor: visitor(2), community_id }), event({ visitor: visitor(3) }));
  const running = await system().start();
  await system().counted();
  const counters = () =>
    Promise.all([SITE, community_id].map((scope) => running.live.visitorsOf(TODAY, scope)));
  await vi.waitFor(async () => expect(await counters()).toEqual([2, 1]), WAIT);
  const id = await begin();
  await eraseSettled(options({ live: running.live }));
  expect((await system().stores.sessions.erasures.get(id))?.completedAt).toBe(AT);
  await vi.waitFor(async () => expect(await counters()).toEqual([1, 0]), WAIT);
  await append(system().log, 0, event({ visitor: visitor(4), community_id }));
  await system().counted();
  await vi.waitFor(async () => expect(await counters()).toEqual([2, 1]), WAIT);
});

it.each([
  ['empties the counters of today only once raw has nothing left of the visitor', MINUTE, [[TODAY, 0]]],
  ['does not touch the counters of today for who came before', 24 * 60 * MINUTE, []],
])('%s', async (_, ago, expected) => {
  await append(
    system().log,
    0,
    event({ visitor: visitor(2), ts: NOW - ago }),
    event({ visitor: visitor(3) }),
  );
  await system().countAll();
  await begin();
  const emptied: unknown[] = [];
  const live: ErasingOptions['live'] = {
    async emptyCounters(day) {
      const raw = await system().stores.raw();
      emptied.push([day, raw.filter((row) => row.visitor === visitorNumber(visitor(2))).length]);
    },
  };
  await eraseSettled(options({ live }));
  expect(emptied).toEqual(expected);
});

it('completes though the live store is away, and says so', async () => {
  await writeSome(system());
  await system().start();
  await system().counted();
  const id = await begin();
  const called: unknown[] = [];
  const reported: unknown[] = [];
  const away = (name: string) => async (of: string) => {
    called.push([name, of]);
    throw new LiveStoreError('unavailable', `away at ${name}`);
  };
  await eraseSettled(
    options({
      live: { emptyCounters: away('emptyCounters') },
      leave: away('leave'),
      onLiveFailed: (error) => reported.push(String(error)),
    }),
  );
  expect(called).toEqual([
    ['emptyCounters', TODAY],
    ['leave', visitorNumber(visitor(2))],
  ]);
  expect(reported).toEqual(['LiveStoreError: away at emptyCounters', 'LiveStoreError: away at leave']);
  expect((await system().stores.sessions.erasures.get(id))?.completedAt).toBe(AT);
});
