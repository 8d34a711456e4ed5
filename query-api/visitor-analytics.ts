/**
 * The questions admins ask, answered from the stores. Needs no HTTP: any Node service can hold one.
 *
 * Days are inclusive days of the reporting zone. Today alone is answered by the materialized views, at once; longer ranges by
 * the return intervals, which are behind by up to a minute where today is in them. Averages and rates have one decimal; of no visitors they are 0.
 * Bad arguments reject with an ApiError `invalid_parameter`; a store that does not answer with the store's own error.
 */
import type { Static } from 'typebox';
import type { LookedUpName, RankedName } from '../clickhouse/dimensions.ts';
import { NIL_UUID } from '../clickhouse/port.ts';
import type { BucketCounts, VisitorCounts } from '../clickhouse/queries.ts';
import type {
  BreakdownParams,
  Communities,
  CommunityDays,
  CommunityPath,
  Conversions,
  Demographics,
  DirectoryParams,
  DivisionShare,
  Divisions,
  ExportParams,
  ExportRow,
  Growth,
  GrowthParams,
  Interval,
  Pages,
  PagesParams,
  RangeParams,
  RealtimeHistory,
  RealtimeHistoryParams,
  Retention,
  RetentionParams,
  Trends,
  TrendsParams,
  VisitorStats,
  VisitorsParams,
} from '../contract/query.ts';
import { addDays, type Calendar } from '../contract/reporting-day.ts';
import type { SessionStore } from '../postgres/port.ts';
import { SITE } from '../redis/port.ts';
import { bucketLabels, labelOf, mondayOf } from './buckets.ts';
import { invalidParameter } from './errors.ts';
import { historySteps } from './history-steps.ts';
import { countryName, directory, search } from './names.ts';
import { type DayRange, daysOf, lastDays, pieces, resolveRange } from './range.ts';
import type { Reads } from './timed-reads.ts';

type RangeQuery = Static<typeof RangeParams>;

const TOP_COUNTRIES = 10;
const MAX_DIVISION_TYPES = 1_000;
const EXPORT_DAYS_A_QUERY = 366;
const NOBODY = { visitors: 0, authenticated: 0, new_visitors: 0, page_views: 0 };
const PERIOD_DAYS = { day: 1, week: 7, month: 30 } as const;
/** Growth of less than this many percent, either way, is none. */
const STABLE_BELOW_PERCENT = 1;

interface VisitorAnalyticsOptions {
  analytics: Reads;
  sessions: SessionStore;
  calendar: Calendar;
  /** ms since the epoch */
  now?: () => number;
}

export class VisitorAnalytics {
  readonly #analytics: Reads;
  readonly #sessions: SessionStore;
  readonly #calendar: Calendar;
  readonly #now: () => number;
  readonly #divisions;
  readonly #communities;

  constructor({ analytics, sessions, calendar, now = Date.now }: VisitorAnalyticsOptions) {
    this.#analytics = analytics;
    this.#sessions = sessions;
    this.#calendar = calendar;
    this.#now = now;
    this.#divisions = directory(() => sessions.divisions(), now);
    this.#communities = directory(() => sessions.communities(), now);
  }

  /** The day it is in the reporting zone. */
  today(): string {
    return this.#calendar.dayOf(this.#now());
  }

  async getUniqueVisitors(params: Static<typeof VisitorsParams> = {}): Promise<VisitorStats> {
    const counts = await this.#visitors(resolveRange(params, this.today()), params);
    return {
      total_visitors: counts.visitors,
      authenticated_visitors: counts.authenticated,
      anonymous_visitors: counts.visitors - counts.authenticated,
      conversion_rate: ratio(100 * counts.authenticated, counts.visitors),
      total_page_views: counts.page_views,
      avg_page_views_per_visitor: ratio(counts.page_views, counts.visitors),
    };
  }

  /** The last `days` days with today. */
  getRecentVisitors(days: number): Promise<VisitorStats> {
    const { first_day, last_day } = lastDays(days, this.today());
    return this.getUniqueVisitors({ start_date: first_day, end_date: last_day });
  }

