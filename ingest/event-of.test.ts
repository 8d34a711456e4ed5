import fc from 'fast-check';
import { expect, test } from 'vitest';
import { visitorHash } from '../contract/visitor.ts';
import { eventMaker, partitionOf } from './event-of.ts';

test('the partition of a visitor is what is left of the first eight digits of its hash', () => {
  const hash = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
  fc.assert(
    fc.property(hash, fc.integer({ min: 1, max: 1_000 }), (visitor, partitions) => {
      expect(partitionOf({ visitor, visitor_before: undefined }, partitions)).toBe(
        Number.parseInt(visitor.slice(0, 8), 16) % partitions,
      );
    }),
  );
});

test('while the secret before is known an event says both hashes, and is in the partition of the one before', () => {
  const toEvent = eventMaker();
  const profile = {};
  const beacon = { url: '/', fingerprint: 'fingerprint-of-one' };
  const before = toEvent(beacon, { secret: 'old', hidesIds: false }, 1, undefined, profile);
  const between = toEvent(beacon, { secret: 'new', previous: 'old', hidesIds: false }, 1, undefined, profile);
  const after = toEvent(beacon, { secret: 'new', hidesIds: false }, 1, undefined, profile);
  expect(before).toMatchObject({
    visitor: visitorHash('fingerprint-of-one', 'old'),
    visitor_before: undefined,
  });
  expect(between).toMatchObject({ visitor: after.visitor, visitor_before: before.visitor });
  expect(after).toMatchObject({
    visitor: visitorHash('fingerprint-of-one', 'new'),
    visitor_before: undefined,
  });
  for (const partitions of [2, 3, 8, 1024])
    expect(partitionOf(between, partitions)).toBe(partitionOf(before, partitions));
});
