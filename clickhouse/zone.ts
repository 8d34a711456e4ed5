/**
 * The reporting zone of the stored events, and how it is changed.
 *
 * Raw rows carry their day and hour, and are cut by month. To change the zone they are written again, beside the old ones;
 * months are then swapped in one by one, by whoever comes until all are. The new zone is recorded last, so
 * a change that was broken off is begun again, or completed where the new rows were whole.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { Calendar } from '../contract/reporting-day.ts';
import { bind } from './bind.ts';
import type { Layout } from './layout.ts';
import { AnalyticsStoreError } from './port.ts';
import { DERIVE_SETTINGS } from './settings.ts';
import { select } from './statement.ts';

/** Rows of the new zone: while they are being written, and when they are whole. */
const WRITING = 'rezoning_event';
const WRITTEN = 'rezoned_event';
/** Day and hour of each quarter of an hour in which anything happened: offsets of zones change at such. */
const QUARTER = 'rezoning_quarter';

/** Records the zone of a store that has none yet. @throws AnalyticsStoreError `other_zone` where it has another one */
export async function requireZone(client: ClickHouseClient, timeZone: string): Promise<void> {
  const recorded = await recordedZone(client);
  if (recorded === timeZone) return;
  if (recorded === undefined || (await isEmpty(client))) return await recordZone(client, timeZone);
  throw new AnalyticsStoreError(
    'other_zone',
    `the stored events have days of ${recorded}, and ANALYTICS_TIMEZONE is ${timeZone}: ` +
      'run `footfall rebuild` to count all of them by the new days, or set the old zone again',
  );
}

export async function recordedZone(client: ClickHouseClient): Promise<string | undefined> {
  const [row] = await select<{ time_zone: string }>(
    client,
    'SELECT time_zone FROM footfall.reporting_zone ORDER BY since DESC LIMIT 1',
  );
  return row?.time_zone;
}

export async function recordZone(client: ClickHouseClient, timeZone: string): Promise<void> {
  await client.insert({
    table: 'footfall.reporting_zone',
    values: [{ time_zone: timeZone }],
    format: 'JSONEachRow',
    clickhouse_settings: DERIVE_SETTINGS,
  });
}

/**
 * Gives every raw row the day and hour that `calendar` says. The caller keeps inserts away.
 * @param onProgress is told days that are written, of all
 */
export async function rezoneRaw(
  client: ClickHouseClient,
  layout: Layout,
  calendar: Calendar,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  const { onCluster, local, spread, sync } = layout;
  const run = async (query: string, params: object = {}) => {
    await client.command({ query, clickhouse_settings: { ...DERIVE_SETTINGS, ...bind(params) } });
  };
  const drop = async (...tables: string[]) => {
    for (const table of new Set(tables.flatMap((name) => [name, local(name)])))
      await run(`DROP TABLE IF EXISTS footfall.${table}${onCluster} SYNC`);
  };

  if (!(await exists(client, layout, WRITTEN))) {
    await drop(WRITING, QUARTER);
    await run(`CREATE TABLE footfall.${local(WRITING)}${onCluster} AS footfall.${local('event')}`);
    for (const statement of spread(WRITING)) await run(statement);
    await writeQuarters(client, layout, calendar);
    const days = await daysOfRaw(client);
    for (const [n, day] of days.entries()) {
      onProgress?.(n, days.length);
      await run(
        `INSERT INTO footfall.${WRITING}
         SELECT event.* REPLACE (quarter.day AS day, quarter.hour AS hour)
         FROM footfall.event
         GLOBAL INNER JOIN footfall.${QUARTER} AS quarter ON quarter.quarter = toStartOfFifteenMinutes(toDateTime(event.happened_at, 'UTC'))
         WHERE event.day = {day:Date}`,
        { day },
      );
    }
    await requireAll(client);
    await run(`RENAME TABLE footfall.${local(WRITING)} TO footfall.${local(WRITTEN)}${onCluster}`);
  }
  for (const statement of sync(WRITTEN)) await run(statement);
  for (const id of await partitionsOf(client, layout, [local('event'), local(WRITTEN)]))
    await run(
      `ALTER TABLE footfall.${local('event')}${onCluster} REPLACE PARTITION ID '${id}' FROM footfall.${local(WRITTEN)}`,
    );
  await drop(WRITING, WRITTEN, QUARTER);
}