  /** Most visitors first. A division that the reference data does not know goes by its id. */
  async getDivisionBreakdown(params: Static<typeof BreakdownParams> = {}): Promise<DivisionShare[]> {
    const { limit = 10 } = params;
    const range = resolveRange(params, this.today());
    const [ranked, divisions] = await Promise.all([this.#rankedDivisions(range, limit), this.#divisions()]);
    return ranked.map(({ key, visitors, known_visitors }) => ({
      division_id: key,
      division_name: divisions.get(key)?.name ?? key,
      division_type: divisions.get(key)?.type ?? 'unknown',
      count: visitors,
      percentage: ratio(100 * visitors, known_visitors),
    }));
  }

  /**
   * Who is new in a bucket had never come before it: to the platform or, where they are named, to the community, as a
   * visitor of the division.
   */
  async getTrends(params: Static<typeof TrendsParams> = {}): Promise<Trends> {
    const { interval = 'day' } = params;
    const range = resolveRange(params, this.today());
    const counts = new Map<string, BucketCounts>();
    for (const row of await this.#buckets(interval, range, params)) {
      counts.set(interval === 'hour' ? row.bucket : labelOf(interval, row.bucket), row);
    }
    let labels = bucketLabels(interval, range, this.#calendar);
    // Where a clock moves by half an hour, one day's hours do not fall on our grid.
    if (labels.filter((label) => counts.has(label)).length < counts.size)
      labels = [...new Set([...labels, ...counts.keys()])].sort();
    const trends: Trends = { labels, total: [], authenticated: [], anonymous: [], new: [], returning: [] };
    for (const label of labels) {
      const { visitors, authenticated, new_visitors } = counts.get(label) ?? NOBODY;
      trends.total.push(visitors);
      trends.authenticated.push(authenticated);
      trends.anonymous.push(visitors - authenticated);
      trends.new.push(new_visitors);
      trends.returning.push(visitors - new_visitors);
    }
    return trends;
  }

  /** Weeks begin on Monday and are counted whole, up to today. */
  async getRetention(params: Static<typeof RetentionParams> = {}): Promise<Retention> {
    const { weeks = 8 } = params;
    const range = resolveRange(params, this.today());
    const [first_week, last_week] = [mondayOf(range.first_day), mondayOf(range.last_day)];
    const thisWeek = mondayOf(this.today());
    const rows = await this.#analytics.read('cohorts', {
      first_week,
      last_week,
      last_day: this.today(),
      weeks,
    });
    const visitors = new Map(rows.map((row) => [`${row.cohort} ${row.weeks_later}`, row.visitors]));
    const cohorts = [];
    for (let week = first_week; week <= last_week && week <= thisWeek; week = addDays(week, 7)) {
      const came = (later: number) => visitors.get(`${week} ${later}`) ?? 0;
      const begun = Array.from({ length: weeks }, (_, n) => n + 1).filter(
        (later) => addDays(week, 7 * later) <= thisWeek,
      );
      cohorts.push({
        week,
        new_visitors: came(0),
        returned: begun.map(came),
        rates: begun.map((later) => ratio(100 * came(later), came(0))),
      });
    }
    return { weeks, cohorts };
  }

  /** `conversions_by_date` names the days that have conversions. */
  async getConversions(params: RangeQuery = {}): Promise<Conversions> {
    const { first_day, last_day } = resolveRange(params, this.today());
    const summary = await this.#sessions.conversions(
      this.#calendar.startOf(first_day),
      this.#calendar.startOf(addDays(last_day, 1)),
      this.#calendar.timeZone,
    );
    return {
      total_conversions: summary.conversions,
      conversion_rate: ratio(100 * summary.conversions, summary.anonymousSessions),
      avg_time_to_conversion: oneDecimal(summary.meanSecondsToConversion),
      conversions_by_date: Object.fromEntries(
        summary.byDay.map(({ day, conversions }) => [day, conversions]),
      ),
    };
  }

  /** Visitors whose division type or country is not known are left out. Countries have their English names. */
  async getDemographics(params: RangeQuery = {}): Promise<Demographics> {
    const range = resolveRange(params, this.today());
    const [types, countries] = await Promise.all([
      this.#analytics.read('ranking', { ...range, ...all('division_type'), limit: MAX_DIVISION_TYPES }),
      this.#analytics.read('ranking', { ...range, ...all('country'), limit: TOP_COUNTRIES }),
    ]);
    return {
      by_division_type: Object.fromEntries(types.map((row) => [row.key, row.visitors])),
      top_countries: countries.map((row) => ({ name: countryName(row.key), count: row.visitors })),
    };
  }

