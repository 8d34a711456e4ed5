/** That everything which was acknowledged is counted, and nothing twice: asked of the stores, past the product's own numbers. */
import { join } from 'node:path';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import { asConnection } from '../../clickhouse/chdb.ts';
import { embeddedSessionFigures } from '../../integrity/stores.ts';

export interface Stored {
  /** Rows of raw, different places in the log and different event ids among them, and their page views. */
  rows: number;
  places: number;
  eventIds: number;
  pageViews: number;
  /** What the derived tables were made of. */
  inViews: number;
  viewsPageViews: number;
  /** Derived tables whose page views are not those that raw has of the same days. */
  wrongViews: string[];
  sessions: number;
  sessionPageViews: number;
}

/** Of an installation that has stopped. Ids are told apart a partition of the log at a time, so that it takes little memory. */
export async function storedIn(folder: string, partitions: number): Promise<Stored> {
  const client = createClient({
    connection: asConnection(createChdbConnection({ path: join(folder, 'clickhouse') })),
  });
  let [rows, places, eventIds, pageViews] = [0, 0, 0, 0];
  for (let partition = 0; partition < partitions; partition++) {
    const found = await one(
      client,
      `SELECT count() AS rows, uniqExact(log_offset, log_index) AS places, uniqExact(event_id) AS event_ids,
              countIf(type = 'page_view') AS page_views
       FROM footfall.event WHERE log_partition = ${partition}`,
    );
    rows += found.rows ?? 0;
    places += found.places ?? 0;
    eventIds += found.event_ids ?? 0;
    pageViews += found.page_views ?? 0;
  }
  const log = await one(client, 'SELECT sum(events) AS events, sum(views) AS views FROM footfall.log_hourly');
  const wrongViews: string[] = [];
  for (const table of ['page_daily', 'trend_daily', 'division_daily']) {
    const { derived, raw } = await one(
      client,
      `SELECT (SELECT sum(views) FROM footfall.${table}) AS derived,
              (SELECT countIf(type = 'page_view') FROM footfall.event
               WHERE day IN (SELECT DISTINCT day FROM footfall.${table})) AS raw`,
    );
    if (derived !== raw) wrongViews.push(`${table}: ${derived}, and raw has ${raw}`);
  }
  await client.close();
  const sessions = await embeddedSessionFigures(folder);
  return {
    rows,
    places,
    eventIds,
    pageViews,
    inViews: log.events ?? 0,
    viewsPageViews: log.views ?? 0,
    wrongViews,
    sessions: sessions.sessions,
    sessionPageViews: sessions.pageViews,
  };
}

/** In words; empty when everything is there once. */
export function differences(stored: Stored, sent: { acknowledged: number; pageViews: number }): string[] {
  const expected: [Exclude<keyof Stored, 'wrongViews'>, number][] = [
    ['rows', sent.acknowledged],
    ['places', sent.acknowledged],
    ['eventIds', sent.acknowledged],
    ['inViews', sent.acknowledged],
    ['pageViews', sent.pageViews],
    ['viewsPageViews', sent.pageViews],
    ['sessionPageViews', sent.pageViews],
  ];
  return expected
    .filter(([name, wanted]) => stored[name] !== wanted)
    .map(([name, wanted]) => `${name}: ${stored[name]}, and ${wanted} were acknowledged`)
    .concat(stored.wrongViews);
}

async function one(client: ClickHouseClient, query: string): Promise<Record<string, number>> {
  const answer = await client.query({
    query,
    format: 'JSONEachRow',
    clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
  });
  const [row = {}] = await answer.json<Record<string, number>>();
  return row;
}
