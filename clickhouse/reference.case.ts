/** Random events, and the answers to the named queries computed from them the plain way. */
import { calendar } from '../contract/reporting-day.ts';
import { type EventRow, NIL_UUID } from './port.ts';
import type { QueryParams, QueryRow, RangeFilter, VisitorCounts } from './queries.ts';

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

/** The brute force: every answer from a pass over all events. */
export function reference(events: readonly EventRow[]) {
  const inRange = (params: Pick<RangeFilter, 'first_day' | 'last_day'> & Partial<RangeFilter>) =>
    events.filter(
      (event) =>
        event.type !== 'leave' &&
        event.day >= params.first_day &&
        event.day <= params.last_day &&
        matches(params.community_id, event.community_id) &&
        matches(params.division_id, event.division_id),
    );

  const trend = (params: Omit<RangeFilter, 'division_id'>, bucketOf: (event: EventRow) => string) =>
    [...grouped(inRange(params), bucketOf)]
      .map(([bucket, of]) => ({ bucket, ...counts(of) }))
      .sort((a, b) => ascending(a.bucket, b.bucket));

  return {
    visitors: (params: QueryParams<'visitors'>): QueryRow<'visitors'>[] => [counts(inRange(params))],

    divisions: (params: QueryParams<'divisions'>): QueryRow<'divisions'>[] => {
      const known = inRange(params).filter((event) => event.division_id !== NIL_UUID);
      return [...grouped(known, (event) => event.division_id)]
        .map(([division_id, of]) => ({
          division_id,
          visitors: visitors(of),
          known_visitors: visitors(known),
        }))
        .sort((a, b) => b.visitors - a.visitors || ascending(a.division_id, b.division_id))
        .slice(0, params.limit);
    },

    division_types: (params: QueryParams<'division_types'>): QueryRow<'division_types'>[] =>
      [...grouped(inRange(params), (event) => event.division_type)]
        .filter(([division_type]) => division_type !== '')
        .map(([division_type, of]) => ({ division_type, visitors: visitors(of) }))
        .sort((a, b) => b.visitors - a.visitors || ascending(a.division_type, b.division_type)),

    countries: (params: QueryParams<'countries'>): QueryRow<'countries'>[] =>
      [...grouped(inRange(params), (event) => event.country)]
        .filter(([country]) => country !== '')
        .map(([country, of]) => ({ country, visitors: visitors(of) }))
        .sort((a, b) => b.visitors - a.visitors || ascending(a.country, b.country))
        .slice(0, params.limit),

    trends_by_day: (params: QueryParams<'trends_by_day'>) => trend(params, (event) => event.day),
    trends_by_week: (params: QueryParams<'trends_by_week'>) => trend(params, (event) => mondayOf(event.day)),
    trends_by_month: (params: QueryParams<'trends_by_month'>) =>
      trend(params, (event) => `${event.day.slice(0, 7)}-01`),
    trends_by_hour: (params: QueryParams<'trends_by_hour'>): QueryRow<'trends_by_hour'>[] =>
      trend(params, (event) => String(event.hour)).map(({ bucket, ...rest }) => ({
        hour: Number(bucket),
        ...rest,
      })),

    pages: (params: QueryParams<'pages'>): QueryRow<'pages'>[] => {
      const pages = [...grouped(inRange(params), (event) => event.page)];
      return pages
        .map(([page, of]) => ({ page, ...counts(of), pages: pages.length }))
        .sort((a, b) => b.visitors - a.visitors || b.page_views - a.page_views || ascending(a.page, b.page))
        .slice(params.offset, params.offset + params.limit);
    },

    community_days: (params: QueryParams<'community_days'>): QueryRow<'community_days'>[] =>
      [
        ...grouped(
          inRange(params).filter((event) => event.relation !== 'unknown'),
          (event) => event.day,
        ),
      ]
        .map(([day, of]) => ({
          day,
          same_division: visitors(of.filter((event) => event.relation === 'same')),
          cross_division: visitors(of.filter((event) => event.relation === 'cross')),
        }))
        .sort((a, b) => ascending(a.day, b.day)),

    visitors_of_day: ({ day }: QueryParams<'visitors_of_day'>): QueryRow<'visitors_of_day'>[] =>
      [
        ...grouped(
          inRange({ first_day: day, last_day: day }),
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

/** A range within the days, and filters that are often off. */
export function randomRange(next: () => number, days: readonly string[]): RangeFilter {
  const pick = () => Math.floor(next() * days.length);
  const [from, to] = [pick(), pick()].sort((a, b) => a - b);
  return {
    first_day: days[from ?? 0] ?? '',
    last_day: days[to ?? 0] ?? '',
    community_id: next() < 0.5 ? NIL_UUID : uuid(1, 1 + Math.floor(next() * 3)),
    division_id: next() < 0.5 ? NIL_UUID : uuid(2, 1 + Math.floor(next() * 6)),
  };
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

function grouped(events: readonly EventRow[], keyOf: (event: EventRow) => string): Map<string, EventRow[]> {
  const groups = new Map<string, EventRow[]>();
  for (const event of events) groups.set(keyOf(event), [...(groups.get(keyOf(event)) ?? []), event]);
  return groups;
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
