/**
 * The two usual ways to count unique visitors of a range, on the same data in the same engine: distinct values of raw events
 * (`uniqExact`, and `uniq`, which estimates), and states of sketches by day that are merged (`uniqCombined64` of its default
 * precision, 17). They are asked for no more than the endpoint answers, and for less where that is cheaper for them: neither for
 * new visitors of a month nor for the share of a division.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { select } from '../../clickhouse/statement.ts';
import type { DivisionShare, Pages, Trends, VisitorStats } from '../../contract/query.ts';
import { type Range, within } from './questions.ts';
import { settleMerges, sizeOf, type TableSize } from './sizes.ts';

/** What is compared; other numbers are not of every question. */
export interface Counted {
  key: string;
  visitors: number;
  authenticated?: number;
  page_views?: number;
  /** Of the visitors of all keys, one decimal. */
  percentage?: number;
}

export const WAYS = ['uniqExact', 'uniq', 'uniqCombined64'] as const;
export type Way = (typeof WAYS)[number];

export interface Comparison {
  name: string;
  path(range: Range): string;
  /** What an answer of the endpoint says. */
  ours(text: string): Counted[];
  statement(way: Way): string;
  /** What the shares of the exact numbers are of; asked beside what is timed. */
  whole?: string;
}

const TABLES = {
  site: { key: "''", where: 'true' },
  division: { key: 'toString(division_id)', where: 'notEmpty(division_id)' },
  page: { key: 'page', where: 'true' },
};
type Table = keyof typeof TABLES;

const table = (name: Table) => `control.${name}_daily`;
const TOP = 10;

export const COMPARISONS: Comparison[] = [
  {
    name: 'visitors/',
    path: (range) => `visitors/?${within(range)}`,
    ours: (text) => {
      const stats: VisitorStats = JSON.parse(text);
      return [
        {
          key: '',
          visitors: stats.total_visitors,
          authenticated: stats.authenticated_visitors,
          page_views: stats.total_page_views,
        },
      ];
    },
    statement: (way) => `SELECT '' AS key, ${counts(way)} ${source(way, 'site')}`,
  },
  {
    name: 'division-breakdown/',
    path: (range) => `division-breakdown/?limit=${TOP}&${within(range)}`,
    ours: (text) => {
      const shares: DivisionShare[] = JSON.parse(text);
      return shares.map(({ division_id, count, percentage }) => ({
        key: division_id,
        visitors: count,
        percentage,
      }));
    },
    whole: `SELECT uniqExact(visitor) AS visitors ${source('uniqExact', 'division')}`,
    statement: (way) =>
      `SELECT key, visitors FROM (
         SELECT toString(division_id) AS key, ${visitors(way)} AS visitors, ${views(way)} AS page_views
         ${source(way, 'division')} GROUP BY division_id
       ) ORDER BY visitors DESC, page_views DESC, key LIMIT ${TOP}`,
  },
  {
    name: 'pages/',
    path: (range) => `pages/?page_size=${TOP}&${within(range)}`,
    ours: (text) => {
      const pages: Pages = JSON.parse(text);
      return pages.results.map((row) => ({
        key: row.page_url,
        visitors: row.unique_visitors,
        authenticated: row.authenticated_visitors,
        page_views: row.page_views,
      }));
    },
    statement: (way) =>
      `SELECT page AS key, ${counts(way)} ${source(way, 'page')}
       GROUP BY page ORDER BY visitors DESC, page_views DESC, key LIMIT ${TOP}`,
  },
  {
    name: 'trends/ by month',
    path: (range) => `trends/?interval=month&${within(range)}`,
    ours: (text) => {
      const trends: Trends = JSON.parse(text);
      return trends.labels.map((key, i) => ({
        key,
        visitors: trends.total[i] ?? 0,
        authenticated: trends.authenticated[i] ?? 0,
      }));
    },
    statement: (way) =>
      `SELECT formatDateTime(day, '%Y-%m') AS key, ${visitors(way)} AS visitors, ${authenticated(way)} AS authenticated
       ${source(way, 'site')} GROUP BY key ORDER BY key`,
  },
];

function source(way: Way, from: Table): string {
  const days = 'day BETWEEN {first_day:Date} AND {last_day:Date}';
  if (way === 'uniqCombined64') return `FROM ${table(from)} WHERE ${days}`;
  return `FROM footfall.event WHERE ${days} AND type != 'leave' AND ${TABLES[from].where}`;
}

