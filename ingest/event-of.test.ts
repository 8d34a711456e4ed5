import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partitionOf } from './event-of.ts';

test('the partition of a visitor is what is left of the first eight digits of its hash', () => {
  const hash = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(hash, fc.integer({ min: 1, max: 1_000 }), (visitor, partitions) => {
      expect(partitionOf(visitor, partitions)).toBe(Number.parseInt(visitor.slice(0, 8), 16) % partitions);
    }),
  );
});
