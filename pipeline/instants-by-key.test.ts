import fc from 'fast-check';
import { expect, it } from 'vitest';
import { InstantsByKey } from './instants-by-key.ts';
import { aKey, textOf } from './keys.fixture.ts';

const note = fc.record({ key: aKey, instant: fc.integer({ min: 0, max: 2 ** 48 }) });

it('knows the latest instant of each key', () => {
  fc.assert(
    fc.property(fc.array(note, { maxLength: 400 }), (notes) => {
      const instants = new InstantsByKey(notes.length);
      const expected = new Map<string, number>();
      for (const { key, instant } of notes) {
        expect(instants.get(key)).toBe(expected.get(textOf(key)));
        instants.note(key, instant);
        expected.set(textOf(key), Math.max(instant, expected.get(textOf(key)) ?? 0));
      }
      for (const { key } of notes) expect(instants.get(key)).toBe(expected.get(textOf(key)));
      expect(instants.get({ a: 1, b: 8, c: 1 })).toBeUndefined();
    }),
  );
});

it('takes no more keys than it has room for', () => {
  const instants = new InstantsByKey(1);
  instants.note({ a: 1, b: 1, c: 1 }, 5);
  instants.note({ a: 1, b: 1, c: 1 }, 6);
  expect(() => instants.note({ a: 1, b: 1, c: 2 }, 7)).toThrow('a table of 1 keys is full');
  expect(instants.get({ a: 1, b: 1, c: 1 })).toBe(6);
  expect(instants.get({ a: 1, b: 1, c: 2 })).toBeUndefined();
});
