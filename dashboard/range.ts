/** Which days the dashboard shows, what they are compared with, and how both stand in the address of the page. */

import type { Interval } from '../contract/query.ts';
import { addDays } from '../contract/reporting-day.ts';

export interface DayRange {
  start_date: string;
  end_date: string;
}

export const PRESETS = [
  { name: 'today', title: 'Today', days: 1 },
  { name: '7d', title: '7 days', days: 7 },
  { name: '30d', title: '30 days', days: 30 },
  { name: '90d', title: '90 days', days: 90 },
  { name: '12m', title: '12 months', days: 365 },
] as const;
export type PresetName = (typeof PRESETS)[number]['name'];

/** A preset moves on with the days, a range that somebody chose does not. */
export type Choice = { preset: PresetName } | DayRange;

export interface Filters {
  choice: Choice;
  communityId: string | undefined;
  divisionId: string | undefined;
  interval: Interval | undefined;
  compare: boolean;
}

export const DEFAULT_FILTERS: Filters = {
  choice: { preset: '30d' },
  communityId: undefined,
  divisionId: undefined,
  interval: undefined,
  compare: true,
};

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const INTERVALS: readonly Interval[] = ['hour', 'day', 'week', 'month'];
const MAX_POINTS = 1_000;

export function daysIn({ start_date, end_date }: DayRange): number {
  return 1 + Math.round((Date.parse(end_date) - Date.parse(start_date)) / 86_400_000);
}

/** @param today the day it is in the reporting zone */
export function rangeOf(choice: Choice, today: string): DayRange {
  if (!('preset' in choice)) return choice;
  const days = PRESETS.find(({ name }) => name === choice.preset)?.days ?? 30;
  return { start_date: addDays(today, 1 - days), end_date: today };
}

/** As many days just before. */
export function periodBefore(range: DayRange): DayRange {
  return { start_date: addDays(range.start_date, -daysIn(range)), end_date: addDays(range.start_date, -1) };
}

/** Intervals that give a chart something to show and not too much. */
export function intervalsFor(range: DayRange, hoursAllowed: boolean): Interval[] {
  const days = daysIn(range);
  return INTERVALS.filter((interval) => {
    if (interval === 'hour') return hoursAllowed && days * 24 <= MAX_POINTS;
    if (interval === 'day') return days <= MAX_POINTS;
    return interval === 'week' ? days > 7 : days > 31;
  });
}

/** What was asked for where it fits, else what fits best. */
export function intervalFor(range: DayRange, wanted: Interval | undefined, hoursAllowed: boolean): Interval {
  const possible = intervalsFor(range, hoursAllowed);
  if (wanted !== undefined && possible.includes(wanted)) return wanted;
  const days = daysIn(range);
  if (days <= 2 && hoursAllowed) return 'hour';
  return days <= 120 ? 'day' : days <= 730 ? 'week' : 'month';
}

/** The query string that {@link filtersFrom} reads; nothing of what is as by default. */
export function queryOf({ choice, communityId, divisionId, interval, compare }: Filters): string {
  const query = new URLSearchParams();
  if (!('preset' in choice)) {
    query.set('from', choice.start_date);
    query.set('to', choice.end_date);
  } else if (choice.preset !== '30d') query.set('range', choice.preset);
  if (communityId !== undefined) query.set('community', communityId);
  if (divisionId !== undefined) query.set('division', divisionId);
  if (interval !== undefined) query.set('interval', interval);
  if (!compare) query.set('compare', 'no');
  return query.size === 0 ? '' : `?${query}`;
}

/** What is not understood is as by default. */
export function filtersFrom(query: string): Filters {
  const given = new URLSearchParams(query);
  const [from, to] = [given.get('from') ?? '', given.get('to') ?? ''];
  const preset = PRESETS.find(({ name }) => name === given.get('range'));
  const chosen = isDay(from) && isDay(to) && from <= to;
  const [community, division] = [given.get('community') ?? '', given.get('division') ?? ''];
  return {
    choice: chosen ? { start_date: from, end_date: to } : { preset: preset?.name ?? '30d' },
    communityId: UUID.test(community) ? community : undefined,
    divisionId: UUID.test(division) ? division : undefined,
    interval: INTERVALS.find((interval) => interval === given.get('interval')),
    compare: given.get('compare') !== 'no',
  };
}

export function isDay(text: string): boolean {
  return DAY.test(text) && new Date(`${text}T00:00:00Z`).toJSON()?.slice(0, 10) === text;
}

/** The parameters that name the places that are chosen. */
export function placeParams(
  communityId: string | undefined,
  divisionId?: string,
): { community_id?: string; division_id?: string } {
  return {
    ...(communityId !== undefined && { community_id: communityId }),
    ...(divisionId !== undefined && { division_id: divisionId }),
  };
}

/** By how many percent a number has changed; undefined where there was nothing before. */
export function changeOf(now: number, before: number | undefined): number | undefined {
  return before === undefined || before === 0 ? undefined : (100 * (now - before)) / before;
}
