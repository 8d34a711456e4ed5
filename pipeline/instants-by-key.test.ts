import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EventKey } from './event-key.ts';
import { InstantsByKey } from './instants-by-key.ts';

// Words of few values, so that slots are fought for.
const key = fc.record({
  a: fc.integer({ min: 0, max: 3 }),
  b: fc.constant(7),
  c: fc.integer({ min: 0, max: 99 }),
});
const note = fc.record({ key, instant: fc.integer({ min: 0, max: 2 ** 48 - 2 }) });
const textOf = ({ a, b, c }: EventKey) => `${a} ${b} ${c}`;

it('knows the latest instant of each key, however many there are', () => {
  fc.assert(
    fc.property(fc.array(note, { maxLength: 400 }), (notes) => {
      const instants = new InstantsByKey();
      const expected = new Map<string, number>();
      for (const { key, instant } of notes) {
        instants.note(key, instant, 0);
        expected.set(textOf(key), Math.max(instant, expected.get(textOf(key)) ?? 0));
      }
      for (const { key } of notes) expect(instants.get(key)).toBe(expected.get(textOf(key)));
      expect(instants.size).toBe(expected.size);
      expect(instants.get({ a: 1, b: 8, c: 1 })).toBeUndefined();
    }),
  );
});

it('keeps every key that is not too old when it makes room', () => {
  const instants = new InstantsByKey();
  const keyOf = (n: number): EventKey => ({ a: Math.imul(n, 0x9e3779b1), b: n, c: n });
  for (let n = 0; n < 10_000; n++) instants.note(keyOf(n), n, n - 100);
  for (let n = 9_900; n < 10_000; n++) expect(instants.get(keyOf(n))).toBe(n);
  expect(instants.size).toBeLessThan(400);
});

it('finds every key of use while others are left out, wherever in the table they are', () => {
  const anywhere = fc.record({
    // The first bits say which slot: some keys begin at the end of the table and go on at its beginning.
    a: fc.constantFrom(0, 1 << 28, -1, -2, -(1 << 28)),
    b: fc.constant(7),
    c: fc.integer({ min: 0, max: 99 }),
  });
  const step = fc.record({ key: anywhere, later: fc.constantFrom(0, 1, 1, 1, 30) });
  const kept = fc.constantFrom(5, 50, 500);
  fc.assert(
    fc.property(fc.array(step, { minLength: 200, maxLength: 1_500 }), kept, (steps, span) => {
      const instants = new InstantsByKey();
      const expected = new Map<string, { key: EventKey; instant: number }>();
      let now = 0;
      for (const { key, later } of steps) {
        now += later;
        instants.note(key, now, now - span);
        expected.set(textOf(key), { key, instant: now });
      }
      const ofUse = [...expected.values()].filter(({ instant }) => instant >= now - span);
      for (const { key, instant } of ofUse) expect(instants.get(key)).toBe(instant);
      expect(instants.size).toBeLessThanOrEqual(expected.size);
    }),
  );
});
