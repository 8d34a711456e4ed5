/** Random histories in random batches against the same rules written as a plain fold. */
import fc from 'fast-check';
import type { Pool } from 'pg';
import { describe, expect, it } from 'vitest';
import type { SessionDelta } from './port.ts';
import { at, type ConformanceSetting, count, readSession, type Session, visitor } from './session.fixture.ts';

interface Hit {
  who: number;
  at: number;
  userId: string | null;
  sessionId: string;
}

const RUNS = 40;
const VISITORS = 3;

const hit = fc.record({
  who: fc.nat(VISITORS - 1),
  at: fc.nat(600).map(at),
  userId: fc.constantFrom(null, null, 'ann', 'bob'),
  sessionId: fc.constantFrom('', 'tab 1', 'tab 2', 'tab 3'),
});
const history = fc.array(hit, { minLength: 1, maxLength: 30 });
const cuts = fc.array(fc.nat(29), { maxLength: 8 });

export function describeRandomHistories(setting: () => ConformanceSetting): void {
  describe('any history of visits', () => {
    it('is folded as the rules say, in whatever order its batches come', async () => {
      const { store, database, nextRange, sessionTimeoutMs } = setting();
      await check(history, async (hits, splits) => {
        const names = newVisitors();
        const expected = new Map<string, Session>();
        for (const batch of split(hits, splits)) {
          const deltas = deltasOf(batch, names);
          await count(store, [nextRange()], deltas);
          for (const each of deltas) {
            expected.set(each.fingerprint, fold(expected.get(each.fingerprint), each, sessionTimeoutMs));
          }
        }
        await expectSessions(database, names, expected);
      });
    });

    it('gives the same users, times, page views and conversions however it is cut into batches', async () => {
      const { store, database, nextRange } = setting();
      const inOrder = history.map((hits) => hits.toSorted((a, b) => a.at - b.at));
      await check(inOrder, async (hits, splits) => {
        const names = newVisitors();
        for (const batch of split(hits, splits)) {
          await count(store, [nextRange()], deltasOf(batch, names));
        }
        for (const [who, fingerprint] of names.entries()) {
          const own = hits.filter((each) => each.who === who);
          const { sessionId: _, ...session } = {
            sessionId: '',
            ...(await readSession(database, fingerprint)),
          };
          expect(session).toEqual(own.length === 0 ? {} : { fingerprint, ...told(own) });
        }
      });
    });
  });
}

async function check(
  histories: fc.Arbitrary<Hit[]>,
  holds: (hits: Hit[], splits: number[]) => Promise<void>,
): Promise<void> {
  // A failure prints the seed and the smallest history that shows it.
  await fc.assert(fc.asyncProperty(histories, cuts, holds), { numRuns: RUNS });
}

function newVisitors(): string[] {
  return Array.from({ length: VISITORS }, visitor);
}

function split(hits: Hit[], at: number[]): Hit[][] {
  const places = [0, ...new Set(at.filter((place) => place > 0 && place < hits.length))];
  places.sort((a, b) => a - b);
  return places.map((place, index) => hits.slice(place, places[index + 1]));
}

function deltasOf(batch: Hit[], names: string[]): SessionDelta[] {
  return names.flatMap((fingerprint, who) => {
    const hits = batch.filter((each) => each.who === who).toSorted((a, b) => a.at - b.at);
    const { at: firstSeen, userId: firstUser } = hits[0] ?? {};
    if (firstSeen === undefined) return [];
    return {
      fingerprint,
      firstSeen,
      lastSeen: Math.max(...hits.map(({ at }) => at)),
      pageViews: hits.length,
      sessionId: hits.findLast(({ sessionId }) => sessionId !== '')?.sessionId ?? '',
      userId: hits.findLast(({ userId }) => userId !== null)?.userId ?? null,
      firstSignedInAt: hits.find(({ userId }) => userId !== null)?.at ?? null,
      beganAnonymous: firstUser === null,
    };
  });
}

/** The rules of the upsert, one visitor and one batch at a time. */
function fold(session: Session | undefined, says: SessionDelta, sessionTimeoutMs: number): Session {
  const { fingerprint, firstSeen, lastSeen, pageViews, sessionId, userId } = says;
  if (session === undefined) {
    const convertedAt = says.beganAnonymous ? says.firstSignedInAt : null;
    return { fingerprint, sessionId, userId, firstSeen, lastSeen, pageViews, convertedAt };
  }
  const isNewVisit = session.sessionId === '' || firstSeen - session.lastSeen > sessionTimeoutMs;
  return {
    fingerprint,
    sessionId: sessionId !== '' && isNewVisit ? sessionId : session.sessionId,
    userId: userId ?? session.userId,
    firstSeen: Math.min(session.firstSeen, firstSeen),
    lastSeen: Math.max(session.lastSeen, lastSeen),
    pageViews: session.pageViews + pageViews,
    convertedAt: session.convertedAt ?? conversion(session, says),
  };
}

function conversion(session: Session, says: SessionDelta): number | null {
  if (session.userId === null) return says.firstSignedInAt;
  const cameBefore = says.beganAnonymous && says.firstSeen < session.firstSeen;
  return cameBefore ? (says.firstSignedInAt ?? session.firstSeen) : null;
}

/** What a history in the order of time says of one visitor, batches or not. */
function told(hits: Hit[]): Omit<Session, 'fingerprint' | 'sessionId'> {
  const signedIn = hits.filter(({ userId }) => userId !== null);
  return {
    userId: signedIn.at(-1)?.userId ?? null,
    firstSeen: Math.min(...hits.map(({ at }) => at)),
    lastSeen: Math.max(...hits.map(({ at }) => at)),
    pageViews: hits.length,
    convertedAt: hits[0]?.userId === null ? (signedIn[0]?.at ?? null) : null,
  };
}

async function expectSessions(
  database: Pool,
  names: string[],
  expected: Map<string, Session>,
): Promise<void> {
  for (const fingerprint of names) {
    expect(await readSession(database, fingerprint)).toEqual(expected.get(fingerprint));
  }
}
