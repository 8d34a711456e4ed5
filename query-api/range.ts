/** Which days a request asks for: inclusive days of the reporting zone. */

import { MAX_LEDGER_DAYS } from '../contract/ledger.ts';
import { MAX_RANGE_YEARS } from '../contract/query.ts';
import { addDays, type Calendar, DAY, daysBetween } from '../contract/reporting-day.ts';
import { invalidParameter } from './errors.ts';

export interface RangeParams {
  start_date?: string;
  end_date?: string;
}

export interface DayRange {
  first_day: string;
  last_day: string;
}

/** Days of a range that names no start, its end included. */
const DEFAULT_DAYS = 30;
const DEFAULT_LEDGER_DAYS = 2;
/** Well inside what every engine can hold as a date. */
const EARLIEST_DAY = '2000-01-01';
const LATEST_DAY = '2099-12-31';

/**
 * No dates: the last `days` days ending today. No end: today. No start: `days` days ending on the end.
 * @throws ApiError `invalid_parameter`
 */
export function resolveRange(params: RangeParams, today: string, days = DEFAULT_DAYS): DayRange {
  const last_day = realDay('end_date', params.end_date) ?? today;
  const first_day = realDay('start_date', params.start_date) ?? lastDays(days, last_day).first_day;
  if (first_day > last_day) {
    throw invalidParameter('start_date', 'start_not_after_end', `must not be after end_date, ${last_day}`);
  }
  if (last_day > yearsLater(first_day, MAX_RANGE_YEARS)) {
    throw invalidParameter(
      'start_date',
      'max_range',
      `must be at most ${MAX_RANGE_YEARS} years before end_date`,
    );
  }
  return { first_day, last_day };
}

/**
 * Instants of the days that a ledger is asked for, ms since the epoch, [from, to). No start: two days.
 * @param rawDays days that raw events stay: there is nothing to compare before
 * @throws ApiError `invalid_parameter`
 */
export function ledgerRange(
  params: RangeParams,
  calendar: Calendar,
  now: number,
  rawDays: number,
): { from: number; to: number } {
  const { first_day, last_day } = resolveRange(params, calendar.dayOf(now), DEFAULT_LEDGER_DAYS);
  if (last_day >= addDays(first_day, MAX_LEDGER_DAYS)) {
    throw invalidParameter(
      'start_date',
      'max_range',
      `must be at most ${MAX_LEDGER_DAYS} days before end_date`,
    );
  }
  const from = calendar.startOf(first_day);
  if (from < now - rawDays * DAY) {
    throw invalidParameter(
      'start_date',
      'raw_days',
      `must be within the ${rawDays} days that raw events are kept`,
    );
  }
  return { from, to: calendar.startOf(addDays(last_day, 1)) };
}

/** The last `n` days up to `last_day`, which is one of them. */
export function lastDays(n: number, last_day: string): DayRange {
  return { first_day: addDays(last_day, 1 - n), last_day };
}

/** The range cut into pieces of at most `days` days, in order. */
export function* pieces({ first_day, last_day }: DayRange, days: number): Generator<DayRange> {
  for (let from = first_day; from <= last_day; from = addDays(from, days)) {
    const to = addDays(from, days - 1);
    yield { first_day: from, last_day: to < last_day ? to : last_day };
  }
}

export const daysOf = ({ first_day, last_day }: DayRange) => daysBetween(first_day, last_day);

function realDay(field: string, day: string | undefined): string | undefined {
  if (day === undefined) return undefined;
  const instant = /^\d{4}-\d{2}-\d{2}$/.test(day) ? Date.parse(`${day}T00:00:00Z`) : Number.NaN;
  // 2025-02-30 parses as 2 March.
  if (Number.isNaN(instant) || new Date(instant).toISOString().slice(0, 10) !== day) {
    throw invalidParameter(field, 'calendar_date', 'must be a day of the calendar, YYYY-MM-DD');
  }
  if (day < EARLIEST_DAY || day > LATEST_DAY) {
    throw invalidParameter(field, 'date_bounds', `must be from ${EARLIEST_DAY} to ${LATEST_DAY}`);
  }
  return day;
}

/** 29 February becomes 1 March in a year that has none. */
function yearsLater(day: string, years: number): string {
  const date = new Date(`${day}T00:00:00Z`);
  date.setUTCFullYear(date.getUTCFullYear() + years);
  return date.toISOString().slice(0, 10);
}
