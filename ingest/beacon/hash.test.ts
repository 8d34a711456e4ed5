import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hash128 } from './hash.ts';

const words = (n: number) =>
  Array.from({ length: n }, (_, i) => `${createHash('sha256').update(`${i}`).digest('hex')} 1920x${i}`);

const lanes = (hash: string) => hash.split(',').map(Number);

function differingBits(a: string, b: string): number {
  let bits = 0;
  const others = lanes(b);
  for (const [at, lane] of lanes(a).entries()) {
    for (let rest = (lane ^ (others[at] ?? 0)) >>> 0; rest > 0; rest >>>= 1) bits += rest & 1;
  }
  return bits;
}

describe('hash128', () => {
  it('gives four numbers of 32 bits, the same for the same text', () => {
    for (const text of ['', 'a', 'é😀', ...words(100)]) {
      expect(hash128(text)).toMatch(/^-?\d+(,-?\d+){3}$/);
      for (const lane of lanes(hash128(text))) expect(lane).toBe(lane | 0);
      expect(hash128(text)).toBe(hash128(text));
    }
  });

  it('gives different texts different hashes, also in each quarter of the hash', () => {
    const hashes = [...words(20_000), ...Array.from({ length: 20_000 }, (_, i) => `${i}`)].map(hash128);
    expect(new Set(hashes).size).toBe(40_000);
    for (const at of [0, 1, 2, 3]) {
      // 40,000 values of 32 bits collide 0.19 times on average.
      expect(new Set(hashes.map((hash) => lanes(hash)[at])).size).toBeGreaterThan(39_990);
    }
  });

  it('changes about half of the bits when one character changes, wherever it stands', () => {
    const text = 'Mozilla/5.0 | en-GB,en | Europe/London | 1920x1080x24 | 8 | 8 | Linux x86_64 | 0';
    for (let at = 0; at < text.length; at++) {
      const other = `${text.slice(0, at)}${String.fromCharCode(text.charCodeAt(at) ^ 1)}${text.slice(at + 1)}`;
      expect(differingBits(hash128(text), hash128(other))).toBeGreaterThan(32);
      expect(differingBits(hash128(text), hash128(other))).toBeLessThan(96);
    }
  });
});
