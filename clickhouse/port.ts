/**
 * The analytics store: raw events, which are the truth, and the tables that materialized views derive from them.
 *
 * Every method may be called concurrently, but for {@link AnalyticsStore.insert}, which callers do under the `ingest`
 * lock of the session store held shared, {@link AnalyticsStore.endStrays} and {@link AnalyticsStore.rebuildDays}, which
 * they do while they hold it exclusively, {@link AnalyticsStore.updateIntervals} and {@link AnalyticsStore.eraseEvents}, under
 * `intervals` held exclusively, and {@link AnalyticsStore.freeze}, while they hold both exclusively.
 * None retries.
 */
import type { Calendar } from '../contract/reporting-day.ts';
import type { PeoplesEvents, QueryName, QueryParams, QueryRow } from './queries.ts';

export interface AnalyticsStore {
  /**
   * Inserts rows of ONE month as one block: raw gets all of them or none. Rejects with `unclear` when it
   * cannot be known whether it did. The statement has ended by then, so that {@link stored} tells; where a cluster
   * has several shards, each has all of its rows or none.
   */
  insert(rows: EventRow[]): Promise<void>;

  /** Places of the rows that raw has of these offsets in the month of `day`. */
  stored(range: StoredRange, day: string): Promise<Set<Place>>;

  /**
   * Ends every insert that still runs, whoever began it. Under the exclusive lock nobody inserts, so it belongs to
   * somebody who lost the lock.
   */
  endStrays(): Promise<void>;

  /** Event ids of a partition below `beforeOffset`, received at or after `since` (ms since the epoch). */
  recentEventIds(partition: number, beforeOffset: number, since: number): Promise<SeenEvent[]>;

  /** Those of {@link recentEventIds} that have one of these event ids. */
  seenEventIds(
    partition: number,
    beforeOffset: number,
    since: number,
    eventIds: string[],
  ): Promise<SeenEvent[]>;

  /** Which of these event ids raw already has on these days, rows of `except` left out. */
  knownEventIds(eventIds: string[], days: string[], except: StoredRange[]): Promise<Set<string>>;

  /** Makes every derived table equal to raw for these days. A reader sees a day as it was or as it is, never half. */
  rebuildDays(days: string[]): Promise<void>;

  /**
   * Gives all events the days and hours of the calendar, and counts them again by those: all days up to `lastDay` become closed
   * ones. Does nothing where they have them. Days that raw no longer holds whole stay as they are. Callers hold both locks
   * exclusively. Broken off, it has to be done again before anything else.
   */
  changeZone(calendar: Calendar, task: Omit<IntervalsTask, 'from'>): Promise<void>;

  /**
   * Brings the return intervals up to date with raw: closes the days up to `lastDay`, closes days again whose events have
   * changed since, with all days after, and derives the days after `lastDay`, which are open. Answers at once when nothing
   * has changed. A reader sees all of it or nothing. Broken off anywhere, it is completed or begun again by the next.
   */
  updateIntervals(task: IntervalsTask): Promise<IntervalsReport>;

  /**
   * Removes these events from raw, and the visitors from what open and closed days are chained to. Derived tables are the caller's: the days
   * of the events have to be rebuilt, and the intervals updated from the first of them. May be repeated.
   */
  eraseEvents(of: PeoplesEvents): Promise<void>;

  /**
   * Keeps how many visitors were online in a minute (its first instant, ms since the epoch), of the site and of each
   * community that had any: all of it or nothing. The same minute may be kept again: the highest number of a scope holds.
   */
  keepPresence(minute: number, online: ScopePresence[]): Promise<void>;

  /**
   * Makes a store of its own of what is stored now, out of links to the files: it takes no space but
   * that of files which the store then removes. It is there until {@link thaw}, or until the store is opened again, and is to be copied before
   * anybody opens it. Only of an engine in this process; others reject with `failed`.
   */
  freeze(): Promise<FrozenStore>;
  /** Removes what {@link freeze} has made, if anything. */
  thaw(): Promise<void>;

  /** Runs one of the named queries. */
  read<N extends QueryName>(query: N, params: QueryParams<N>): Promise<QueryRow<N>[]>;

  /** The same as one Arrow IPC stream. */
  readArrow<N extends QueryName>(query: N, params: QueryParams<N>): Promise<Buffer>;

  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface FrozenStore {
  /** Absolute. */
  folder: string;
  /** The migrations that it has had, in order. */
  migrations: string[];
}

/** Of a community id, or `site`. */
export interface ScopePresence {
  scope: string;
  visitors: number;
}

export interface IntervalsTask {
  /** Last day of which no more events are expected. */
  lastDay: string;
  /** Derive this day and all after again, changed or not; whole months of them. Closed days after `lastDay` become open. */
  from?: string;
  /** Rejects with its reason once the statement that runs has ended; what was begun does not count. */
  signal?: AbortSignal;
  /** Raw events that were derived, of all that are to be. */
  onProgress?(done: number, total: number): void;
}

export interface IntervalsReport {
  /** Last closed day. */
  closedThrough: string | undefined;
  /** First closed day that was derived this time. */
  derivedFrom: string | undefined;
  /** Closed days whose events have changed, of which raw no longer has all. */
  outOfReach: string[];
}

/** A raw event. `happened_at`, `received_at` and `hour` are ms since the epoch; days are of the reporting zone. */
export interface EventRow {
  log_partition: number;
  log_offset: number;
  /** Line within the frame. */
  log_index: number;
  event_id: string;
  type: string;
  received_at: number;
  happened_at: number;
  day: string;
  hour: number;
  /** First 64 bits of the HMAC, decimal. */
  visitor: string;
  session_id: string;
  user_id: string;
  /** Nil UUID where unknown, as with the other ids. */
  community_id: string;
  division_id: string;
  division_type: string;
  /** Whether the visitor's division is the community's. */
  relation: 'same' | 'cross' | 'unknown';
  /** Path alone; `url` has the allowed query parameters as well. */
  page: string;
  url: string;
  referrer: string;
  title: string;
  language: string;
  screen: string;
  country: string;
  browser: string;
  os: string;
  device: string;
}

/** What one insert takes at most. */
export const MAX_ROWS_PER_INSERT = 240_000;

export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** Offsets [firstOffset, nextOffset) of a partition of the log. */
export interface StoredRange {
  partition: number;
  firstOffset: number;
  nextOffset: number;
}

/** `offset:index` of a row in its partition of the log. */
export type Place = `${number}:${number}`;

export function placeOf({ log_offset, log_index }: Pick<EventRow, 'log_offset' | 'log_index'>): Place {
  return `${log_offset}:${log_index}`;
}

export interface SeenEvent {
  eventId: string;
  /** First 64 bits of the HMAC, decimal. */
  visitor: string;
  receivedAt: number;
}

export class AnalyticsStoreError extends Error {
  override readonly name = 'AnalyticsStoreError';
  readonly code: 'unavailable' | 'unclear' | 'newer_schema' | 'other_zone' | 'failed';
  readonly retryable: boolean;

  constructor(code: AnalyticsStoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'unavailable' || code === 'unclear';
  }
}
