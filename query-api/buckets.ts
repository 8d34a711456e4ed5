/** The buckets of a trend: every one that a range touches, in order, with its label. */

import type { Interval } from '../contract/query.ts';
import { addDays, type Calendar, DAY } from '../contract/reporting-day.ts';
import type { DayRange } from './range.ts';
import { daysOf } from './range.ts';

const HOUR = 3_600_000;

/** `2025-01-01T05:00:00Z`, `2025-01-01`, the week's Monday, or `2025-01`. */
export function bucketLabels(interval: Interval, range: DayRange, calendar: Calendar): string[] {
  if (interval === 'hour') return hourLabels(hours(range, calendar));
  return [...new Set(daysOf(range).map((day) => labelOf(interval, day)))];
}

/** The label of the bucket that holds `day`. */
export function labelOf(interval: Exclude<Interval, 'hour'>, day: string): string {
  if (interval === 'week') return mondayOf(day);
  return interval === 'month' ? day.slice(0, 7) : day;
}

/** @param hours ms since the epoch. A year has thousands of hours, but few days and times of day, which are each said once. */
function hourLabels(hours: readonly number[]): string[] {
  const dates = new Map<number, string>();
  const times = new Map<number, string>();
  return hours.map((hour) => {
    const time = hour % DAY;
    return `${part(dates, hour - time, 0, 11)}${part(times, time, 11, 19)}Z`;
  });
}

/** Part of an instant in words. */
function part(known: Map<number, string>, instant: number, from: number, to: number): string {
  let text = known.get(instant);
  if (text === undefined) {
    text = new Date(instant).toISOString().slice(from, to);
    known.set(instant, text);
  }
  return text;
}

/** Local hours, counted from each day's own start, so that days of 23 and 25 hours come out right. */
function hours({ first_day, last_day }: DayRange, calendar: Calendar): number[] {
  const found: number[] = [];
  let start = calendar.startOf(first_day);
  for (let day = first_day; day <= last_day; ) {
    day = addDays(day, 1);
    const end = calendar.startOf(day);
    for (let hour = start; hour < end; hour += HOUR) found.push(hour);
    start = end;
  }
  return found;
}

export function mondayOf(day: string): string {
  const weekday = new Date(`${day}T00:00:00Z`).getUTCDay();
  return addDays(day, -((weekday + 6) % 7));
}
