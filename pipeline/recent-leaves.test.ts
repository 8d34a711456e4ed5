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
  const keptMs = 6_000;
  const leaves = new RecentLeaves(keptMs);
  for (let now = 0; now < 20_000; now++) {
    leaves.add(String(now), now, now);
    if (now % 100 !== 0) continue;
    const first = Math.max(0, now - keptMs);
    const kept = leaves.signs().filter(({ at }) => at >= first);
    expect(kept).toHaveLength(now + 1 - first);
    expect([kept.at(0), kept.at(-1)]).toEqual([leave(String(first), first), leave(String(now), now)]);
  }
});

it('forgets those of before, so that what it holds is bounded by what came lately', () => {
  const leaves = new RecentLeaves(KEPT_MS);
  for (let n = 0; n < 1_000_000; n++) leaves.add(String(n), 10 * n, 10 * n);
  expect(leaves.size).toBeLessThanOrEqual((2 * KEPT_MS) / 10 + 1_024);
});
