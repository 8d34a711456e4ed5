import fc from 'fast-check';
import type { EventKey } from './event-key.ts';

/** Of few places, which are fought for: some are at the end of a table, and go on at its beginning. */
export const aKey: fc.Arbitrary<EventKey> = fc
  .tuple(fc.constantFrom(0, 1 << 28, -1, -2, -(1 << 28)), fc.nat(99))
  .map(([a, c]) => ({ a, b: a ^ 1, c }));

export function textOf({ a, b, c }: EventKey): string {
  return `${a} ${b} ${c}`;
}

/** Spread as hashes are. */
export function keyOf(n: number): EventKey {
  return { a: Math.imul(n, 0x9e3779b1), b: n + 1, c: 1 };
}
