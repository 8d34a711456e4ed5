import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { calendar } from '../contract/reporting-day.ts';
import { type DailyKeys, openDailyKeys } from './daily-keys.ts';

const HOUR = 3_600_000;
const NOON = Date.parse('2026-03-10T12:00:00Z');
/** Of Tokyo, where days begin at 15:00 UTC. */
const TURN = Date.parse('2026-03-10T15:00:00Z');

let keys: DailyKeys;
let asked: string[];
let failures: unknown[];
let away: Error | undefined;

async function open(): Promise<void> {
  keys = await openDailyKeys({
    async saltOf(day) {
      asked.push(day);
      if (away !== undefined) throw away;
      return `salt of ${day}`;
    },
    calendar: calendar('Asia/Tokyo'),
    now: Date.now,
    onFailure: (error) => failures.push(error),
  });
}

beforeEach(() => {
  vi.useFakeTimers({ now: NOON });
  [asked, failures, away] = [[], [], undefined];
});
afterEach(async () => {
  await keys?.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

test('a day has its salt from its first instant to its last, by the days of the reporting zone', async () => {
  await open();
  expect(keys.at(NOON)).toMatchObject({ secret: 'salt of 2026-03-10', hidesIds: true });
  expect(keys.at(TURN - 1)?.secret).toBe('salt of 2026-03-10');
  expect(keys.at(TURN)?.secret).toBe('salt of 2026-03-11');
});

test('the next day is asked for before it begins, each day once, and days that are over are forgotten', async () => {
  await open();
  expect(asked).toEqual(['2026-03-10', '2026-03-11']);
  await vi.advanceTimersByTimeAsync(4 * HOUR);
  expect(asked).toEqual(['2026-03-10', '2026-03-11', '2026-03-12']);
  expect(keys.at(NOON)).toBeUndefined();
  expect(keys.at(TURN)?.secret).toBe('salt of 2026-03-11');
});

test('while salts cannot be had it goes on with what it has, tries again, and has none for the day after', async () => {
  await open();
  away = new Error('away in a test');
  await vi.advanceTimersByTimeAsync(26 * HOUR);
  expect(keys.at(TURN)?.secret).toBe('salt of 2026-03-11');
  expect(keys.at(TURN + 24 * HOUR)).toBeUndefined();
  expect(new Set(failures)).toEqual(new Set([away]));
  away = undefined;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(keys.at(TURN + 24 * HOUR)?.secret).toBe('salt of 2026-03-12');
});

test('it does not begin without a salt for today', async () => {
  away = new Error('away in a test');
  await expect(open()).rejects.toThrow('away in a test');
});
