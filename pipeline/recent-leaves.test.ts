import { expect, it } from 'vitest';
import { RecentLeaves } from './recent-leaves.ts';

const KEPT_MS = 60_000;
const leave = (visitor: string, at: number) => ({ visitor, communityId: undefined, at, leaving: true });

it('answers who left, in order, the largest number included', () => {
  const leaves = new RecentLeaves(KEPT_MS);
  leaves.add('18446744073709551615', 5, 5);
  leaves.add('0', 4, 5);
  expect(leaves.signs()).toEqual([leave('18446744073709551615', 5), leave('0', 4)]);
});

it('keeps every leave for its time, however many there are', () => {
  const leaves = new RecentLeaves(KEPT_MS);
  for (let n = 0; n < 100_000; n++) leaves.add(String(n), n, n);
  const signs = leaves.signs().filter(({ at }) => at >= 100_000 - KEPT_MS);
  expect(signs).toEqual(Array.from({ length: KEPT_MS }, (_, n) => leave(String(n + 40_000), n + 40_000)));
});

it('forgets those of before, so that what it holds is bounded by what came lately', () => {
  const leaves = new RecentLeaves(KEPT_MS);
  for (let n = 0; n < 1_000_000; n++) leaves.add(String(n), 10 * n, 10 * n);
  expect(leaves.size).toBeLessThanOrEqual((2 * KEPT_MS) / 10 + 1_024);
});
