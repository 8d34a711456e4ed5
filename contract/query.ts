/** Parameters and results of the query API: the seed's endpoints, paths and fields. */
import Type, { type Static } from 'typebox';
import { Uuid } from './beacon.ts';

const Day = Type.String({
  pattern: '^\\d{4}-\\d{2}-\\d{2}$',
  description: 'day in the reporting zone, inclusive',
});
const Count = Type.Integer({ minimum: 0 });

const INTERVALS = ['hour', 'day', 'week', 'month'] as const;
export type Interval = (typeof INTERVALS)[number];
/** Of a step of the series of visitors online. */
export const STEP_MINUTES = [1, 2, 5, 10, 15, 30, 60] as const;
const MAX_HISTORY_MINUTES = 31 * 24 * 60;
export const MAX_HISTORY_POINTS = 1_440;
const PERIODS = ['day', 'week', 'month'] as const;
export const MAX_RANGE_YEARS = 10;

const range = { start_date: Type.Optional(Day), end_date: Type.Optional(Day) };
const community = { community_id: Type.Optional(Uuid) };
const place = { ...community, division_id: Type.Optional(Uuid) };
const format = Type.Optional(Type.Enum(['arrow'], { description: 'answer an Arrow IPC stream' }));

export const NoParams = Type.Object({});
export const VisitorsParams = Type.Object({ ...range, ...place });
export const BreakdownParams = Type.Object({
  ...range,
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 10 })),
});
/** Hours are not counted by division. */
export const TrendsParams = Type.Object({
  ...range,
  ...place,
  interval: Type.Optional(Type.Enum([...INTERVALS], { default: 'day' })),
  format,
});
export const RangeParams = Type.Object(range);
export const RealtimeParams = Type.Object(community);
export const RealtimeHistoryParams = Type.Object({
  ...community,
  minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: MAX_HISTORY_MINUTES, default: 60 })),
});
export const GrowthParams = Type.Object({
  period: Type.Optional(Type.Enum([...PERIODS], { default: 'week' })),
});
export const ExportParams = Type.Object({ ...range, ...place, format });
export const RetentionParams = Type.Object({
  ...range,
  weeks: Type.Optional(Type.Integer({ minimum: 1, maximum: 52, default: 8 })),
});
export const PagesParams = Type.Object({
  ...range,
  page: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, default: 1 })),
  page_size: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 50 })),
  format,
});
export const DirectoryParams = Type.Object({
  search: Type.Optional(
    Type.String({ maxLength: 100, description: 'part of the name, in capitals or small letters' }),
  ),
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, default: 200 })),
});
export const CommunityPath = Type.Object({ id: Uuid });

export const VisitorStats = Type.Object({
  total_visitors: Count,
  authenticated_visitors: Count,
  anonymous_visitors: Count,
  conversion_rate: Type.Number({ description: 'authenticated / total x 100, one decimal' }),
  total_page_views: Count,
  avg_page_views_per_visitor: Type.Number({ description: 'one decimal' }),
});
export type VisitorStats = Static<typeof VisitorStats>;

export const DivisionShare = Type.Object({
  division_id: Type.String(),
  division_name: Type.String(),
  division_type: Type.String(),
  count: Count,
  percentage: Type.Number({ description: 'of all visitors of the range with a known division, one decimal' }),
});
export type DivisionShare = Static<typeof DivisionShare>;

export const Trends = Type.Object({
  labels: Type.Array(Type.String()),
  total: Type.Array(Count),
  authenticated: Type.Array(Count),
  anonymous: Type.Array(Count),
  new: Type.Array(Count, { description: 'visitors of the bucket who had never come before it' }),
  returning: Type.Array(Count, { description: 'total - new' }),
});
export type Trends = Static<typeof Trends>;

export const Retention = Type.Object({
  weeks: Type.Integer(),
  cohorts: Type.Array(
    Type.Object({
      week: Type.String({ description: 'the Monday of the week in which the visitors were new' }),
      new_visitors: Count,
      returned: Type.Array(Count, {
        description: 'how many of them came 1, 2, ... weeks later; weeks to come are left out',
      }),
      rates: Type.Array(Type.Number(), { description: 'returned / new_visitors x 100, one decimal' }),
    }),
  ),
});
export type Retention = Static<typeof Retention>;

