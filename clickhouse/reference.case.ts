/** Random events, and the answers to the named queries computed from them the plain way. */
import { calendar } from '../contract/reporting-day.ts';
import { type DimensionName, EVENT_DIMENSIONS, type LookedUpName, type RankedName } from './dimensions.ts';
import { type EventRow, NIL_UUID } from './port.ts';
import type { BucketCounts, QueryParams, QueryRow, VisitorCounts } from './queries.ts';

const HOUR = 3_600_000;
const utc = calendar('UTC');

/** mulberry32: small, and the same everywhere. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function uuid(kind: number, n: number): string {
  const hex = (value: number, length: number) => value.toString(16).padStart(length, '0');
  return `${hex(kind, 8)}-0000-4000-8000-${hex(n, 12)}`;
}

export function eventRow(fields: Partial<EventRow> & { happened_at: number }): EventRow {
  const { happened_at } = fields;
  return {
    log_partition: 0,
    log_offset: 0,
    log_index: 0,
    event_id: NIL_UUID,
    type: 'page_view',
    received_at: happened_at,
    day: utc.dayOf(happened_at),
    hour: utc.hourOf(happened_at),
    visitor: '1',
    session_id: '',
    user_id: '',
    community_id: NIL_UUID,
    division_id: NIL_UUID,
    division_type: '',
    relation: 'unknown',
    page: '/',
    url: '/',
    referrer: '',
    title: '',
    language: '',
    screen: '',
    country: '',
    browser: '',
    os: '',
    device: '',
    ...fields,
  };
}

/** Events of some weeks around a turn of the month, in the order of the log; a few a frame. */
export function randomEvents(seed: number, count: number, days: readonly string[]): EventRow[] {
  const next = random(seed);
  const below = (n: number) => Math.floor(next() * n);
  const pick = <T>(items: readonly [T, ...T[]]) => items[below(items.length)] ?? items[0];
  const first = utc.startOf(days[0] ?? '');
  const instants = Array.from({ length: count }, () => first + below(days.length * 24 * HOUR)).sort(
    (a, b) => a - b,
  );
  const offsets = [0, 0];
  return instants.map((happened_at, n) => {
    const visitor = 1 + below(300);
    const partition = visitor % 2;
    const offset = (offsets[partition] ?? 0) + (next() < 0.3 ? 1 : 0);
    offsets[partition] = offset;
    const community = below(4);
    const division = next() < 0.9 ? visitor % 7 : below(7);
    const known = community !== 0 && division !== 0;
    const relation = known
      ? division === community
        ? 'same'
        : pick<EventRow['relation']>(['cross', 'same'])
      : 'unknown';
    return eventRow({
      log_partition: partition,
      log_offset: offset,
      log_index: n % 500,
      event_id: next() < 0.8 ? uuid(9, n) : NIL_UUID,
      type: pick(['page_view', 'page_view', 'page_view', 'heartbeat', 'identify', 'leave']),
      happened_at,
      visitor: (10n ** 19n + BigInt(visitor)).toString(),
      user_id: visitor % 3 === 0 && next() < 0.5 ? `user-${visitor}` : '',
      community_id: community === 0 ? NIL_UUID : uuid(1, community),
      division_id: division === 0 ? NIL_UUID : uuid(2, division),
      division_type: division === 0 ? '' : (['city', 'district'][division % 2] ?? ''),
      relation,
      page: `/page/${below(40)}`,
      country: pick(['ID', 'MY', 'SG', '']),
    });
  });
}

/** The `n`th batch of an endless log: a frame of 500 events of 500 visitors on three days. */
export function batch(n: number): EventRow[] {
  return Array.from({ length: 500 }, (_, index) =>
    eventRow({
      log_offset: n,
      log_index: index,
      happened_at: utc.startOf('2026-11-01') + (index % 72) * HOUR,
      visitor: String(n * 1_000 + index),
      page: `/page/${index % 10}`,
      country: 'ID',
      community_id: uuid(1, 1),
      relation: index % 2 === 0 ? 'same' : 'cross',
    }),
  );
}

const named = (ranked: boolean) =>
  EVENT_DIMENSIONS.filter((each) => (each.ranked === true) === ranked).map(({ name }) => name);
export const LOOKED_UP = named(false) as LookedUpName[];
export const RANKED = named(true) as RankedName[];

