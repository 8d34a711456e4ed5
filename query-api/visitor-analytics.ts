/**
 * The questions admins ask, answered from the stores. Needs no HTTP: any Node service can hold one.
 *
 * Days are inclusive days of the reporting zone. Averages and rates have one decimal; of no visitors they are 0.
 * Bad arguments reject with an ApiError `invalid_parameter`; a store that does not answer with the store's own error.
 */
import type { Static } from 'typebox';
import { type AnalyticsStore, NIL_UUID } from '../clickhouse/port.ts';
import type { VisitorCounts } from '../clickhouse/queries.ts';
import type {
  BreakdownParams,
  CommunityDays,
  CommunityPath,
  Conversions,
  Demographics,
  DivisionShare,
  ExportParams,
  ExportRow,
  Growth,
  GrowthParams,
  Pages,
  PagesParams,
  RangeParams,
  Trends,
  TrendsParams,
  VisitorStats,
  VisitorsParams,
} from '../contract/query.ts';
import { addDays, type Calendar } from '../contract/reporting-day.ts';
import type { SessionStore } from '../postgres/port.ts';
import { bucketLabels, hourLabel, labelOf } from './buckets.ts';
import { countryName, directory } from './names.ts';
import { type DayRange, daysOf, lastDays, pieces, resolveRange } from './range.ts';

type RangeQuery = Static<typeof RangeParams>;

const TOP_COUNTRIES = 10;
const EXPORT_DAYS_A_QUERY = 92;
const PERIOD_DAYS = { day: 1, week: 7, month: 30 } as const;
/** Growth of less than this many percent, either way, is none. */
const STABLE_BELOW_PERCENT = 1;

interface VisitorAnalyticsOptions {
  analytics: AnalyticsStore;
  sessions: SessionStore;
  calendar: Calendar;
  /** ms since the epoch */
  now?: () => number;
}

export class VisitorAnalytics {
  readonly #analytics: AnalyticsStore;
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
    const [rows, divisions] = await Promise.all([
      this.#analytics.read('divisions', { ...range, limit }),
      this.#divisions(),
    ]);
    return rows.map((row) => ({
      division_id: row.division_id,
      division_name: divisions.get(row.division_id)?.name ?? row.division_id,
      division_type: divisions.get(row.division_id)?.type ?? 'unknown',
      count: row.visitors,
      percentage: ratio(100 * row.visitors, row.known_visitors),
    }));
  }

  async getTrends(params: Static<typeof TrendsParams> = {}): Promise<Trends> {
    const { interval = 'day' } = params;
    const range = resolveRange(params, this.today());
    const filter = { ...range, community_id: idOf(params.community_id) };
    const counts = new Map<string, VisitorCounts>();
    if (interval === 'hour') {
      const rows = await this.#analytics.read('trends_by_hour', filter);
      for (const row of rows) counts.set(hourLabel(row.hour), row);
    } else {
      const rows = await this.#analytics.read(`trends_by_${interval}`, filter);
      for (const row of rows) counts.set(labelOf(interval, row.bucket), row);
    }
    // The store's own labels too: where a clock moves by half an hour, one day's hours do not fall on our grid.
    const labels = [...new Set([...bucketLabels(interval, range, this.#calendar), ...counts.keys()])].sort();
    const total = labels.map((label) => counts.get(label)?.visitors ?? 0);
    const authenticated = labels.map((label) => counts.get(label)?.authenticated ?? 0);
    const anonymous = total.map((all, i) => all - (authenticated[i] ?? 0));
    return { labels, total, authenticated, anonymous };
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
      this.#analytics.read('division_types', range),
      this.#analytics.read('countries', { ...range, limit: TOP_COUNTRIES }),
    ]);
    return {
      by_division_type: Object.fromEntries(types.map((row) => [row.division_type, row.visitors])),
      top_countries: countries.map((row) => ({ name: countryName(row.country), count: row.visitors })),
    };
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
    const rows = await this.#analytics.read('pages', { ...range, limit: page_size, offset });
    // Past the last page no row is there to carry the number of pages.
    const [counted] =
      rows.length > 0 || offset === 0
        ? rows
        : await this.#analytics.read('pages', { ...range, limit: 1, offset: 0 });
    const results = rows.map((row) => ({
      page_url: row.page,
      unique_visitors: row.visitors,
      authenticated_visitors: row.authenticated,
      anonymous_visitors: row.visitors - row.authenticated,
      page_views: row.page_views,
    }));
    return { results, total: counted?.pages ?? 0, page, page_size };
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

  /** A row for every day of the range, in order; reads the store a quarter of a year at a time. */
  async *exportRows(params: Static<typeof ExportParams> = {}): AsyncGenerator<ExportRow> {
    const community_id = idOf(params.community_id);
    for (const piece of pieces(resolveRange(params, this.today()), EXPORT_DAYS_A_QUERY)) {
      const rows = await this.#analytics.read('trends_by_day', { ...piece, community_id });
      const byDay = new Map(rows.map((row) => [row.bucket, row]));
      for (const date of daysOf(piece)) {
        const { visitors = 0, authenticated = 0, page_views = 0 } = byDay.get(date) ?? {};
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

  async #visitors(
    range: DayRange,
    filter: { community_id?: string; division_id?: string } = {},
  ): Promise<VisitorCounts> {
    const [counts] = await this.#analytics.read('visitors', {
      first_day: range.first_day,
      last_day: range.last_day,
      community_id: idOf(filter.community_id),
      division_id: idOf(filter.division_id),
    });
    return counts ?? { visitors: 0, authenticated: 0, page_views: 0 };
  }
}

const idOf = (id: string | undefined) => id?.toLowerCase() ?? NIL_UUID;

const oneDecimal = (value: number) => Math.round(value * 10) / 10;

const ratio = (part: number, whole: number) => (whole === 0 ? 0 : oneDecimal(part / whole));

function growthPercent(before: number, now: number): number {
  if (before === 0) return now === 0 ? 0 : 100;
  return (100 * (now - before)) / before;
}