export async function daysOfRaw(client: ClickHouseClient): Promise<string[]> {
  const rows = await select<{ day: string }>(
    client,
    'SELECT DISTINCT toString(event.day) AS day FROM footfall.event ORDER BY day',
  );
  return rows.map(({ day }) => day);
}

/** Days of which raw no longer has every event that was once counted. */
export async function expiredDays(client: ClickHouseClient): Promise<string[]> {
  const rows = await select<{ day: string }>(
    client,
    `SELECT toString(counted.day) AS day
     FROM (SELECT log_hourly.day AS day, sum(events) AS events FROM footfall.log_hourly GROUP BY day) AS counted
     LEFT JOIN (SELECT event.day AS day, count() AS events FROM footfall.event GROUP BY day) AS raw ON raw.day = counted.day
     WHERE raw.events < counted.events`,
  );
  return rows.map(({ day }) => day);
}

/** By the calendar that gives events their days when they are counted, so that there is one rule. */
async function writeQuarters(client: ClickHouseClient, layout: Layout, calendar: Calendar): Promise<void> {
  const { onCluster, local, spread } = layout;
  await client.command({
    query: `CREATE TABLE footfall.${local(QUARTER)}${onCluster}
            (quarter DateTime('UTC'), day Date, hour DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY quarter`,
  });
  for (const query of spread(QUARTER)) await client.command({ query });
  const quarters = await select<{ quarter: number }>(
    client,
    `SELECT DISTINCT toUnixTimestamp(toStartOfFifteenMinutes(toDateTime(happened_at, 'UTC'))) * 1000 AS quarter FROM footfall.event`,
  );
  if (quarters.length === 0) return;
  await client.insert({
    table: `footfall.${QUARTER}`,
    values: quarters.map(({ quarter }) => ({
      quarter: quarter / 1_000,
      day: calendar.dayOf(quarter),
      hour: calendar.hourOf(quarter),
    })),
    format: 'JSONEachRow',
    clickhouse_settings: DERIVE_SETTINGS,
  });
}

async function requireAll(client: ClickHouseClient): Promise<void> {
  const count = async (table: string) =>
    (await select<{ rows: number }>(client, `SELECT count() AS rows FROM footfall.${table}`))[0]?.rows;
  const [old, written] = await Promise.all([count('event'), count(WRITING)]);
  if (old === written) return;
  throw new AnalyticsStoreError(
    'failed',
    `${written} of ${old} events were written with their new days: is a pipeline still running?`,
  );
}

async function isEmpty(client: ClickHouseClient): Promise<boolean> {
  return (await select(client, 'SELECT 1 AS found FROM footfall.event LIMIT 1')).length === 0;
}

async function exists(client: ClickHouseClient, layout: Layout, table: string): Promise<boolean> {
  const rows = await select(
    client,
    `SELECT 1 AS found FROM system.tables WHERE database = 'footfall' AND name = '${layout.local(table)}'`,
  );
  return rows.length > 0;
}

async function partitionsOf(client: ClickHouseClient, layout: Layout, tables: string[]): Promise<string[]> {
  const rows = await select<{ id: string }>(
    client,
    `SELECT DISTINCT partition_id AS id FROM ${layout.everywhere('system.parts')}
     WHERE database = 'footfall' AND active AND table IN (${tables.map((table) => `'${table}'`)}) ORDER BY id`,
  );
  return rows.map(({ id }) => id);
}
