/** What every engine of the session store has to pass. Instants differ from test to test, since all share one store. */
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeErasures } from './conformance-erasures.case.ts';
import { describeLocks } from './conformance-locks.case.ts';
import { describeOwners } from './conformance-owners.case.ts';
import { describeRandomHistories } from './conformance-random.case.ts';
import { describeSessions } from './conformance-sessions.case.ts';
import { describeVisitors } from './conformance-visitors.case.ts';
import { openSessions } from './open.ts';
import type { Community, Division, SessionDelta, SessionStore } from './port.ts';
import { checkpoint, count, delta, readSession, visitor } from './session.fixture.ts';

interface Engine {
  /** Of an empty session store. */
  url: string;
  /** A look at its tables. */
  database: Pool;
  stop(): Promise<void>;
}

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const DAY = 24 * HOUR;
const SESSION_TIMEOUT = HOUR;

export function describeSessionStore(name: string, start: () => Promise<Engine>): void {
  describe(`session store: ${name}`, () => {
    let engine: Engine;
    let store: SessionStore;
    let partition = 0;

    beforeAll(async () => {
      engine = await start();
      store = await openSessions(engine.url, { sessionTimeoutMs: SESSION_TIMEOUT });
    });
    afterAll(async () => {
      await store?.close();
      await engine?.stop();
    });

    const nextRange = () => ({ partition: partition++, firstOffset: 0, nextOffset: 10 });
    const apply = (...deltas: SessionDelta[]) => count(store, [nextRange()], deltas);
    const read = (fingerprint: string) => readSession(engine.database, fingerprint);
    const setting = () => ({
      store,
      database: engine.database,
      nextRange,
      sessionTimeoutMs: SESSION_TIMEOUT,
    });

    describe('checkpoints', () => {
      it('are undefined before the first batch and then the last range', async () => {
        const range = nextRange();
        expect(await checkpoint(store, range)).toBeUndefined();
        await count(store, [range], []);
        expect(await checkpoint(store, range)).toEqual(range);
        const next = { ...range, firstOffset: 10, nextOffset: 2 ** 52 };
        await count(store, [next], []);
        expect(await checkpoint(store, range)).toEqual(next);
      });

      it('may leave out offsets that the log no longer has', async () => {
        const range = nextRange();
        await count(store, [range], []);
        const later = { ...range, firstOffset: 500, nextOffset: 501 };
        await count(store, [later], []);
        expect(await checkpoint(store, range)).toEqual(later);
      });

      it('fence a batch whose range has been counted, in full or in part', async () => {
        const range = nextRange();
        const fingerprint = visitor();
        await count(store, [range], [delta(fingerprint, 0)]);
        for (const firstOffset of [0, 9]) {
          await expect(
            count(store, [{ ...range, firstOffset, nextOffset: 20 }], [delta(fingerprint, 1)]),
          ).rejects.toMatchObject({ code: 'fenced', retryable: false });
        }
        expect(await checkpoint(store, range)).toEqual(range);
        expect(await read(fingerprint)).toMatchObject({ pageViews: 1 });
      });

      it('move together or not at all when one of the ranges is fenced', async () => {
        const [counted, fresh] = [nextRange(), nextRange()];
        const fingerprint = visitor();
        await count(store, [counted], []);
        await expect(count(store, [fresh, counted], [delta(fingerprint, 0)])).rejects.toMatchObject({
          code: 'fenced',
        });
        expect(await checkpoint(store, fresh)).toBeUndefined();
        expect(await read(fingerprint)).toBeUndefined();
      });

      it('let exactly one of several instances count a range', async () => {
        const range = nextRange();
        const fingerprint = visitor();
        const outcomes = await Promise.allSettled(
          Array.from({ length: 8 }, () => count(store, [range], [delta(fingerprint, 0)])),
        );
        expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        expect(await read(fingerprint)).toMatchObject({ pageViews: 1 });
      });

      it('refuse a range that is empty, and a partition that stands in one batch twice', async () => {
        const range = nextRange();
        const invalid = { code: 'invalid', retryable: false };
        await expect(count(store, [{ ...range, nextOffset: 0 }], [])).rejects.toMatchObject(invalid);
        await expect(count(store, [range, range], [])).rejects.toMatchObject(invalid);
        expect(await checkpoint(store, range)).toBeUndefined();
      });
    });

    describe('the conversions of a range', () => {
      const noon = Date.UTC(2001, 5, 15, 12);

      it('are none in an empty range', async () => {
        expect(await store.conversions(0, 1, 'UTC')).toEqual({
          conversions: 0,
          anonymousSessions: 0,
          meanSecondsToConversion: 0,
          byDay: [],
        });
      });

      it('are counted by instant, averaged in seconds and told apart by day of the zone', async () => {
        const converts = (first: number, at: number) =>
          delta(visitor(), 0, { firstSeen: first, lastSeen: at, userId: 'ann', firstSignedInAt: at });
        const tokyoMidnight = Date.UTC(2001, 5, 15, 15);
        await apply(
          converts(noon, noon + 10 * SECOND),
          converts(noon, tokyoMidnight),
          converts(noon - DAY, noon + 21 * SECOND),
          converts(noon, noon + DAY),
          delta(visitor(), 0, { firstSeen: noon, lastSeen: noon }),
          delta(visitor(), 0, {
            firstSeen: noon,
            lastSeen: noon,
            userId: 'bob',
            firstSignedInAt: noon,
            beganAnonymous: false,
          }),
        );
        const mean = (10 + 3 * 3_600 + 86_400 + 21) / 3;
        const summary = await store.conversions(noon, noon + DAY, 'UTC');
        expect(summary).toMatchObject({ conversions: 3, anonymousSessions: 4 });
        expect(summary.meanSecondsToConversion).toBeCloseTo(mean, 6);
        expect(summary.byDay).toEqual([{ day: '2001-06-15', conversions: 3 }]);
        expect((await store.conversions(noon, noon + DAY, 'Asia/Tokyo')).byDay).toEqual([
          { day: '2001-06-15', conversions: 2 },
          { day: '2001-06-16', conversions: 1 },
        ]);
      });

      it('are refused in a zone that nobody knows', async () => {
        await expect(store.conversions(noon, noon + DAY, 'Mars/Olympus')).rejects.toMatchObject({
          code: 'invalid',
        });
      });
    });

    describe('reference data', () => {
      const country: Division = {
        id: uuid(1),
        name: 'Canada',
        type: 'country',
        parentId: null,
        country: 'CA',
      };
      const city: Division = { id: uuid(2), name: 'Laval', type: 'city', parentId: uuid(1), country: 'CA' };
      const community: Community = { id: uuid(9), name: 'Chess', divisionId: uuid(2) };

      it('is saved, children before parents too, and replaced by id', async () => {
        await store.saveDivisions([city, country]);
        await store.saveCommunities([community]);
        expect(await store.divisions()).toEqual([country, city]);
        expect(await store.communities()).toEqual([community]);
        await store.saveDivisions([{ ...city, name: 'Ville de Laval' }]);
        await store.saveCommunities([{ ...community, divisionId: null }]);
        expect(await store.divisions()).toContainEqual({ ...city, name: 'Ville de Laval' });
        expect(await store.communities()).toEqual([{ ...community, divisionId: null }]);
      });

      it('is taken in full or not at all', async () => {
        const before = [await store.divisions(), await store.communities()];
        const orphan = { ...city, id: uuid(3), parentId: uuid(404) };
        const invalid = { code: 'invalid', retryable: false };
        await expect(store.saveDivisions([{ ...city, id: uuid(4) }, orphan])).rejects.toMatchObject(invalid);
        await expect(
          store.saveCommunities([
            { ...community, id: uuid(8) },
            { ...community, id: uuid(7), divisionId: uuid(404) },
          ]),
        ).rejects.toMatchObject(invalid);
        expect([await store.divisions(), await store.communities()]).toEqual(before);
      });
    });

    it('deletes the sessions that were last seen before an instant, and no other', async () => {
      const [idle, active] = [visitor(), visitor()];
      await apply(
        delta(idle, 0, { firstSeen: DAY, lastSeen: 2 * DAY - 1 }),
        delta(active, 0, { firstSeen: DAY, lastSeen: 2 * DAY }),
      );
      expect(await store.deleteSessionsIdleSince(2 * DAY)).toBe(1);
      expect(await store.deleteSessionsIdleSince(2 * DAY)).toBe(0);
      expect(await read(idle)).toBeUndefined();
      expect(await read(active)).toBeDefined();
    });

    it('has one salt a day, whoever asks first, until it is destroyed', async () => {
      const salts = await Promise.all(Array.from({ length: 8 }, () => store.visitorSalt('2026-03-10')));
      expect(new Set(salts).size).toBe(1);
      expect(salts[0]).toMatch(/^[\w-]{43}$/);
      const yesterday = await store.visitorSalt('2026-03-09');
      expect(await store.visitorSalts()).toEqual([salts[0], yesterday]);
      expect(await store.destroySaltsBefore('2026-03-10')).toBe(1);
      expect(await store.destroySaltsBefore('2026-03-10')).toBe(0);
      expect(await store.visitorSalts()).toEqual([salts[0]]);
      expect(await store.visitorSalt('2026-03-09')).not.toBe(yesterday);
    });

    it('opens several times at once, and refuses calls after it was closed', async () => {
      const stores = await Promise.all(
        [1, 2, 3].map(() => openSessions(engine.url, { sessionTimeoutMs: SESSION_TIMEOUT })),
      );
      await Promise.all(stores.map((each) => each.ping()));
      await Promise.all(stores.map((each) => each.close()));
      await expect(stores[0]?.ping()).rejects.toMatchObject({ code: 'failed', retryable: false });
      await stores[0]?.close();
      await store.ping();
    });

    describeLocks(() => engine.url);
    describeOwners(setting);
    describeSessions(setting);
    describeRandomHistories(setting);
    describeVisitors(setting);
    describeErasures(setting);
  });
}

function uuid(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}
