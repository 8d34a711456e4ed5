/** The named queries of the analytics store. Each is a file `queries/NAME.sql`; here are its parameters and its rows. */
import type { LookedUpName, RankedName } from './dimensions.ts';
import type { EventRow } from './port.ts';

/** Inclusive days of the reporting zone. */
interface Days {
  first_day: string;
  last_day: string;
}
/** A key of a dimension that is not ranked; `site` has the empty key alone. */
interface Key {
  dimension: LookedUpName;
  key: string;
}
/** The nil UUID means no filter. */
interface CommunityFilter {
  community_id: string;
}

export interface VisitorCounts {
  visitors: number;
  authenticated: number;
  page_views: number;
}
/** Of a bucket; who is new had never come to the key before the bucket. */
export type BucketCounts = VisitorCounts & { bucket: string; new_visitors: number };

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

/** Visitors, and a user as the hex digits of the id, empty for none. */
export interface People {
  visitors: bigint[];
  user_hex: string;
}
/** Their events at the places before `next_offsets` of `partitions`, which are named in the same order. At least one. */
export interface PeoplesEvents extends People {
  partitions: number[];
  next_offsets: number[];
}

interface Queries {
  /** One row: unique visitors of a key in a range. */
  visitors: { params: Days & Key; row: VisitorCounts };
  /** Keys of a ranked dimension, most visitors first, and the number of all. */
  ranking: {
    params: Days & { dimension: RankedName; limit: number; offset: number };
    row: VisitorCounts & { key: string; keys: number };
  };
  /** Buckets that have visitors, in no order; `bucket` is the first day of the bucket, or of the week or month that it belongs to. */
  trends: { params: Days & Key & { interval: 'day' | 'week' | 'month' }; row: BucketCounts };
  /** In no order; `bucket` is `2025-01-01T05:00:00Z`; keys of `community_hour` begin with `COMMUNITY/`. */
  trends_hourly: {
    params: Days & { dimension: 'hour' | 'community_hour'; prefix: string };
    row: BucketCounts;
  };
  community_days: {
    params: Days & { community_id: string };
    row: { day: string; same_division: number; cross_division: number };
  };
  /** Visitors whose first day was in a week, named by its Monday, by how many weeks later they came; 0 is that week. */
  cohorts: {
    params: { first_week: string; last_week: string; last_day: string; weeks: number };
    row: { cohort: string; weeks_later: number; visitors: number };
  };
  /** The open day, from the materialized views. */
  today_visitors: { params: { day: string } & CommunityFilter; row: VisitorCounts };
  today_division_visitors: {
    params: { day: string; division_id: string } & CommunityFilter;
    row: VisitorCounts;
  };
  today_divisions: {
    params: { day: string; limit: number };
    row: { key: string; visitors: number; known_visitors: number };
  };
  today_pages: {
    params: { day: string; limit: number; offset: number };
    row: VisitorCounts & { key: string; keys: number };
  };
  /** Presence after a restart: each visitor's last sign of life since `since` (ms), unless they left. */
  recently_seen: {
    params: { since: number };
    row: { visitor: string; community_id: string; last_seen: number };
  };
  /**
   * The highest number of visitors online of a scope (a community id, or `site`) in each step of minutes in [from, to), ms since
   * the epoch, where a minute of it was kept. Steps are counted from the last, which is 0 `steps_ago` and ends at `to`.
   */
  presence_history: {
    params: { scope: string; from: number; to: number; step_minutes: number };
    row: { steps_ago: number; visitors: number };
  };
  /** Rows of raw, and what the derived tables were made of, received in [from, to); instants are ms since the epoch. */
  stored_by_hour: { params: Received; row: EventsOfHour };
  derived_by_hour: { params: Received; row: EventsOfHour };
  /** Visitors with an event of a user, who is told as the hex digits of the id. */
  visitors_of_user: { params: { user_hex: string }; row: { visitor: string } };
  /** How many events these people have at the places before `next_offsets` of `partitions`; `hour` is that of receipt, ms since the epoch. */
  events_by_hour: { params: PeoplesEvents; row: EventsOfHour & { day: string } };
  /** Events of these people in the order of the log, from a place on. */
  events_of: {
    params: People & { partition: number; offset: number; index: number; limit: number };
    row: Omit<EventRow, 'day' | 'hour' | 'page' | 'division_type' | 'relation'>;
  };
  /** Visitors of a day, to fill its HyperLogLog counters again; one row a visitor and community. */
  visitors_of_day: { params: { day: string }; row: { visitor: string; community_id: string } };
}

export type QueryName = keyof Queries;
export type QueryParams<N extends QueryName> = Queries[N]['params'];
export type QueryRow<N extends QueryName> = Queries[N]['row'];
