/** What becomes of a session, rule by rule. */
import { describe, expect, it } from 'vitest';
import type { SessionDelta } from './port.ts';
import { at, type ConformanceSetting, count, delta, readSession, visitor } from './session.fixture.ts';

export function describeSessions(setting: () => ConformanceSetting): void {
  const apply = (...deltas: SessionDelta[]) => count(setting().store, [setting().nextRange()], deltas);
  const read = (fingerprint: string) => readSession(setting().database, fingerprint);

  describe('a session', () => {
    it('is what the first batch says of its visitor', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 5, { lastSeen: at(9), pageViews: 3, sessionId: 'tab', userId: null }));
      expect(await read(fingerprint)).toEqual({
        fingerprint,
        sessionId: 'tab',
        userId: null,
        firstSeen: at(5),
        lastSeen: at(9),
        pageViews: 3,
        convertedAt: null,
      });
    });

    it('keeps milliseconds exactly', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 0, { firstSeen: 1_735_689_600_001, lastSeen: 1_735_689_600_999 }));
      expect(await read(fingerprint)).toMatchObject({
        firstSeen: 1_735_689_600_001,
        lastSeen: 1_735_689_600_999,
      });
    });

    it('adds page views and widens first and last seen, also towards the past', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 50, { lastSeen: at(60), pageViews: 2 }));
      await apply(delta(fingerprint, 55, { lastSeen: at(58), pageViews: 3 }));
      expect(await read(fingerprint)).toMatchObject({ firstSeen: at(50), lastSeen: at(60), pageViews: 5 });
      await apply(delta(fingerprint, 10, { lastSeen: at(70), pageViews: 4 }));
      expect(await read(fingerprint)).toMatchObject({ firstSeen: at(10), lastSeen: at(70), pageViews: 9 });
    });

    it('takes a new user and never forgets one', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 0, { userId: 'ann', firstSignedInAt: at(0), beganAnonymous: false }));
      await apply(delta(fingerprint, 1));
      expect(await read(fingerprint)).toMatchObject({ userId: 'ann' });
      await apply(delta(fingerprint, 2, { userId: 'bob', firstSignedInAt: at(2), beganAnonymous: false }));
      expect(await read(fingerprint)).toMatchObject({ userId: 'bob' });
    });

    it('keeps its session id while the visitor stays active', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 0, { sessionId: 'first' }));
      await apply(
        delta(fingerprint, 0, { firstSeen: at(0) + setting().sessionTimeoutMs, sessionId: 'second' }),
      );
      expect(await read(fingerprint)).toMatchObject({ sessionId: 'first' });
    });

    it('replaces its session id after more silence than the timeout', async () => {
      const fingerprint = visitor();
      const later = at(0) + setting().sessionTimeoutMs + 1;
      await apply(delta(fingerprint, 0, { sessionId: 'first' }));
      await apply(delta(fingerprint, 0, { firstSeen: later, lastSeen: later, sessionId: 'second' }));
      expect(await read(fingerprint)).toMatchObject({ sessionId: 'second' });
    });

    it('fills an empty session id and never replaces one with an empty one', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 0));
      await apply(delta(fingerprint, 1, { sessionId: 'named' }));
      expect(await read(fingerprint)).toMatchObject({ sessionId: 'named' });
      const later = at(1) + setting().sessionTimeoutMs + 1;
      await apply(delta(fingerprint, 0, { firstSeen: later, lastSeen: later }));
      expect(await read(fingerprint)).toMatchObject({ sessionId: 'named' });
    });

    it('takes identifiers that are too long or hold NUL instead of blocking a partition', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 0, { sessionId: `a\0b${'👩'.repeat(80)}`, userId: 'u'.repeat(99) }));
      expect(await read(fingerprint)).toMatchObject({
        sessionId: `ab${'👩'.repeat(62)}`,
        userId: 'u'.repeat(64),
      });
    });

    it('is refused when the batch names its visitor twice', async () => {
      const fingerprint = visitor();
      await expect(apply(delta(fingerprint, 0), delta(fingerprint, 1))).rejects.toMatchObject({
        code: 'invalid',
      });
      expect(await read(fingerprint)).toBeUndefined();
    });

    it('is counted in full when instances write the same visitors in different orders', async () => {
      const fingerprints = Array.from({ length: 200 }, visitor);
      await apply(...fingerprints.map((fingerprint) => delta(fingerprint, 0)));
      await Promise.all(
        Array.from({ length: 6 }, (_, round) => {
          const order = round % 2 === 0 ? fingerprints : fingerprints.toReversed();
          return apply(...order.map((fingerprint) => delta(fingerprint, round)));
        }),
      );
      for (const fingerprint of fingerprints.slice(0, 5)) {
        expect(await read(fingerprint)).toMatchObject({ pageViews: 7 });
      }
    });
  });

  it('a session of a visitor whom nobody knew is counted in full when instances see the visitor first at the same time', async () => {
    const rounds = 20;
    for (let round = 0; round < rounds; round++) {
      const fingerprints = Array.from({ length: 5 }, visitor);
      await Promise.all(
        Array.from({ length: 6 }, (_, n) =>
          repeated(fingerprints.map((fingerprint) => delta(fingerprint, n))),
        ),
      );
      for (const fingerprint of fingerprints) expect(await read(fingerprint)).toMatchObject({ pageViews: 6 });
    }
  });

  /** As callers do where two insert the same visitor. */
  async function repeated(deltas: SessionDelta[]): Promise<void> {
    for (;;) {
      const error = await apply(...deltas).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (error === undefined) return;
      expect(error).toMatchObject({ code: 'conflict', retryable: true });
    }
  }

  describe('a conversion', () => {
    const signedIn = (instant: number) => ({ userId: 'ann', firstSignedInAt: instant });

    it('happens when a visitor known without a user signs in', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 0));
      await apply(delta(fingerprint, 10, { ...signedIn(at(10)), beganAnonymous: false }));
      expect(await read(fingerprint)).toMatchObject({ convertedAt: at(10) });
    });

    it('happens within one batch', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 0, { lastSeen: at(9), ...signedIn(at(7)) }));
      expect(await read(fingerprint)).toMatchObject({ convertedAt: at(7) });
    });

    it('never happens to a visitor who began with a user', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 0, { ...signedIn(at(0)), beganAnonymous: false }));
      await apply(delta(fingerprint, 5));
      await apply(delta(fingerprint, 9, signedIn(at(9))));
      expect(await read(fingerprint)).toMatchObject({ convertedAt: null });
    });

    it('is set once', async () => {
      const fingerprint = visitor();
      await apply(delta(fingerprint, 10, { lastSeen: at(20), ...signedIn(at(20)) }));
      await apply(delta(fingerprint, 30, { ...signedIn(at(30)), beganAnonymous: false }));
      await apply(delta(fingerprint, 1, signedIn(at(5))));
      expect(await read(fingerprint)).toMatchObject({ convertedAt: at(20), firstSeen: at(1) });
    });

    it('is answered once, by the batch that it happens in', async () => {
      const [before, within, never, silent] = [visitor(), visitor(), visitor(), visitor()];
      const known = { beganAnonymous: false };
      expect(await apply(delta(before, 0), delta(silent, 0))).toEqual({ conversions: 0 });
      expect(
        await apply(
          delta(before, 10, { ...signedIn(at(10)), ...known }),
          delta(within, 8, { lastSeen: at(11), ...signedIn(at(9)) }),
          delta(never, 10, { ...signedIn(at(10)), ...known }),
          delta(silent, 10),
        ),
      ).toEqual({ conversions: 2 });
      // Imported history, whose first instant is before all of these.
      expect(await apply(delta(silent, 1), delta(before, 2), delta(within, 3), delta(never, 20))).toEqual({
        conversions: 0,
      });
      expect(await apply(delta(before, 30, { ...signedIn(at(30)), ...known }))).toEqual({ conversions: 0 });
      expect(await apply(delta(silent, 40, { ...signedIn(at(40)), ...known }))).toEqual({ conversions: 1 });
    });

    it('comes to light when imported history shows that the visitor had come before without a user', async () => {
      const [silent, named] = [visitor(), visitor()];
      const known = { ...signedIn(at(50)), beganAnonymous: false };
      await apply(delta(silent, 50, known), delta(named, 50, known));
      await apply(delta(silent, 10), delta(named, 10, signedIn(at(12))));
      expect(await read(silent)).toMatchObject({ convertedAt: at(50), firstSeen: at(10) });
      expect(await read(named)).toMatchObject({ convertedAt: at(12), firstSeen: at(10) });
    });
  });
}
