/** Exactly once: a fault at every call of a commit, one law each. */
import { describe, expect, it } from 'vitest';
import { AnalyticsStoreError } from '../clickhouse/port.ts';
import { event, uuid, visitor } from './events.fixture.ts';
import { writeSome } from './exactly-once.fixture.ts';
import { at, type Fault, type Faults, unavailable, unclear, unreadable } from './faults.fixture.ts';
import { type RunningPipeline, useSystem } from './system.fixture.ts';

const system = useSystem();
const after: Fault = { when: 'after', what: 'crash' };
const FEBRUARY = Date.parse('2026-02-28T23:59:00Z');

async function countWith(faults: Faults, history?: number): Promise<RunningPipeline> {
  const ledger = await writeSome(system(), history);
  const running = await system().start(faults);
  await system().counted();
  await ledger.expectCountedOnce();
  return running;
}

describe('an answer of the analytics store that was lost', () => {
  it('makes nothing count twice when the rows had been inserted', async () => {
    const running = await countWith(at('analytics.insert', 1, { when: 'after', what: unclear() }));
    expect(await running.metric('footfall_store_retries_total', { store: 'analytics' })).toBe(1);
    expect(running.problems()).toEqual([]);
  });

  it('loses nothing when no row had been inserted', async () => {
    await countWith(at('analytics.insert', 1, { when: 'before', what: unclear() }));
  });

  it('neither loses nor repeats a month when it was that of the second', async () => {
    await countWith(at('analytics.insert', 2, { when: 'before', what: unclear() }), FEBRUARY);
  });

  it('is settled again when settling fails as well', async () => {
    await countWith((call, nth) => {
      if (nth > 1) return undefined;
      if (call === 'analytics.insert') return { when: 'before', what: unclear() };
      if (call === 'analytics.stored') return { when: 'before', what: unreadable() };
      return call === 'analytics.rebuildDays' ? { when: 'after', what: unreadable() } : undefined;
    });
  });
});

describe('a store that is away', () => {
  it('makes the pipeline wait, which it says, and then count', async () => {
    const ledger = await writeSome(system());
    let away = true;
    const running = await system().start((call) =>
      away && call === 'sessions.applyBatch' ? { when: 'before', what: unavailable() } : undefined,
    );
    await running.called('sessions.applyBatch', 3);
    expect(running.problems()).toEqual(['sessions: sessions are away in a test']);
    expect(await system().stores.raw()).toEqual([]);
    away = false;
    await system().counted();
    expect(running.problems()).toEqual([]);
    await ledger.expectCountedOnce();
  });

  it.each(['sessions.divisions', 'sessions.checkpoint', 'sessions.withLock'])(
    'delays the count and changes nothing when %s fails',
    async (call) => {
      await countWith((name, nth) =>
        name === call && nth === 1 ? { when: 'before', what: unavailable() } : undefined,
      );
    },
  );

  it.each(['analytics.recentEventIds', 'analytics.knownEventIds'])(
    'delays the count and changes nothing when a step reads in vain, by %s',
    async (call) => {
      await countWith((name, nth) =>
        name === call && nth === 1 ? { when: 'before', what: unreadable() } : undefined,
      );
    },
  );
});

describe('a COMMIT whose answer was lost', () => {
  it('counts the sessions once', async () => {
    await countWith(at('sessions.applyBatch', 1, { when: 'after', what: unavailable() }));
  });

  it('loses no row, also where the batch had begun with what a crash left', async () => {
    const ledger = await writeSome(system());
    const first = await system().start(at('sessions.applyBatch', 1, { when: 'after', what: 'crash' }));
    await first.crashed();
    for (const partition of [0, 1]) {
      await ledger.append(partition, event({ visitor: visitor(50 + partition), event_id: uuid(50) }));
    }
    await system().start(at('sessions.applyBatch', 1, { when: 'after', what: unavailable() }));
    await system().counted();
    await ledger.expectCountedOnce();
  });
});

describe('a refusal', () => {
  it('of what came after a crash counts everything once when it is taken after all', async () => {
    const ledger = await writeSome(system());
    await (await system().start(at('sessions.applyBatch', 1, after))).crashed();
    for (const partition of [0, 1]) {
      await ledger.append(partition, event({ visitor: visitor(70 + partition), event_id: uuid(70) }));
    }
    // What the crash left is settled first, then comes what is new.
    const refused = new AnalyticsStoreError('failed', 'refused in a test');
    const running = await system().start(at('analytics.insert', 2, { when: 'before', what: refused }));
    await system().counted();
    await ledger.expectCountedOnce();
    expect(running.problems()).toEqual([]);
  });
});