  /**
   * How many were online, up to the minute that was last complete: of each step of minutes the highest, null where the
   * pipeline kept none, 0 of a community where it kept the site's.
   */
  async getRealtimeHistory(params: Static<typeof RealtimeHistoryParams> = {}): Promise<RealtimeHistory> {
    const { step_minutes, steps, from, to } = historySteps(params.minutes ?? 60, this.#now());
    const scope = params.community_id?.toLowerCase() ?? SITE;
    const rows = await this.#analytics.read('presence_history', { scope, from, to, step_minutes });
    const counts = new Map(rows.map((row) => [row.steps_ago, row.visitors]));
    const points = steps.map((at, n) => ({
      at: new Date(at).toISOString(),
      count: counts.get(steps.length - 1 - n) ?? null,
    }));
    return { step_minutes, points };
  }

  /** Growth from nothing is 100 %, and 0 % when nothing came of it. */
  async getGrowth({ period = 'week' }: Static<typeof GrowthParams> = {}): Promise<Growth> {
    const days = PERIOD_DAYS[period];
    const current = lastDays(days, this.today());
    const previous = lastDays(days, addDays(current.first_day, -1));
    const [now, before] = await Promise.all([this.#visitors(current), this.#visitors(previous)]);
    const rate = growthPercent(before.visitors, now.visitors);
    const direction = rate > 0 ? 'increasing' : 'decreasing';
    return {
      growth_rate: oneDecimal(rate),
      trend: Math.abs(rate) < STABLE_BELOW_PERCENT ? 'stable' : direction,
      current_period: now.visitors,
      previous_period: before.visitors,
    };
  }

  /** Most visited first. */
  async getPages(params: Static<typeof PagesParams> = {}): Promise<Pages> {
    const { page = 1, page_size = 50 } = params;
    const range = resolveRange(params, this.today());
    const offset = (page - 1) * page_size;
    const rows = await this.#rankedPages(range, page_size, offset);
    // Past the last page no row is there to carry the number of pages.
    const [counted] = rows.length > 0 || offset === 0 ? rows : await this.#rankedPages(range, 1, 0);
    const results = rows.map((row) => ({
      page_url: row.key,
      unique_visitors: row.visitors,
      authenticated_visitors: row.authenticated,
      anonymous_visitors: row.visitors - row.authenticated,
      page_views: row.page_views,
    }));
    return { results, total: counted?.keys ?? 0, page, page_size };
  }

  /** Every day of the range; a community that the reference data does not know has no name. */
  async getCommunity(params: Static<typeof CommunityPath> & RangeQuery): Promise<CommunityDays> {
    const community_id = idOf(params.id);
    const range = resolveRange(params, this.today());
    const [rows, communities] = await Promise.all([
      this.#analytics.read('community_days', { ...range, community_id }),
      this.#communities(),
    ]);
    const byDay = new Map(rows.map((row) => [row.day, row]));
    const days = daysOf(range).map((date) => ({
      date,
      same_division_visitors: byDay.get(date)?.same_division ?? 0,
      cross_division_visitors: byDay.get(date)?.cross_division ?? 0,
    }));
    return { community_id, community_name: communities.get(community_id)?.name ?? null, days };
  }

  /** The reference data whose names have `search` in them, ordered by name. It may be a minute old. */
  async getCommunities(params: Static<typeof DirectoryParams> = {}): Promise<Communities> {
    const communities = await this.#communities();
    return search(communities.values(), params).map(({ id, name, divisionId }) => ({
      community_id: id,
      community_name: name,
      division_id: divisionId,
    }));
  }

  /** As {@link getCommunities}. */
  async getDivisions(params: Static<typeof DirectoryParams> = {}): Promise<Divisions> {
    const divisions = await this.#divisions();
    return search(divisions.values(), params).map(({ id, name, type }) => ({
      division_id: id,
      division_name: name,
      division_type: type,
    }));
  }

  /** A row for every day of the range, in order; reads the store a year at a time. */
  async *exportRows(params: Static<typeof ExportParams> = {}): AsyncGenerator<ExportRow> {
    for (const piece of pieces(resolveRange(params, this.today()), EXPORT_DAYS_A_QUERY)) {
      const rows = await this.#buckets('day', piece, params);
      const byDay = new Map(rows.map((row) => [row.bucket, row]));
      for (const date of daysOf(piece)) {
        const { visitors, authenticated, page_views } = byDay.get(date) ?? NOBODY;
        yield {
          date,
          total_visitors: visitors,
          authenticated_visitors: authenticated,
          anonymous_visitors: visitors - authenticated,
          page_views,
        };
      }
    }
  }

  async #visitors(range: DayRange, filter: PlaceFilter = {}): Promise<VisitorCounts> {
    const [counts] = await (this.#isToday(range)
      ? this.#visitorsOfToday(range.last_day, filter)
      : this.#visitorsOf(range, filter));
    return counts ?? NOBODY;
  }

  #visitorsOfToday(day: string, { community_id, division_id }: PlaceFilter): Promise<VisitorCounts[]> {
    const filter = { day, community_id: idOf(community_id) };
    return division_id === undefined
      ? this.#analytics.read('today_visitors', filter)
      : this.#analytics.read('today_division_visitors', { ...filter, division_id: idOf(division_id) });
  }

  #visitorsOf(range: DayRange, filter: PlaceFilter): Promise<VisitorCounts[]> {
    return this.#analytics.read('visitors', { ...range, ...placeOf(filter) });
  }

  async #buckets(interval: Interval, range: DayRange, filter: PlaceFilter): Promise<BucketCounts[]> {
    if (interval !== 'hour')
      return this.#analytics.read('trends', { ...range, ...placeOf(filter), interval });
    if (filter.division_id !== undefined)
      throw invalidParameter('division_id', 'not_by_hour', 'must not be given with interval=hour');
    const community = filter.community_id?.toLowerCase();
    return this.#analytics.read('trends_hourly', {
      ...range,
      ...(community === undefined
        ? { dimension: 'hour', prefix: '' }
        : { dimension: 'community_hour', prefix: `${community}/` }),
    });
  }

  async #rankedDivisions(range: DayRange, limit: number): Promise<RankedDivision[]> {
    if (this.#isToday(range))
      return await this.#analytics.read('today_divisions', { day: range.last_day, limit });
    const [rows, [known]] = await Promise.all([
      this.#analytics.read('ranking', { ...range, ...all('division'), limit }),
      this.#analytics.read('visitors', { ...range, dimension: 'known_division', key: '' }),
    ]);
    return rows.map(({ key, visitors }) => ({ key, visitors, known_visitors: known?.visitors ?? 0 }));
  }

  #rankedPages(range: DayRange, limit: number, offset: number) {
    return this.#isToday(range)
      ? this.#analytics.read('today_pages', { day: range.last_day, limit, offset })
      : this.#analytics.read('ranking', { ...range, ...all('page'), limit, offset });
  }

  #isToday({ first_day, last_day }: DayRange): boolean {
    return first_day === last_day && last_day === this.today();
  }
}