export const Conversions = Type.Object({
  total_conversions: Count,
  conversion_rate: Type.Number({
    description: 'conversions / sessions in the range that began anonymous x 100, one decimal',
  }),
  avg_time_to_conversion: Type.Number({ description: 'seconds from first_seen to converted_at' }),
  conversions_by_date: Type.Record(Type.String(), Count),
});
export type Conversions = Static<typeof Conversions>;

export const Demographics = Type.Object({
  by_division_type: Type.Record(Type.String(), Count),
  top_countries: Type.Array(Type.Object({ name: Type.String(), count: Count })),
});
export type Demographics = Static<typeof Demographics>;

export const Realtime = Type.Object({ count: Count, timestamp: Type.String({ format: 'date-time' }) });
export type Realtime = Static<typeof Realtime>;

/** One point a step, in order, at most 1,440; the last has the minute that was last complete. */
export const RealtimeHistory = Type.Object({
  step_minutes: Type.Integer({
    description: `the smallest of ${STEP_MINUTES.join(', ')} that keeps the points few`,
  }),
  points: Type.Array(
    Type.Object({
      at: Type.String({ format: 'date-time', description: 'where the step begins' }),
      count: Type.Union([Count, Type.Null()], {
        description: 'visitors online, the highest of the minutes of the step; null where none was recorded',
      }),
    }),
  ),
});
export type RealtimeHistory = Static<typeof RealtimeHistory>;

export const Growth = Type.Object({
  growth_rate: Type.Number({
    description:
      'percent, one decimal; after a period without visitors: 100 where there are some now, else 0',
  }),
  trend: Type.Enum(['increasing', 'decreasing', 'stable']),
  current_period: Count,
  previous_period: Count,
});
export type Growth = Static<typeof Growth>;

/** A row of the CSV or Arrow export. */
export const ExportRow = Type.Object({
  date: Type.String(),
  total_visitors: Count,
  authenticated_visitors: Count,
  anonymous_visitors: Count,
  page_views: Count,
});
export type ExportRow = Static<typeof ExportRow>;

const PageRow = Type.Object({
  page_url: Type.String(),
  unique_visitors: Count,
  authenticated_visitors: Count,
  anonymous_visitors: Count,
  page_views: Count,
});

export const Pages = Type.Object({
  results: Type.Array(PageRow),
  total: Type.Integer({ description: 'pages with visitors in the range' }),
  page: Type.Integer(),
  page_size: Type.Integer(),
});
export type Pages = Static<typeof Pages>;

export const CommunityDays = Type.Object({
  community_id: Type.String(),
  community_name: Type.Union([Type.String(), Type.Null()]),
  days: Type.Array(
    Type.Object({ date: Type.String(), same_division_visitors: Count, cross_division_visitors: Count }),
  ),
});
export type CommunityDays = Static<typeof CommunityDays>;

/** Of the reference data, by name. */
export const Communities = Type.Array(
  Type.Object({
    community_id: Type.String(),
    community_name: Type.String(),
    division_id: Type.Union([Type.String(), Type.Null()]),
  }),
);
export type Communities = Static<typeof Communities>;

export const Divisions = Type.Array(
  Type.Object({ division_id: Type.String(), division_name: Type.String(), division_type: Type.String() }),
);
export type Divisions = Static<typeof Divisions>;

/** What a page has to know of the installation that answers it. */
export const Settings = Type.Object({
  time_zone: Type.String({ description: 'IANA name of the reporting zone' }),
  today: Type.String({ description: 'the day it is there, YYYY-MM-DD' }),
  raw_days: Type.Integer({ description: 'days that raw events are kept' }),
  realtime_ttl_seconds: Type.Number({ description: 'silence after which a visitor is offline' }),
  ranges_count: Type.Enum(['visitors', 'visitor_days'], {
    description: 'visitor_days: who came on several days is another visitor on each (VISITOR_SALT=daily)',
  }),
});
export type Settings = Static<typeof Settings>;