/** Which key of a dimension an event has. */
const KEYS: Record<DimensionName, (event: EventRow) => string | undefined> = {
  site: () => '',
  community: ({ community_id }) => known(community_id),
  division: ({ division_id }) => known(division_id),
  one_division: ({ division_id }) => known(division_id),
  known_division: ({ division_id }) => known(division_id) && '',
  community_division: ({ community_id, division_id }) =>
    known(community_id) && known(division_id) && `${community_id}/${division_id}`,
  division_type: ({ division_type }) => division_type || undefined,
  country: ({ country }) => country || undefined,
  page: ({ page }) => page,
  relation: ({ community_id, relation }) =>
    relation === 'unknown' ? undefined : `${community_id}/${relation}`,
};

/** The brute force: every answer from a pass over all events. */
export function reference(events: readonly EventRow[]) {
  const counted = events.filter(({ type }) => type !== 'leave');
  const of = (dimension: DimensionName, key: string) =>
    counted.filter((event) => KEYS[dimension](event) === key);
  const inRange = (some: readonly EventRow[], params: { first_day: string; last_day: string }) =>
    some.filter(({ day }) => day >= params.first_day && day <= params.last_day);

  /** @param all events of the key, by which a visitor is new or not */
  function buckets(
    all: readonly EventRow[],
    params: { first_day: string; last_day: string },
    bucketOf: (event: EventRow) => string,
  ): BucketCounts[] {
    const firsts = new Map<string, EventRow>();
    for (const event of all) {
      const first = firsts.get(event.visitor);
      if (first === undefined || event.hour < first.hour) firsts.set(event.visitor, event);
    }
    const newcomers = inRange([...firsts.values()], params);
    return [...grouped(inRange(all, params), bucketOf)]
      .map(([bucket, some]) => ({
        bucket,
        ...counts(some),
        new_visitors: newcomers.filter((event) => bucketOf(event) === bucket).length,
      }))
      .sort((a, b) => ascending(a.bucket, b.bucket));
  }

  function ranked(some: readonly EventRow[], keyOf: (event: EventRow) => string | undefined) {
    const keys = [...grouped(some, (event) => keyOf(event))];
    return keys
      .map(([key, ofKey]) => ({ key, ...counts(ofKey), keys: keys.length }))
      .sort((a, b) => b.visitors - a.visitors || b.page_views - a.page_views || ascending(a.key, b.key));
  }

  return {
    visitors: ({ dimension, key, ...range }: QueryParams<'visitors'>): QueryRow<'visitors'>[] => [
      counts(inRange(of(dimension, key), range)),
    ],

    ranking: ({ dimension, limit, offset, ...range }: QueryParams<'ranking'>): QueryRow<'ranking'>[] => {
      return ranked(inRange(counted, range), KEYS[dimension]).slice(offset, offset + limit);
    },

    trends: ({ dimension, key, interval, ...range }: QueryParams<'trends'>): QueryRow<'trends'>[] => {
      const first = {
        day: (day: string) => day,
        week: mondayOf,
        month: (day: string) => `${day.slice(0, 7)}-01`,
      };
      return buckets(of(dimension, key), range, ({ day }) => first[interval](day));
    },

    trends_hourly: ({ prefix, ...range }: QueryParams<'trends_hourly'>): QueryRow<'trends_hourly'>[] =>
      buckets(prefix === '' ? counted : of('community', prefix.slice(0, -1)), range, ({ hour }) =>
        new Date(hour).toISOString().replace('.000Z', 'Z'),
      ),

    community_days: ({
      community_id,
      ...range
    }: QueryParams<'community_days'>): QueryRow<'community_days'>[] => {
      const some = inRange(of('community', community_id), range).filter(
        ({ relation }) => relation !== 'unknown',
      );
      return [...grouped(some, ({ day }) => day)]
        .map(([day, ofDay]) => ({
          day,
          same_division: visitors(ofDay.filter(({ relation }) => relation === 'same')),
          cross_division: visitors(ofDay.filter(({ relation }) => relation === 'cross')),
        }))
        .sort((a, b) => ascending(a.day, b.day));
    },

    cohorts: ({ first_week, last_week, last_day, weeks }: QueryParams<'cohorts'>): QueryRow<'cohorts'>[] => {
      const found = new Map<string, Set<string>>();
      for (const ofVisitor of grouped(counted, ({ visitor }) => visitor).values()) {
        const cohort = mondayOf(ofVisitor.map(({ day }) => day).sort()[0] ?? '');
        if (cohort < first_week || cohort > last_week) continue;
        for (const { day, visitor } of ofVisitor) {
          const later = Math.round((Date.parse(mondayOf(day)) - Date.parse(cohort)) / (7 * 24 * HOUR));
          if (day > last_day || later > weeks) continue;
          const key = `${cohort} ${later}`;
          found.set(key, (found.get(key) ?? new Set()).add(visitor));
        }
      }
      return [...found]
        .map(([key, of]) => ({
          cohort: key.split(' ')[0] ?? '',
          weeks_later: Number(key.split(' ')[1]),
          visitors: of.size,
        }))
        .sort((a, b) => ascending(a.cohort, b.cohort) || a.weeks_later - b.weeks_later);
    },

    today_visitors: ({ day, community_id }: QueryParams<'today_visitors'>): QueryRow<'today_visitors'>[] => [
      counts(counted.filter((event) => event.day === day && matches(community_id, event.community_id))),
    ],

    today_division_visitors: (
      params: QueryParams<'today_division_visitors'>,
    ): QueryRow<'today_division_visitors'>[] => [
      counts(
        counted.filter(
          (event) =>
            event.day === params.day &&
            event.division_id === params.division_id &&
            matches(params.community_id, event.community_id),
        ),
      ),
    ],

    today_divisions: ({ day, limit }: QueryParams<'today_divisions'>): QueryRow<'today_divisions'>[] => {
      const some = counted.filter((event) => event.day === day && event.division_id !== NIL_UUID);
      return ranked(some, KEYS.division)
        .slice(0, limit)
        .map(({ key, visitors: of }) => ({ key, visitors: of, known_visitors: visitors(some) }));
    },

    today_pages: ({ day, limit, offset }: QueryParams<'today_pages'>): QueryRow<'today_pages'>[] =>
      ranked(
        counted.filter((event) => event.day === day),
        KEYS.page,
      ).slice(offset, offset + limit),

    visitors_of_day: ({ day }: QueryParams<'visitors_of_day'>): QueryRow<'visitors_of_day'>[] =>
      [
        ...grouped(
          inRange(counted, { first_day: day, last_day: day }),
          (event) => `${event.visitor} ${event.community_id}`,
        ).keys(),
      ]
        .sort()
        .map((key) => ({ visitor: key.split(' ')[0] ?? '', community_id: key.split(' ')[1] ?? '' })),

    /** As a live store would know it: signs of life in the order of the log, wiped out by a leave. */
    recently_seen: ({ since }: QueryParams<'recently_seen'>): QueryRow<'recently_seen'>[] => {
      const seen = new Map<string, Map<string, number>>();
      for (const event of events) {
        if (event.happened_at < since) continue;
        const communities = seen.get(event.visitor) ?? new Map<string, number>();
        seen.set(event.visitor, communities);
        if (event.type === 'leave') communities.clear();
        else communities.set(event.community_id, event.happened_at);
      }
      return [...seen].flatMap(([visitor, communities]) =>
        [...communities].map(([community_id, last_seen]) => ({ visitor, community_id, last_seen })),
      );
    },
  };
}

