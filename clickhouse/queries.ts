/** The named queries of the analytics store. Each is a file `queries/NAME.sql`; here are its parameters and its rows. */

/** Inclusive days of the reporting zone, and the filters; the nil UUID means no filter. */
export interface RangeFilter {
  first_day: string;
  last_day: string;
  community_id: string;
  division_id: string;
}
type CommunityFilter = Omit<RangeFilter, 'division_id'>;
type Days = Pick<RangeFilter, 'first_day' | 'last_day'>;

export interface VisitorCounts {
  visitors: number;
  authenticated: number;
  page_views: number;
}

interface Received {
  from: number;
  to: number;
}

/** `hour` is ms since the epoch. */
interface EventsOfHour {
  hour: number;
  partition: number;
  events: number;
}

interface Queries {
  /** One row: unique visitors of a range. */
  visitors: { params: RangeFilter; row: VisitorCounts };
  /** Known divisions by unique visitors, most first, and the unique visitors with any known division. */
  divisions: {
    params: Days & { limit: number };
    row: { division_id: string; visitors: number; known_visitors: number };
  };
  division_types: { params: Days; row: { division_type: string; visitors: number } };
  countries: { params: Days & { limit: number }; row: { country: string; visitors: number } };
  /** Buckets that have visitors; `bucket` is the first day of the bucket. */
  trends_by_day: { params: CommunityFilter; row: VisitorCounts & { bucket: string } };
  trends_by_week: { params: CommunityFilter; row: VisitorCounts & { bucket: string } };
  trends_by_month: { params: CommunityFilter; row: VisitorCounts & { bucket: string } };
  /** `hour` is ms since the epoch. */
  trends_by_hour: { params: CommunityFilter; row: VisitorCounts & { hour: number } };
  /** A page of pages, most visited first, and the number of all of them. */
  pages: {
    params: Days & { limit: number; offset: number };
    row: VisitorCounts & { page: string; pages: number };
  };
  community_days: {
    params: Days & { community_id: string };
    row: { day: string; same_division: number; cross_division: number };
  };
  /** Presence after a restart: each visitor's last sign of life since `since` (ms), unless they left. */
  recently_seen: {
    params: { since: number };
    row: { visitor: string; community_id: string; last_seen: number };
  };
  /** Rows of raw, and what the derived tables were made of, received in [from, to); instants are ms since the epoch. */
  stored_by_hour: { params: Received; row: EventsOfHour };
  derived_by_hour: { params: Received; row: EventsOfHour };
  /** Visitors of a day, to fill its HyperLogLog counters again; one row a visitor and community. */
  visitors_of_day: { params: { day: string }; row: { visitor: string; community_id: string } };
}

export type QueryName = keyof Queries;
export type QueryParams<N extends QueryName> = Queries[N]['params'];
export type QueryRow<N extends QueryName> = Queries[N]['row'];
