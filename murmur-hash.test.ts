import { expect, it } from 'vitest';
import { murmurHash } from './murmur-hash.ts';

function hex(text: string, seed = 0): string {
  const words = new Int32Array(4);
  murmurHash(text, seed, words);
  return [...words].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
}

it('is what the reference implementation answers', () => {
  expect(hex('')).toBe('00000000000000000000000000000000');
  expect(hex('The quick brown fox jumps over the lazy dog')).toBe('2f1583c3ecee2c675d7bf66ce5e91d2c');
});

it('tells texts of every length, and seeds, apart', () => {
  const texts = Array.from({ length: 40 }, (_, length) => 'x'.repeat(length));
  const hashes = texts.flatMap((text) => [hex(text, 1), hex(text, 2)]);
  expect(new Set(hashes).size).toBe(80);
});