/** A range within the days. */
export function randomRange(
  next: () => number,
  days: readonly string[],
): { first_day: string; last_day: string } {
  const pick = () => Math.floor(next() * days.length);
  const [from, to] = [pick(), pick()].sort((a, b) => a - b);
  return { first_day: days[from ?? 0] ?? '', last_day: days[to ?? 0] ?? '' };
}

/** Every key of a dimension that any event has. */
export function keysOf(events: readonly EventRow[], dimension: DimensionName): string[] {
  return [...new Set(events.map(KEYS[dimension]).filter((key) => key !== undefined))].sort();
}

function counts(events: readonly EventRow[]): VisitorCounts {
  return {
    visitors: visitors(events),
    authenticated: visitors(events.filter((event) => event.user_id !== '')),
    page_views: events.filter((event) => event.type === 'page_view').length,
  };
}

function visitors(events: readonly EventRow[]): number {
  return new Set(events.map((event) => event.visitor)).size;
}

function grouped(
  events: readonly EventRow[],
  keyOf: (event: EventRow) => string | undefined,
): Map<string, EventRow[]> {
  const groups = new Map<string, EventRow[]>();
  for (const event of events) {
    const key = keyOf(event);
    if (key === undefined) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [event]);
    else group.push(event);
  }
  return groups;
}

function known(id: string): string | undefined {
  return id === NIL_UUID ? undefined : id;
}

function matches(filter: string | undefined, id: string): boolean {
  return filter === undefined || filter === NIL_UUID || filter === id;
}

function mondayOf(day: string): string {
  const sinceMonday = (new Date(`${day}T00:00:00Z`).getUTCDay() + 6) % 7;
  return utc.dayOf(Date.parse(`${day}T00:00:00Z`) - sinceMonday * 24 * HOUR);
}

function ascending(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function sorted<T>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
