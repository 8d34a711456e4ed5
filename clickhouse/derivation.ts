/**
 * The statements that derive return intervals from raw events, a stretch of days at a time, chained to the days before
 * by `last_seen`. Each reads a slice of the visitors, so that its memory is bounded whatever the stretch.
 */
import { COHORT, dimension, EVENT_DIMENSIONS, type EventDimension, HOURS } from './dimensions.ts';

/** Names of tables, without the database. */
export interface Tables {
  intervals: string;
  lastSeen: string;
}

/** Parameters of every statement: days, visitors from the first to the last, and `is_open`, 1 or 0. */
const OF_THE_SLICE = `day BETWEEN {first_day:Date} AND {last_day:Date} AND type != 'leave'
  AND visitor BETWEEN {first_visitor:UInt64} AND {last_visitor:UInt64}`;

/**
 * Adds the visitors of a slice, and their page views, to the intervals.
 * @param together in one statement: faster where there is little to do, but each part of it needs its memory at the same time
 */
export function intervalStatements({ intervals, lastSeen }: Tables, together: boolean): string[] {
  const selects = [
    ...EVENT_DIMENSIONS.map((of) => {
      const rows = `${returns(of, lastSeen, 'key')}\nUNION ALL\n${views(of)}`;
      return of.ranked === true ? inEveryGrain(of.name, rows) : inDays(of.name, rows);
    }),
    inDays(COHORT.name, returns(dimension(COHORT.of), lastSeen, COHORT.key)),
    ...HOURS.map(({ name, of, key }) => inDays(name, hours(dimension(of), lastSeen, key))),
  ];
  return inserts(
    `${intervals}
  (dimension, day_grain, previous_grain, month, previous_month, key, day, previous_day, is_open, visitors, authenticated, page_views)`,
    selects,
    together,
  );
}

/**
 * Adds the visitors of a slice to what the days after are chained to. Doing it twice changes nothing.
 * @param together as above
 */
export function lastSeenStatements({ lastSeen }: Pick<Tables, 'lastSeen'>, together: boolean): string[] {
  const selects = EVENT_DIMENSIONS.map(
    ({ name, key, where = 'true' }) => `SELECT
  '${name}', visitor, ${key} AS key, toStartOfMonth(day) AS month,
  min(day), max(day), maxIf(day, user_id != '')
FROM footfall.event
WHERE ${OF_THE_SLICE} AND ${where}
GROUP BY visitor, key, month`,
  );
  return inserts(
    `${lastSeen}\n  (dimension, visitor, key, month, first_day, last_day, last_authenticated_day)`,
    selects,
    together,
  );
}

function inserts(target: string, selects: string[], together: boolean): string[] {
  const statements = together ? [selects.join('\nUNION ALL\n')] : selects;
  return statements.map((select) => `INSERT INTO footfall.${target}\n${select}`);
}

/**
 * Each day on which a visitor came to a key, with the day before: those of all visits, and those signed in.
 * @param key of the result, of a visitor's `key` and `first_day`
 */
function returns(of: EventDimension, lastSeen: string, key: string): string {
  const { key: ofEvent, where = 'true' } = of;
  return `SELECT ${key} AS key, visit.1 AS day, visit.2 AS previous_day, visit.3 AS visitors, visit.4 AS authenticated, 0 AS page_views
FROM (
  SELECT
    chain.key AS key,
    if(before.last_day = toDate(0), chain.days[1], before.first_day) AS first_day,
    arrayJoin(arrayConcat(
      arrayMap((day, previous) -> (day, previous, 1, 0),
        chain.days, arrayPopBack(arrayPushFront(chain.days, before.last_day))),
      arrayMap((day, previous) -> (day, previous, 0, 1),
        chain.authenticated_days, arrayPopBack(arrayPushFront(chain.authenticated_days, before.last_authenticated_day)))
    )) AS visit
  FROM (
    SELECT
      visitor, ${ofEvent} AS key,
      arraySort(groupUniqArray(day)) AS days, arraySort(groupUniqArrayIf(day, user_id != '')) AS authenticated_days
    FROM footfall.event
    WHERE ${OF_THE_SLICE} AND ${where}
    GROUP BY visitor, key
  ) AS chain
  LEFT ANY JOIN (${stateOf(of, lastSeen)}) AS before ON before.visitor = chain.visitor AND before.key = chain.key
)`;
}

