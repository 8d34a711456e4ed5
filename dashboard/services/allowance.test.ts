import { expect, test } from 'vitest';
import { affordablePace, noteAllowance } from './allowance.ts';

const headers = (remaining: number, reset: number) =>
  new Headers({ 'RateLimit-Remaining': `${remaining}`, 'RateLimit-Reset': `${reset}` });

test('a page keeps its pace while there is enough left, and without limits', () => {
  expect(affordablePace(30_000)).toBe(30_000);
  noteAllowance(headers(5_000, 3_600));
  expect(affordablePace(30_000)).toBe(30_000);
  noteAllowance(new Headers());
  expect(affordablePace(30_000)).toBe(30_000);
});

test('a page leaves half of what is left to others, however little that is', () => {
  noteAllowance(headers(110, 3_600));
  // 550 an hour are wanted, 55 are its own.
  expect(affordablePace(30_000)).toBe(300_000);
  // Half an hour to go with as many: half as slow.
  noteAllowance(headers(110, 1_800));
  expect(affordablePace(30_000)).toBe(150_000);
  noteAllowance(headers(0, 3_600));
  expect(affordablePace(30_000)).toBe(30_000 * 1_100);
});
