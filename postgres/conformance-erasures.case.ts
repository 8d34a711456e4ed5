/** Erasures: whose sessions go, what batches have to know of it, and what stays on record. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Found, Subjects } from './port.ts';
import { type ConformanceSetting, count, delta, readSession, visitor } from './session.fixture.ts';

const AT = Date.UTC(2025, 3, 1, 12);
const HOUR = 3_600_000;
const keyOf = (fingerprint: string) => fingerprint.slice(0, 16);

/** Last of all: batches after it have to know of erasures. */
export function describeErasures(setting: () => ConformanceSetting): void {
  const begin = (subjects: Partial<Subjects>, id = randomUUID(), requestedAt = AT) =>
    setting().store.erasures.begin({
      id,
      kind: subjects.userId === undefined ? 'visitor' : 'user',
      requestedBy: 'an admin',
      requestedAt,
      visitors: [],
      userId: null,
      ...subjects,
    });

  describe('an erasure', () => {
    it('deletes the sessions of visitors and of a user, and no other', async () => {
      const { store, database, nextRange } = setting();
      const [one, another, ofUser, other] = [visitor(), visitor(), visitor(), visitor()];
      const signedIn = { userId: 'erased user', firstSignedInAt: AT, beganAnonymous: false };
      await count(
        store,
        [nextRange()],
        [delta(one, 0), delta(another, 0), delta(ofUser, 0, signedIn), delta(other, 0)],
      );
      const erasure = await begin({ visitors: [keyOf(one), keyOf(another)], userId: 'erased user' });
      expect(erasure).toMatchObject({ sessions: 3, kind: 'user', requestedAt: AT, completedAt: null });
      for (const gone of [one, another, ofUser]) expect(await readSession(database, gone)).toBeUndefined();
      expect(await readSession(database, other)).toBeDefined();
      const { last, erased } = await store.erasures.known();
      expect(last).toBe(erasure.number);
      expect(new Set(erased.at(-1)?.visitors)).toEqual(new Set([one, another, ofUser].map(keyOf)));
    });

    it('knows how far each partition was counted', async () => {
      const { store, nextRange } = setting();
      const range = nextRange();
      await count(store, [range]);
      await begin({ visitors: [keyOf(visitor())] });
      const { erased } = await store.erasures.known();
      expect(erased.at(-1)?.counted.get(range.partition)).toBe(range.nextOffset);
      expect(erased.at(-1)?.requestedAt).toBe(AT);
    });

    it('refuses batches that do not know of it, and nothing of them counts', async () => {
      const { store, database, nextRange } = setting();
      const fingerprint = visitor();
      const range = { ...nextRange(), owner: 'test', receivedUntil: null };
      await store.claim({ partition: range.partition, owner: 'test' });
      const { last } = await store.erasures.known();
      await begin({ visitors: [keyOf(fingerprint)] });
      const batch = { ranges: [range], sessions: [delta(fingerprint, 0)], ledger: [] };
      await expect(store.applyBatch({ ...batch, lastErasure: last })).rejects.toMatchObject({
        code: 'outdated',
        retryable: false,
      });
      expect(await readSession(database, fingerprint)).toBeUndefined();
      await store.applyBatch({ ...batch, lastErasure: last + 1 });
      expect(await readSession(database, fingerprint)).toBeDefined();
    });

    it('that begins while batches are written leaves no session of what came before it', async () => {
      const { store, database, nextRange } = setting();
      const fingerprint = visitor();
      const ranges = Array.from({ length: 20 }, () => ({
        ...nextRange(),
        owner: 'test',
        receivedUntil: null,
      }));
      for (const { partition } of ranges) await store.claim({ partition, owner: 'test' });
      const { last } = await store.erasures.known();
      const outcomes = ranges.map((range) =>
        store
          .applyBatch({ ranges: [range], sessions: [delta(fingerprint, 0)], ledger: [], lastErasure: last })
          .then(
            () => 'applied',
            ({ code }: { code: string }) => code,
          ),
      );
      await outcomes[0];
      const [, , ...more] = await Promise.all([
        begin({ visitors: [keyOf(fingerprint)] }),
        begin({ visitors: [keyOf(visitor())] }),
        ...outcomes,
      ]);
      for (const outcome of more) expect(['applied', 'outdated']).toContain(outcome);
      expect(await outcomes[0]).toBe('applied');
      expect(await readSession(database, fingerprint)).toBeUndefined();
    });

    it('is unfinished until it has a receipt, which stays when it is forgotten whose it was', async () => {
      const { store } = setting();
      const subjects = { visitors: [keyOf(visitor())], userId: 'o\'user "quoted"' };
      const { id } = await begin(subjects);
      const unfinished = async () => (await store.erasures.unfinished()).find((each) => each.id === id);
      expect(await unfinished()).toMatchObject({ ...subjects, found: null });
      await store.erasures.complete(id, { raw_events: 3 }, AT + HOUR);
      await store.erasures.complete(id, { raw_events: 4 }, AT + 2 * HOUR);
      expect(await unfinished()).toBeUndefined();
      const isKnown = async () =>
        (await store.erasures.known()).erased.some(({ userId }) => userId === subjects.userId);
      await store.erasures.forgetSubjectsBefore(AT + HOUR);
      expect(await isKnown()).toBe(true);
      await store.erasures.forgetSubjectsBefore(AT + HOUR + 1);
      expect(await isKnown()).toBe(false);
      const receipt = { id, receipt: { raw_events: 3 }, completedAt: AT + HOUR, requestedBy: 'an admin' };
      expect(await store.erasures.get(id)).toMatchObject(receipt);
      expect((await store.erasures.list(1_000)).find((each) => each.id === id)).toMatchObject(receipt);
      expect(await store.erasures.list(1)).toHaveLength(1);
      expect(await store.erasures.get(randomUUID())).toBeUndefined();
    });

    it('adds what raw had to the ledger once', async () => {
      const { store, nextRange } = setting();
      const { partition } = nextRange();
      const { id } = await begin({ visitors: [keyOf(visitor())] });
      const found: Found = {
        events: 5,
        days: ['2025-04-01'],
        hours: [
          { hour: AT, partition, events: 2 },
          { hour: AT - HOUR, partition, events: 3 },
        ],
      };
      await store.erasures.noteFound(id, found);
      await store.erasures.noteFound(id, { ...found, events: 9 });
      expect((await store.erasures.unfinished()).find((each) => each.id === id)?.found).toEqual(found);
      const entries = (await store.ledger(AT - HOUR, AT + HOUR)).filter(
        (each) => each.partition === partition,
      );
      expect(entries.map(({ name, amount }) => [name, amount]).sort()).toEqual([
        ['erased', 2],
        ['erased', 3],
      ]);
    });

    it('leaves others to be listed', async () => {
      const { store, nextRange } = setting();
      const fingerprint = visitor();
      const signedIn = { userId: 'a listed user', firstSignedInAt: AT, sessionId: 'tab' };
      await count(store, [nextRange()], [delta(fingerprint, 0, signedIn), delta(visitor(), 0)]);
      const expected = [
        expect.objectContaining({ fingerprint, userId: 'a listed user', sessionId: 'tab', pageViews: 1 }),
      ];
      const { erasures } = store;
      expect(await erasures.sessionsOf({ visitors: [], userId: 'a listed user' })).toEqual(expected);
      expect(await erasures.sessionsOf({ visitors: [keyOf(fingerprint)], userId: null })).toEqual(expected);
      expect(await erasures.sessionsOf({ visitors: [], userId: null })).toEqual([]);
    });
  });
}
