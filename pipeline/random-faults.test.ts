/** Exactly once, whatever comes: random events, random faults at random calls, processes that end at any of them. */
import { expect, it, vi } from 'vitest';
import { random } from '../clickhouse/reference.case.ts';
import type { Event } from '../contract/event.ts';
import { PIPELINE_GROUP } from '../kafka/port.ts';
import { event, MINUTE, NOW, renewedHash, uuid, visitor } from './events.fixture.ts';
import { Ledger } from './exactly-once.fixture.ts';
import { type Fault, type Faults, unavailable, unclear, unreadable } from './faults.fixture.ts';
import { type RunningPipeline, type System, useSystem, WAIT } from './system.fixture.ts';

const ROUNDS = 8;
const FRAMES_A_ROUND = 8;
const FAULT_RATE = 0.12;
const system = useSystem();
const seed = Date.now() % 2 ** 31;

/** How an event of a round goes by the secrets of its collector, and the visitor that it is to count for. */
interface Secrets {
  say(event: Event, round: number, next: () => number): Event;
  knownAs(event: Event): Event;
}

const oneSecret: Secrets = { say: (event) => event, knownAs: (event) => event };

/** Some collectors know the new secret from the fourth round on, all from the seventh, and then forget the one before. */
function changedSecret(): Secrets {
  const aliases = new Map<string, string>();
  const seen = new Set<string>();
  return {
    say(event, round, next) {
      if (round < 3 || (round < 6 && next() < 0.3)) return event;
      const visitor = renewedHash(event.visitor);
      return { ...event, visitor, ...(round < 6 && { visitor_before: event.visitor }) };
    },
    knownAs({ visitor_before, ...event }) {
      const { visitor } = event;
      if (visitor_before !== undefined && seen.has(visitor_before) && !seen.has(visitor))
        aliases.set(visitor, visitor_before);
      const known = aliases.get(visitor) ?? visitor;
      seen.add(known);
      return { ...event, visitor: known };
    },
  };
}

it.each([
  ['one secret', () => oneSecret],
  ['another secret in between', changedSecret],
])(
  `counts everything once through random faults, with %s (seed ${seed})`,
  { timeout: 120_000 },
  async (_, make) => {
    const next = random(seed);
    const secrets = make();
    const ledger = new Ledger(system(), secrets.knownAs);
    const events = randomEvents(next);
    let calm = false;
    let crashes = 0;
    const faults: Faults = (call) => (calm || next() > FAULT_RATE ? undefined : randomFault(call, next));

    let running: RunningPipeline | undefined;
    for (let round = 0; round < ROUNDS; round++) {
      for (let n = 0; n < FRAMES_A_ROUND; n++) {
        const partition = Math.floor(next() * system().log.partitions);
        const said = events(partition).map((each) => secrets.say(each, round, next));
        await ledger.append(partition, ...said);
      }
      if (running === undefined) running = await system().start(faults);
      await vi.waitFor(
        async () => expect(running?.process.dead || (await isCounted(system()))).toBe(true),
        WAIT,
      );
      if (!running.process.dead) continue;
      crashes += 1;
      await running.close();
      running = undefined;
    }
    calm = true;
    running ??= await system().start();
    await system().counted();

    await ledger.expectCountedOnce();
    expect(running.problems()).toEqual([]);
    const progress = await system().stores.sessions.progress();
    const lag = await system().log.lag(PIPELINE_GROUP);
    expect(progress.map(({ nextOffset }) => nextOffset)).toEqual(lag.map(({ end }) => end));
    expect(crashes).toBeGreaterThan(0);
  },
);

async function isCounted({ log }: System): Promise<boolean> {
  return (await log.lag(PIPELINE_GROUP)).every(({ committed, end }) => committed === end);
}

function randomFault(call: string, next: () => number): Fault | undefined {
  const when = next() < 0.5 ? 'before' : 'after';
  if (call.startsWith('live.')) return { when, what: new Error('the live store is away in a test') };
  if (call.startsWith('log.')) return call === 'log.commit' ? { when, what: 'crash' } : undefined;
  // What a pipeline reads while it starts heals by traffic.
  if (call === 'analytics.read') return { when, what: unreadable() };
  if (next() < 0.3) return { when, what: 'crash' };
  if (call === 'analytics.insert') return { when, what: unclear() };
  return { when, what: call.startsWith('analytics.') ? unreadable() : unavailable() };
}

/** Frames of a partition: its own visitors, live and of imported history, some of whom sign in, some events sent again. */
function randomEvents(next: () => number): (partition: number) => Event[] {
  const below = (n: number) => Math.floor(next() * n);
  const sent = new Map<number, Event[]>();
  let ids = 0;
  let live = NOW;
  let past = Date.parse('2026-01-25T00:00:00Z');

  function one(partition: number): Event {
    live += below(MINUTE);
    past += below(4 * 60 * MINUTE);
    const isHistory = next() < 0.25;
    const who = partition * 100 + (isHistory ? 50 : 0) + below(8);
    const before = sent.get(who) ?? [];
    const repeated = before[before.length - 1 - below(4)];
    if (repeated !== undefined && next() < 0.25) {
      return { ...repeated, received_at: live, ...(next() < 0.5 ? { late: true } : {}) };
    }
    ids += 1;
    const made = event({
      type: (['page_view', 'page_view', 'heartbeat', 'identify', 'leave'] as const)[below(5)] ?? 'page_view',
      received_at: live,
      visitor: visitor(who),
      url: `/page/${below(5)}`,
      country: ['ID', 'CA'][below(2)] ?? '',
      community_id: uuid(900 + below(2)),
      ...(isHistory ? { ts: past } : {}),
      ...(isHistory || next() < 0.8 ? { event_id: uuid(ids) } : {}),
      ...(before.length > 2 && next() < 0.3 ? { user_id: `user ${who}` } : {}),
    });
    if (made.event_id !== undefined) sent.set(who, [...before, made]);
    return made;
  }

  return (partition) => Array.from({ length: 1 + below(6) }, () => one(partition));
}
