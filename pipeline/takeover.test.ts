/** Several instances: what another one has taken over is counted by nobody else, however far the one before had come. */
import { describe, expect, it, vi } from 'vitest';
import { writeSome } from './exactly-once.fixture.ts';
import { at } from './faults.fixture.ts';
import { useSystem, WAIT } from './system.fixture.ts';

const system = useSystem();
const SEVERAL = 4;

/** Another instance claims every partition, as it does when they are assigned to it. */
async function takeOver(): Promise<void> {
  for (let partition = 0; partition < system().log.partitions; partition++) {
    await system().stores.sessions.claim({ partition, owner: 'another instance' });
  }
}

describe('an instance whose partitions were taken over', () => {
  it.each([
    ['before the sessions', 'sessions.applyBatch', 'before'],
    ['between the sessions and the rows', 'sessions.applyBatch', 'after'],
    ['before it has the lock', 'sessions.withLock', 'before'],
  ] as const)('%s inserts no row, and says why', async (_, call, when) => {
    const ledger = await writeSome(system());
    const late = await system().start(at(call, 1, { when, what: takeOver }));
    await late.called('sessions.checkpoint', SEVERAL);
    expect(await system().stores.raw()).toEqual([]);
    expect(late.process.callsOf('analytics.insert')).toBe(0);
    expect(late.problems()).toEqual([expect.stringMatching(/^pipeline: somebody else counts/)]);
    await late.close();

    await system().start();
    await system().counted();
    await ledger.expectCountedOnce();
  });

  it('does not count a log that ends before what was counted, which would skip its first frames', async () => {
    await writeSome(system());
    for (let partition = 0; partition < system().log.partitions; partition++) {
      await system().stores.sessions.claim({ partition, owner: 'before' });
      const range = { partition, owner: 'before', firstOffset: 0, nextOffset: 3, receivedUntil: null };
      await system().stores.sessions.applyBatch({
        ranges: [range],
        sessions: [],
        ledger: [],
        lastErasure: 0,
      });
    }
    const running = await system().start();
    await running.called('sessions.claim', SEVERAL);
    expect(running.problems()).toEqual([
      expect.stringMatching(/^pipeline: partition \d: the log ends at offset/),
    ]);
    expect(running.process.callsOf('sessions.applyBatch')).toBe(0);
  });

  it('does not count another log than the one before, also where that is longer', async () => {
    await writeSome(system());
    await system().countAll();
    const counted = await system().stores.raw();
    await system().replaceLog();
    await writeSome(system());
    await writeSome(system());
    const running = await system().start();
    await running.called('sessions.claim', SEVERAL);
    await vi.waitFor(
      () =>
        expect(running.problems()).toEqual([
          expect.stringMatching(
            /^pipeline: partition \d: the log is \S+, but the stores have counted \S+: this is not/,
          ),
        ]),
      WAIT,
    );
    expect(running.process.callsOf('sessions.applyBatch')).toBe(0);
    expect(await system().stores.raw()).toEqual(counted);
  });

  it('goes on where it is not known of which log the checkpoint is, and notes that with the next batch', async () => {
    await writeSome(system());
    const { sessions } = system().stores;
    const range = { partition: 0, owner: 'before', firstOffset: 0, nextOffset: 1, receivedUntil: null };
    await sessions.claim(range);
    await sessions.applyBatch({ ranges: [range], sessions: [], ledger: [], lastErasure: 0 });
    await system().countAll();
    const logIdentity = await system().log.identity();
    expect(await sessions.progress()).toMatchObject([
      { partition: 0, nextOffset: 2, logIdentity },
      { partition: 1, nextOffset: 2, logIdentity },
    ]);
  });

  it('while it inserts has inserted before the other one asks raw', async () => {
    const ledger = await writeSome(system());
    let other: Promise<void> | undefined;
    const late = await system().start(
      at('analytics.insert', 1, {
        when: 'before',
        what: async () => {
          await takeOver();
          const { sessions } = system().stores;
          other = sessions.withLock('ingest', 'exclusive', async () => {
            expect(await system().stores.raw()).not.toEqual([]);
          });
        },
      }),
    );
    await vi.waitFor(() => expect(other).toBeDefined(), WAIT);
    await other;
    await late.close();
    await system().start();
    await system().counted();
    await ledger.expectCountedOnce();
  });
});
