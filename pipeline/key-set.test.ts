import fc from 'fast-check';
import { expect, it } from 'vitest';
import { KeySet } from './key-set.ts';
import { aKey, keyOf, textOf } from './keys.fixture.ts';

it('has the keys that were added, and no other, however many were expected', () => {
  fc.assert(
    fc.property(fc.array(aKey, { maxLength: 900 }), fc.nat(600), (keys, expected) => {
      const set = new KeySet(expected);
      const texts = new Set<string>();
      for (const key of keys) {
        expect(set.has(key)).toBe(texts.has(textOf(key)));
        set.add(key);
        texts.add(textOf(key));
      }
      for (const key of keys) expect(set.has(key)).toBe(true);
      expect(set.size).toBe(texts.size);
      expect(set.has({ a: 1, b: 8, c: 1 })).toBe(false);
    }),
  );
});

it('takes a hundred times as many as it had room for', () => {
  const set = new KeySet(0);
  for (let n = 0; n < 20_000; n++) set.add(keyOf(n));
  expect(set.size).toBe(20_000);
  for (let n = 0; n < 20_000; n++) expect(set.has(keyOf(n))).toBe(true);
  for (let n = 20_000; n < 40_000; n++) expect(set.has(keyOf(n))).toBe(false);
});
