/** Exactly once: the process ends at every point of a commit, one law each. */
import { describe, expect, it } from 'vitest';
import { event, MINUTE, NOW, uuid, visitor } from './events.fixture.ts';
import { writeSome } from './exactly-once.fixture.ts';
import { at, type Fault, type Faults } from './faults.fixture.ts';
import { useSystem } from './system.fixture.ts';

const system = useSystem();
const before: Fault = { when: 'before', what: 'crash' };
const after: Fault = { when: 'after', what: 'crash' };
const FEBRUARY = Date.parse('2026-02-28T23:59:00Z');

describe('a crash', () => {
  it.each<[string, Faults]>([
    ['before the sessions', at('sessions.applyBatch', 1, before)],
    ['between the sessions and the rows', at('sessions.applyBatch', 1, after)],
    ['between the rows and the commit of the offset', at('analytics.insert', 1, after)],
    ['just before the commit of the offset', at('log.commit', 1, before)],
  ])('%s counts everything once', async (_, faults) => {
    const ledger = await writeSome(system());
    await (await system().start(faults)).crashed();
    await ledger.append(0, event({ visitor: visitor(2), event_id: uuid(9), received_at: NOW + 2 * MINUTE }));
    const again = await system().start();
    await system().counted();
    await ledger.expectCountedOnce();
    expect(again.problems()).toEqual([]);
  });

  it('between one month and the next counts everything once', async () => {
    const ledger = await writeSome(system(), FEBRUARY);
    await (await system().start(at('analytics.insert', 1, after))).crashed();
    await system().start();
    await system().counted();
    await ledger.expectCountedOnce();
  });

  it('between raw and its views leaves views that are made again from raw', async () => {
    const ledger = await writeSome(system(), FEBRUARY);
    await (await system().start(at('analytics.insert', 2, after))).crashed();
    await system().stores.loseViews();
    await system().start();
    await system().counted();
    await ledger.expectCountedOnce();
  });

  it('and another one, the second in what came after the first, count everything once', async () => {
    const ledger = await writeSome(system());
    await (await system().start(at('sessions.applyBatch', 1, after))).crashed();
    for (const partition of [0, 1]) {
      await ledger.append(partition, event({ visitor: visitor(60 + partition), event_id: uuid(60) }));
    }
    await (await system().start(at('sessions.applyBatch', 1, after))).crashed();
    await system().start();
    await system().counted();
    await ledger.expectCountedOnce();
  });

  it('while what it left is being settled counts everything once', async () => {
    const ledger = await writeSome(system());
    await (await system().start(at('sessions.applyBatch', 1, after))).crashed();
    await (await system().start(at('analytics.stored', 2, after))).crashed();
    await (await system().start(at('analytics.insert', 1, after))).crashed();
    await (await system().start(at('analytics.rebuildDays', 1, before))).crashed();
    await system().start();
    await system().counted();
    await ledger.expectCountedOnce();
  });
});
