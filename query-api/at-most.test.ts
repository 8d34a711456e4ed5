import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { AtMost } from './at-most.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('runs at once, then once an interval however often it is asked, and the last time is not lost', () => {
  let latest = 0;
  const seen: number[] = [];
  const atMost = new AtMost(250, () => seen.push(latest));
  for (let ms = 0; ms < 1_000; ms += 10) {
    latest = ms;
    atMost.request();
    vi.advanceTimersByTime(10);
  }
  vi.advanceTimersByTime(1_000);
  expect(seen).toEqual([0, 240, 490, 740, 990]);
});

it('does nothing more once it is stopped', () => {
  const task = vi.fn();
  const atMost = new AtMost(250, task);
  atMost.request();
  atMost.request();
  atMost.stop();
  vi.advanceTimersByTime(1_000);
  expect(task).toHaveBeenCalledTimes(1);
  expect(vi.getTimerCount()).toBe(0);
});