const visitors = (way: Way) => (way === 'uniqCombined64' ? `${way}Merge(visitor_set)` : `${way}(visitor)`);
const authenticated = (way: Way) =>
  way === 'uniqCombined64' ? `${way}Merge(authenticated_set)` : `${way}If(visitor, user_id != '')`;
const views = (way: Way) => (way === 'uniqCombined64' ? 'sum(views)' : "countIf(type = 'page_view')");
const counts = (way: Way) =>
  `${visitors(way)} AS visitors, ${authenticated(way)} AS authenticated, ${views(way)} AS page_views`;

/** One answer of a control. */
export async function askControl(
  client: ClickHouseClient,
  { statement }: Comparison,
  way: Way,
  { first_day, last_day }: Range,
): Promise<{ rows: Counted[]; whole: number }> {
  const start = performance.now();
  const rows = await select<Counted>(client, statement(way), { first_day, last_day });
  return { rows, whole: performance.now() - start };
}

/** The exact numbers with their shares, where there are any. */
export async function withShares(
  client: ClickHouseClient,
  { whole }: Comparison,
  { first_day, last_day }: Range,
  exact: Counted[],
): Promise<Counted[]> {
  if (whole === undefined) return exact;
  const [all] = await select<{ visitors: number }>(client, whole, { first_day, last_day });
  const share = (visitors: number) => Math.round((1_000 * visitors) / (all?.visitors ?? 0)) / 10;
  return exact.map((row) => ({ ...row, percentage: share(row.visitors) }));
}

/** Tables of states by day, made of raw. */
export async function makeStates(
  client: ClickHouseClient,
): Promise<Record<string, TableSize & { seconds: number }>> {
  const run = (query: string) => client.command({ query });
  await run('DROP DATABASE IF EXISTS control SYNC');
  await run('CREATE DATABASE control ENGINE = Atomic');
  const sizes: Record<string, TableSize & { seconds: number }> = {};
  const months = await select<{ month: number }>(
    client,
    'SELECT DISTINCT toYYYYMM(day) AS month FROM footfall.event ORDER BY month',
  );
  for (const name of ['site', 'division', 'page'] as const) {
    const start = performance.now();
    const { key, where } = TABLES[name];
    await run(`CREATE TABLE ${table(name)} (
      day Date,
      ${name === 'division' ? 'division_id UUID' : `${name} String`},
      visitor_set AggregateFunction(uniqCombined64, UInt64),
      authenticated_set AggregateFunction(uniqCombined64, UInt64),
      views SimpleAggregateFunction(sum, UInt64)
    ) ENGINE = AggregatingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (day, ${name === 'division' ? 'division_id' : name})`);
    for (const { month } of months) {
      await run(`INSERT INTO ${table(name)}
        SELECT day, ${name === 'division' ? 'division_id' : key} AS of_key, uniqCombined64State(visitor), uniqCombined64StateIf(visitor, user_id != ''),
          countIf(type = 'page_view')
        FROM footfall.event WHERE toYYYYMM(day) = ${month} AND type != 'leave' AND ${where} GROUP BY day, of_key`);
      await run(`OPTIMIZE TABLE ${table(name)} PARTITION ${month} FINAL`);
    }
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    sizes[table(name)] = { ...(await sizeOf(client, table(name))), seconds };
  }
  await settleMerges(client);
  return sizes;
}

export async function dropStates(client: ClickHouseClient): Promise<void> {
  await client.command({ query: 'DROP DATABASE control SYNC' });
}

/** Throws unless ours are the exact numbers, in the same order. */
export function mustBeEqual(what: string, ours: Counted[], exact: Counted[]): void {
  const fields = Object.keys(ours[0] ?? {});
  const text = (rows: Counted[]) =>
    JSON.stringify(
      rows.map((row) => fields.map((field) => Object.entries(row).find(([name]) => name === field)?.[1])),
    );
  if (text(ours) !== text(exact)) throw new Error(`${what}: ours ${text(ours)}, uniqExact ${text(exact)}`);
}

/** How far from the exact number a way is at most, in percent, and how many of the exact keys it does not name. */
export function errorOf(rows: Counted[], exact: Counted[]): { percent: number; missing: number } {
  const found = new Map(rows.map((row) => [row.key, row.visitors]));
  let percent = 0;
  let missing = 0;
  for (const { key, visitors } of exact) {
    const estimate = found.get(key);
    if (estimate === undefined) missing += 1;
    else percent = Math.max(percent, (100 * Math.abs(estimate - visitors)) / Math.max(1, visitors));
  }
  return { percent: Math.round(percent * 1_000) / 1_000, missing };
}