function views({ key, where = 'true' }: EventDimension): string {
  return `SELECT
  ${key} AS key, day, toDate(0) AS previous_day,
  0 AS visitors, 0 AS authenticated, count() AS page_views
FROM footfall.event
WHERE ${OF_THE_SLICE} AND ${where} AND type = 'page_view'
GROUP BY key, day`;
}

/**
 * Each hour in which a visitor came to a key, and whether it was the first of all.
 * @param key of the result, of a visitor's `key` and the `hour` in words
 */
function hours(of: EventDimension, lastSeen: string, key: string): string {
  const { key: ofEvent, where = 'true' } = of;
  return `SELECT
  ${key} AS key, visit.1.2 AS day, if(visit.2, toDate(0), day) AS previous_day,
  1 AS visitors, visit.1.3 AS authenticated, visit.1.4 AS page_views,
  formatDateTime(visit.1.1, '%Y-%m-%dT%H:%i:%SZ', 'UTC') AS hour
FROM (
  SELECT
    chain.key AS key,
    arrayJoin(arrayMap((hour, n) -> (hour, n = 1 AND before.last_day = toDate(0)), chain.hours, arrayEnumerate(chain.hours))) AS visit
  FROM (
    SELECT visitor, key, arraySort(groupArray((hour, day, is_authenticated, page_views))) AS hours
    FROM (
      SELECT
        visitor, ${ofEvent} AS key, hour, day,
        max(user_id != '') AS is_authenticated, countIf(type = 'page_view') AS page_views
      FROM footfall.event
      WHERE ${OF_THE_SLICE} AND ${where}
      GROUP BY visitor, key, hour, day
    )
    GROUP BY visitor, key
  ) AS chain
  LEFT ANY JOIN (${stateOf(of, lastSeen)}) AS before ON before.visitor = chain.visitor AND before.key = chain.key
)`;
}

/**
 * When visitors of the slice came to their keys before. They are sought by hashes, which is several times as fast as to
 * join all that is there, and only the found are joined, by what they are.
 */
function stateOf({ name, key, where = 'true' }: EventDimension, lastSeen: string): string {
  return `
    SELECT
      visitor, key,
      min(last_seen.first_day) AS first_day, max(last_seen.last_day) AS last_day,
      max(last_seen.last_authenticated_day) AS last_authenticated_day
    FROM footfall.${lastSeen} AS last_seen
    WHERE dimension = '${name}' AND visitor BETWEEN {first_visitor:UInt64} AND {last_visitor:UInt64}
      AND cityHash64(visitor, key) GLOBAL IN (
        SELECT cityHash64(visitor, ${key}) FROM footfall.event WHERE ${OF_THE_SLICE} AND ${where}
      )
    GROUP BY visitor, key
  `;
}

function inDays(name: string, rows: string): string {
  return `SELECT
  '${name}', 'day', 'day', toDate(0), toDate(0), key, day, previous_day, {is_open:Bool},
  sum(visitors), sum(authenticated), sum(page_views)
FROM (
${rows}
)
GROUP BY key, day, previous_day`;
}

/**
 * Leaves out what no range asks for: days before all in the grain of days, and months in which visitors came back within
 * that same month.
 */
function inEveryGrain(name: string, rows: string): string {
  return `SELECT
  '${name}',
  grains.1 AS day_grain,
  grains.2 AS previous_grain,
  visit_month,
  if(previous_grain = 'day', month_before, toDate(0)) AS previous_month,
  key,
  if(day_grain = 'day', visit_day, visit_month),
  if(previous_grain = 'day', day_before, month_before),
  {is_open:Bool},
  visitors, authenticated, page_views
FROM (
  SELECT
    key, day AS visit_day, previous_day AS day_before,
    toStartOfMonth(day) AS visit_month, toStartOfMonth(previous_day) AS month_before,
    sum(visitors) AS visitors, sum(authenticated) AS authenticated, sum(page_views) AS page_views
  FROM (
${rows}
  )
  GROUP BY key, day, previous_day
)
ARRAY JOIN [('day', 'day'), ('day', 'month'), ('month', 'day'), ('month', 'month')] AS grains
WHERE (grains = ('day', 'day') OR visit_month != month_before) AND (previous_grain = 'month' OR month_before != toDate(0))`;
}
