/** What the stores hold, asked in their own words, past the product's queries. */
import { join } from 'node:path';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import pg from 'pg';
import { asConnection } from '../clickhouse/chdb.ts';
import { EmbeddedServer } from '../postgres/embedded.ts';

export interface AnalyticsFigures {
  rows: number;
  eventIds: number;
  pageViews: number;
  visitors: number;
  /**
   * Page views of each derived table, its visitors (of the table that counts none: its events), and what raw says they
   * should be; of days that are not closed, but for the ledger's.
   */
  views: Record<string, { pageViews: number; counted: number; rawPageViews: number; rawCounted: number }>;
}

const LAST_CLOSED_DAY = `SELECT max(day) FROM footfall.return_intervals WHERE dimension = 'derived' AND NOT is_open`;

/** Of the embedded store of an installation that has stopped. */
export async function embeddedAnalyticsFigures(folder: string): Promise<AnalyticsFigures> {
  const connection = createChdbConnection({ path: join(folder, 'clickhouse') });
  return analyticsFigures(createClient({ connection: asConnection(connection) }));
}

/** Closes the client. */
export async function analyticsFigures(client: ClickHouseClient): Promise<AnalyticsFigures> {
  const ask = async (query: string): Promise<Record<string, number>[]> => {
    const settings = { output_format_json_quote_64bit_integers: 0 } as const;
    const answer = await client.query({ query, format: 'JSONEachRow', clickhouse_settings: settings });
    return await answer.json();
  };
  const askOne = async (query: string): Promise<Record<string, number>> => (await ask(query))[0] ?? {};

  const raw = await askOne(
    `SELECT count() AS rows, uniqExact(event_id) AS event_ids, countIf(type = 'page_view') AS page_views,
            uniqExactIf(visitor, type != 'leave') AS visitors FROM footfall.event`,
  );
  const figures: AnalyticsFigures = {
    rows: raw.rows ?? -1,
    eventIds: raw.event_ids ?? -1,
    pageViews: raw.page_views ?? -1,
    visitors: raw.visitors ?? -1,
    views: {},
  };
  const views = await client.query({
    query: `SELECT name, as_select FROM system.tables WHERE database = 'footfall' AND engine = 'MaterializedView' AND target_table != 'event'`,
    format: 'JSONEachRow',
  });
  for (const { name, as_select } of await views.json<{ name: string; as_select: string }>()) {
    const table = name.replace(/_mv$/, '');
    const counted = table === 'log_hourly' ? 'sum(events)' : 'uniqExactMerge(visitor_set)';
    const totals = `sum(views) AS page_views, ${counted} AS counted`;
    const days = table === 'log_hourly' ? 'true' : `day > (${LAST_CLOSED_DAY})`;
    const derived = await askOne(`SELECT ${totals} FROM footfall.${table} WHERE ${days}`);
    const fromRaw = await askOne(`SELECT ${totals} FROM (${as_select}) WHERE ${days}`);
    figures.views[table] = {
      pageViews: derived.page_views ?? -1,
      counted: derived.counted ?? -1,
      rawPageViews: fromRaw.page_views ?? -1,
      rawCounted: fromRaw.counted ?? -1,
    };
  }
  await client.close();
  return figures;
}

export interface SessionFigures {
  sessions: number;
  pageViews: number;
  conversions: number;
}

/** Of the embedded store of an installation that has stopped. */
export async function embeddedSessionFigures(folder: string): Promise<SessionFigures> {
  const server = await EmbeddedServer.open(join(folder, 'postgres'), () => {});
  try {
    return await sessionFigures(await server.connection());
  } finally {
    await server.stop();
  }
}

export async function sessionFigures(connection: pg.ClientConfig | string): Promise<SessionFigures> {
  const client = new pg.Client(connection);
  await client.connect();
  try {
    const { rows } = await client.query<Record<keyof SessionFigures, string>>(
      `select count(*) as sessions, coalesce(sum(page_views), 0) as "pageViews", count(converted_at) as conversions
       from anonymous_session`,
    );
    const [row] = rows;
    return {
      sessions: Number(row?.sessions),
      pageViews: Number(row?.pageViews),
      conversions: Number(row?.conversions),
    };
  } finally {
    await client.end();
  }
}
