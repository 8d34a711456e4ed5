/** Who may count a partition, and what the ledger says of what was counted. */
import { describe, expect, it } from 'vitest';
import type { LedgerEntry, OffsetRange } from './port.ts';
import { at, type ConformanceSetting, count, delta, readSession, visitor } from './session.fixture.ts';

const HOUR = 3_600_000;

export function describeOwners(setting: () => ConformanceSetting): void {
  const nextRange = () => setting().nextRange();
  const batch = (owner: string, ...ranges: OffsetRange[]) => ({
    ranges: ranges.map((range) => ({ ...range, owner, receivedUntil: null })),
    sessions: [],
    ledger: [],
    lastErasure: 0,
  });
  const fenced = { code: 'fenced', retryable: false };

  describe('a partition', () => {
    it('is counted by nobody who has not claimed it', async () => {
      const { store } = setting();
      const range = nextRange();
      await expect(store.confirm([{ ...range, owner: 'one' }])).rejects.toMatchObject(fenced);
      await expect(store.applyBatch(batch('one', range))).rejects.toMatchObject(fenced);
      expect(await store.claim({ ...range, owner: 'one' })).toBeUndefined();
      await store.confirm([{ ...range, owner: 'one' }]);
      expect(await store.checkpoint({ ...range, owner: 'one' })).toBeUndefined();
    });

    it("is its last owner's alone", async () => {
      const { store, database } = setting();
      const [taken, kept] = [nextRange(), nextRange()];
      const fingerprint = visitor();
      for (const { partition } of [taken, kept]) await store.claim({ partition, owner: 'one' });
      await store.claim({ ...taken, owner: 'two' });
      await expect(
        store.confirm([kept, taken].map((range) => ({ ...range, owner: 'one' }))),
      ).rejects.toMatchObject(fenced);
      await store.confirm([{ ...kept, owner: 'one' }]);
      const sessions = [delta(fingerprint, 0)];
      await expect(store.applyBatch({ ...batch('one', kept, taken), sessions })).rejects.toMatchObject(
        fenced,
      );
      expect(await readSession(database, fingerprint)).toBeUndefined();
      await store.applyBatch(batch('two', taken));
      await expect(store.checkpoint({ ...taken, owner: 'one' })).rejects.toMatchObject(fenced);
      expect(await store.checkpoint({ ...taken, owner: 'two' })).toEqual(taken);
      await store.applyBatch(batch('one', kept));
    });

    it('says which log the last range was of, where that was known', async () => {
      const { store } = setting();
      const range = nextRange();
      await store.claim({ ...range, owner: 'one' });
      const seen = [];
      for (const [n, logIdentity] of [undefined, 'a log', 'another', undefined].entries()) {
        const counted = { ...range, firstOffset: 10 * n, nextOffset: 10 * n + 10, logIdentity };
        await store.applyBatch(batch('one', counted));
        expect(await store.claim({ ...range, owner: 'one' })).toEqual(counted);
        const progress = await store.progress();
        seen.push(progress.find(({ partition }) => partition === range.partition)?.logIdentity);
      }
      expect(seen).toEqual([undefined, 'a log', 'another', undefined]);
    });

    it('is claimed with every batch of the owner before applied or refused, never later', async () => {
      const { store } = setting();
      for (let round = 0; round < 25; round++) {
        const range = nextRange();
        await store.claim({ ...range, owner: 'one' });
        const applying = store.applyBatch(batch('one', range)).then(
          () => true,
          () => false,
        );
        const seen = await store.claim({ ...range, owner: 'two' });
        expect(await applying).toBe(seen !== undefined);
      }
    });
  });

  describe('the ledger', () => {
    it('adds up what batches say of an hour, once a batch', async () => {
      const { store } = setting();
      const range = nextRange();
      const { partition } = range;
      const hour = Math.floor(at(0) / HOUR) * HOUR;
      const entry = (name: LedgerEntry['name'], amount: number, when = hour): LedgerEntry => {
        return { hour: when, partition, name, amount };
      };
      await store.claim({ partition, owner: 'one' });
      const first = { ...batch('one', range), ledger: [entry('accepted', 7), entry('bot', 2)] };
      await store.applyBatch(first);
      await expect(store.applyBatch(first)).rejects.toMatchObject(fenced);
      const next = { ...range, firstOffset: 10, nextOffset: 20 };
      const ledger = [entry('accepted', 5), entry('duplicate', 1), entry('accepted', 3, hour + HOUR)];
      await store.applyBatch({ ...batch('one', next), ledger });

      const own = async (from: number, to: number) =>
        (await store.ledger(from, to)).filter((each) => each.partition === partition);
      expect(await own(hour, hour + HOUR)).toEqual([
        entry('accepted', 12),
        entry('bot', 2),
        entry('duplicate', 1),
      ]);
      const later = [entry('accepted', 3, hour + HOUR)];
      expect(await own(hour + HOUR, hour + 2 * HOUR)).toEqual(later);
      await store.forgetLedgerBefore(hour + HOUR);
      expect(await own(hour, hour + 2 * HOUR)).toEqual(later);
    });

    it('says how far a partition is counted, and until when it was received, which never goes back', async () => {
      const { store } = setting();
      const range = nextRange();
      const progress = async () =>
        (await store.progress()).find(({ partition }) => partition === range.partition);
      expect(await progress()).toBeUndefined();
      await count(store, [range]);
      expect(await progress()).toEqual({ partition: range.partition, nextOffset: 10, receivedUntil: null });
      for (const [n, receivedUntil] of [at(5), at(3), null].entries()) {
        const next = { ...range, owner: 'test', firstOffset: 10 + n, nextOffset: 11 + n, receivedUntil };
        await store.applyBatch({ ranges: [next], sessions: [], ledger: [], lastErasure: 0 });
        const { partition, nextOffset } = next;
        expect(await progress()).toEqual({ partition, nextOffset, receivedUntil: at(5) });
      }
    });
  });
}
