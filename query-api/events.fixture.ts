/** A random history of a small platform, the same for the same seed, and plain counting over it. */
import { randomUUID } from 'node:crypto';
import { type EventRow, NIL_UUID } from '../clickhouse/port.ts';
import type { VisitorCounts } from '../clickhouse/queries.ts';
import { addDays, type Calendar } from '../contract/reporting-day.ts';
import type { Community, Division } from '../postgres/port.ts';

const DAY_MS = 86_400_000;

const uuid = (kind: number, n: number) => `${kind}0000000-0000-4000-8000-${n.toString(16).padStart(12, 'a')}`;

export const DIVISIONS: Division[] = [
  { id: uuid(1, 1), name: 'Montréal', type: 'city', parentId: null, country: 'CA' },
  { id: uuid(1, 2), name: 'Québec', type: 'province', parentId: null, country: 'CA' },
  { id: uuid(1, 3), name: 'Laval', type: 'city', parentId: null, country: 'CA' },
  { id: uuid(1, 4), name: 'Canada', type: 'country', parentId: null, country: 'CA' },
];
export const COMMUNITIES: Community[] = [
  { id: uuid(2, 1), name: 'Cyclists', divisionId: uuid(1, 1) },
  { id: uuid(2, 2), name: 'Gardeners', divisionId: uuid(1, 3) },
];
/** In the events, but not in the reference data. */
const UNKNOWN_DIVISION = uuid(1, 9);

const COUNTRIES = ['CA', 'CA', 'CA', 'US', 'FR', 'DE', 'IN', 'BR', 'JP', 'GB', 'ES', 'IT', 'NG', ''];
const TYPES = ['page_view', 'page_view', 'page_view', 'heartbeat', 'identify', 'leave'];

/** Numbers in [0, 1): mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Events of the `days` days that end at `until` (ms since the epoch). */
export function randomEvents(
  seed: number,
  options: { count: number; days: number; until: number; calendar: Calendar },
): EventRow[] {
  const random = randomFrom(seed);
  const pick = <T>(from: readonly T[]): T => {
    const picked = from[Math.floor(random() * from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  };
  const divisionIds = [...DIVISIONS.map((division) => division.id), UNKNOWN_DIVISION, NIL_UUID];
  return Array.from({ length: options.count }, (_, i) => {
    const number = Math.floor(random() ** 2 * 250);
    const happened_at = options.until - Math.floor(random() * options.days * DAY_MS);
    const division_id = divisionIds[number % divisionIds.length] ?? NIL_UUID;
    const community = random() < 0.5 ? pick(COMMUNITIES) : undefined;
    const page = `/page-${Math.floor(random() ** 3 * 30)}/`;
    return {
      log_partition: 0,
      log_offset: i,
      log_index: 0,
      event_id: randomUUID(),
      type: pick(TYPES),
      received_at: happened_at,
      happened_at,
      day: options.calendar.dayOf(happened_at),
      hour: options.calendar.hourOf(happened_at),
      visitor: `${10n ** 18n + BigInt(number)}`,
      session_id: '',
      user_id: number % 3 === 0 && random() < 0.4 ? `user-${number}` : '',
      community_id: community?.id ?? NIL_UUID,
      division_id,
      division_type: DIVISIONS.find((division) => division.id === division_id)?.type ?? '',
      relation: relation(division_id, community),
      page,
      url: page,
      referrer: '',
      title: '',
      language: 'en',
      screen: '',
      country: COUNTRIES[number % COUNTRIES.length] ?? '',
      browser: 'Firefox',
      os: 'Linux',
      device: 'desktop',
    };
  });
}

function relation(divisionId: string, community: Community | undefined): EventRow['relation'] {
  if (community === undefined || divisionId === NIL_UUID) return 'unknown';
  return community.divisionId === divisionId ? 'same' : 'cross';
}

/** Of an event a month, as the analytics store wants them. */
export function byMonth(events: readonly EventRow[]): EventRow[][] {
  return [...groupBy(events, (event) => event.day.slice(0, 7)).values()];
}

/** Everybody who gave a sign of life; a leave is none. */
export function count(events: readonly EventRow[]): VisitorCounts {
  const alive = events.filter((event) => event.type !== 'leave');
  return {
    visitors: new Set(alive.map((event) => event.visitor)).size,
    authenticated: new Set(alive.filter((event) => event.user_id !== '').map((event) => event.visitor)).size,
    page_views: alive.filter((event) => event.type === 'page_view').length,
  };
}

export function between(events: readonly EventRow[], first: string, last: string): EventRow[] {
  return events.filter((event) => event.day >= first && event.day <= last);
}

/** Groups with visitors, most first; of as many, the one with more views, and then the first by name. */
export function ranking(events: readonly EventRow[], of: (event: EventRow) => string): [string, number][] {
  return [...groupBy(events, of)]
    .map(([key, group]) => ({ key, ...count(group) }))
    .filter(({ visitors }) => visitors > 0)
    .sort((a, b) => b.visitors - a.visitors || b.page_views - a.page_views || (a.key < b.key ? -1 : 1))
    .map(({ key, visitors }) => [key, visitors]);
}

export function groupBy<T>(all: readonly T[], of: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(of(one), [...(groups.get(of(one)) ?? []), one]);
  return groups;
}

/** Monday of the day's week, found by walking back. */
export function monday(day: string): string {
  let at = day;
  while (new Date(`${at}T12:00:00Z`).toUTCString().slice(0, 3) !== 'Mon') at = addDays(at, -1);
  return at;
}
