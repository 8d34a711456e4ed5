/** Visitors who are known by another hash than the one that they have now. */
import { describe, expect, it } from 'vitest';
import { type ConformanceSetting, count, delta, readSession, visitor } from './session.fixture.ts';

export function describeVisitors(setting: () => ConformanceSetting): void {
  const nobody = { knownAs: null, either: null };
  const noteAlias = async (of: string, knownAs: string) => {
    const { store, nextRange } = setting();
    const range = { ...nextRange(), owner: 'test', receivedUntil: null };
    await store.claim(range);
    const { last: lastErasure } = await store.erasures.known();
    const aliases = [{ visitor: of, knownAs }];
    await store.applyBatch({
      ranges: [range],
      sessions: [delta(knownAs, 0)],
      aliases,
      ledger: [],
      lastErasure,
    });
  };

  describe('a visitor with two hashes', () => {
    it('is looked for by either, and by what the one before is known as', async () => {
      const { store, nextRange } = setting();
      const [first, second, third, stranger] = [visitor(), visitor(), visitor(), visitor()];
      await count(store, [nextRange()], [delta(first, 0)]);
      expect(
        await store.lookUp([
          { visitor: first, before: null },
          { visitor: first, before: stranger },
          { visitor: second, before: first },
          { visitor: stranger, before: second },
        ]),
      ).toEqual([
        { ...nobody, visitor: first },
        {
          ...nobody,
          visitor: first,
          either: { hasSession: true, before: stranger, beforeHasSession: false },
        },
        { ...nobody, visitor: second, either: { hasSession: false, before: first, beforeHasSession: true } },
        {
          ...nobody,
          visitor: stranger,
          either: { hasSession: false, before: second, beforeHasSession: false },
        },
      ]);
      await noteAlias(second, first);
      expect(await store.hasAliases()).toBe(true);
      expect(
        await store.lookUp([
          { visitor: second, before: null },
          { visitor: second, before: first },
          { visitor: third, before: second },
        ]),
      ).toEqual([
        { ...nobody, visitor: second, knownAs: first },
        { ...nobody, visitor: second, knownAs: first },
        { ...nobody, visitor: third, either: { hasSession: false, before: first, beforeHasSession: true } },
      ]);
    });

    it('stays what it was known as first', async () => {
      const [first, other, second] = [visitor(), visitor(), visitor()];
      await noteAlias(second, first);
      await noteAlias(second, other);
      expect(await setting().store.lookUp([{ visitor: second, before: null }])).toMatchObject([
        { knownAs: first },
      ]);
    });

    it('has no alias any more when its session was idle for too long', async () => {
      const { store } = setting();
      const [first, second, other, kept] = [visitor(), visitor(), visitor(), visitor()];
      await noteAlias(second, first);
      await noteAlias(kept, other);
      await count(store, [setting().nextRange()], [delta(other, 0, { lastSeen: Date.UTC(2100, 0, 1) })]);
      await store.deleteSessionsIdleSince(Date.UTC(2099, 0, 1));
      const asked = [second, kept].map((each) => ({ visitor: each, before: null }));
      expect((await store.lookUp(asked)).map(({ knownAs }) => knownAs)).toEqual([null, other]);
    });

    it('is erased, and listed, by each', async () => {
      const { store, database } = setting();
      const [first, second] = [visitor(), visitor()];
      await noteAlias(second, first);
      const keys = [first, second].map((hash) => hash.slice(0, 16));
      const subjects = { visitors: keys.slice(1), userId: null };
      expect(await store.erasures.sessionsOf(subjects)).toMatchObject([{ fingerprint: first }]);
      await store.erasures.begin({
        ...{ id: crypto.randomUUID(), kind: 'visitor', requestedBy: 'an admin', requestedAt: 0 },
        ...subjects,
      });
      expect(await readSession(database, first)).toBeUndefined();
      expect(new Set((await store.erasures.known()).erased.at(-1)?.visitors)).toEqual(new Set(keys));
      expect(await store.lookUp([{ visitor: second, before: null }])).toEqual([
        { ...nobody, visitor: second },
      ]);
    });
  });
}
