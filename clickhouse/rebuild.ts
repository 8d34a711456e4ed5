/**
 * Derives days again from raw. A day is computed into a staging table with the very SELECT of the materialized view,
 * and then swapped in with REPLACE PARTITION. Which tables there are, the engine's own catalogue of views says.
 */
import { randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Layout } from './layout.ts';
import { REBUILD_SETTINGS } from './settings.ts';
import { select } from './statement.ts';

const STAGING = 'staging_';

interface View {
  target: string;
  derivation: string;
}

/**
 * The caller keeps inserts and other rebuilds away. `days` have been checked to be days. On a cluster each shard derives from
 * its own rows, and swaps its own partition.
 */
export async function rebuild(
  client: ClickHouseClient,
  days: readonly string[],
  layout: Layout,
): Promise<void> {
  const { onCluster } = layout;
  await dropStaging(client, layout);
  await run(client, layout.sync('event'));
  const views = await select<View>(
    client,
    `SELECT target_table AS target, as_select AS derivation FROM system.tables
     WHERE database = 'footfall' AND engine = 'MaterializedView' AND target_table != '${layout.local('event')}' ORDER BY name`,
  );
  for (const { target, derivation } of views) {
    const staging = `${STAGING}${target}_${randomUUID().replaceAll('-', '')}`;
    const source = derivation.replaceAll(`footfall.${layout.local('event')}`, 'footfall.event');
    await run(client, [
      `CREATE TABLE footfall.${layout.local(staging)}${onCluster} AS footfall.${target}`,
      ...layout.spread(staging),
    ]);
    for (const day of days) {
      await run(client, [
        `INSERT INTO footfall.${staging} ${source}
         SETTINGS ${REBUILD_SETTINGS}, additional_table_filters = ${onlyOf(day, layout)}`,
        ...layout.sync(staging),
        `ALTER TABLE footfall.${target}${onCluster} REPLACE PARTITION '${day}' FROM footfall.${layout.local(staging)}`,
      ]);
    }
    await dropTables(client, layout, [staging, layout.local(staging)]);
  }
}

/** Whichever table a shard reads by then. */
function onlyOf(day: string, layout: Layout): string {
  const tables = new Set(['event', layout.local('event')]);
  return `{${[...tables].map((table) => `'footfall.${table}': 'day = \\'${day}\\''`).join(', ')}}`;
}

async function run(client: ClickHouseClient, statements: string[]): Promise<void> {
  for (const query of statements) {
    await client.command({
      query,
      clickhouse_settings: {
        // A day without events becomes empty.
        allow_replace_partition_from_empty_source: 1,
        // On all replicas before the next statement.
        alter_sync: '2',
      },
    });
  }
}

/** Removes what an interrupted rebuild left. One that still runs without its lock then fails instead of swapping in half a day. */
async function dropStaging(client: ClickHouseClient, layout: Layout): Promise<void> {
  const leftovers = await select<{ name: string }>(
    client,
    `SELECT DISTINCT name FROM ${layout.everywhere('system.tables')}
     WHERE database = 'footfall' AND startsWith(name, '${STAGING}')`,
  );
  await dropTables(
    client,
    layout,
    leftovers.map(({ name }) => name),
  );
}

async function dropTables(client: ClickHouseClient, layout: Layout, names: string[]): Promise<void> {
  await run(
    client,
    [...new Set(names)].map((name) => `DROP TABLE IF EXISTS footfall.${name}${layout.onCluster} SYNC`),
  );
}