interface PlaceFilter {
  community_id?: string;
  division_id?: string;
}

interface RankedDivision {
  key: string;
  visitors: number;
  known_visitors: number;
}

/** The key that answers for a community, a division, the visitors of a division in a community, or the whole site. */
function placeOf({ community_id, division_id }: PlaceFilter): { dimension: LookedUpName; key: string } {
  const [community, division] = [community_id?.toLowerCase(), division_id?.toLowerCase()];
  if (community !== undefined && division !== undefined)
    return { dimension: 'community_division', key: `${community}/${division}` };
  if (community !== undefined) return { dimension: 'community', key: community };
  if (division !== undefined) return { dimension: 'one_division', key: division };
  return { dimension: 'site', key: '' };
}

/** Every key of a ranked dimension, from the first. */
const all = <Name extends RankedName>(dimension: Name) => ({ dimension, offset: 0 });

const idOf = (id: string | undefined) => id?.toLowerCase() ?? NIL_UUID;

const oneDecimal = (value: number) => Math.round(value * 10) / 10;

const ratio = (part: number, whole: number) => (whole === 0 ? 0 : oneDecimal(part / whole));

function growthPercent(before: number, now: number): number {
  if (before === 0) return now === 0 ? 0 : 100;
  return (100 * (now - before)) / before;
}
