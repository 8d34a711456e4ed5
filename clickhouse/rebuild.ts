/**
 * Derives days again from raw. A day is computed into a staging table with the very SELECT of the materialized view,
 * and then swapped in with REPLACE PARTITION. Which tables there are, the engine's own catalogue of views says.
 */
import { randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { REBUILD_SETTINGS } from './settings.ts';
import { select } from './statement.ts';

interface View {
  target: string;
  derivation: string;
}

/** The caller keeps inserts and other rebuilds away. `days` have been checked to be days. */
export async function rebuild(client: ClickHouseClient, days: readonly string[]): Promise<void> {
  await dropStaging(client);
  const views = await select<View>(
    client,
    `SELECT target_table AS target, as_select AS derivation FROM system.tables
     WHERE database = 'footfall' AND engine = 'MaterializedView' ORDER BY name`,
  );
  for (const { target, derivation } of views) {
    const staging = `footfall.staging_${target}_${randomUUID().replaceAll('-', '')}`;
    await client.command({ query: `CREATE TABLE ${staging} AS footfall.${target}` });
    for (const day of days) {
      await client.command({
        query: `INSERT INTO ${staging} ${derivation}
                SETTINGS ${REBUILD_SETTINGS}, additional_table_filters = {'footfall.event': 'day = \\'${day}\\''}`,
      });
      await client.command({
        query: `ALTER TABLE footfall.${target} REPLACE PARTITION '${day}' FROM ${staging}`,
        // A day without events becomes empty.
        clickhouse_settings: { allow_replace_partition_from_empty_source: 1 },
      });
    }
    await client.command({ query: `DROP TABLE ${staging} SYNC` });
  }
}

/** Removes what an interrupted rebuild left. One that still runs without its lock then fails instead of swapping in half a day. */
async function dropStaging(client: ClickHouseClient): Promise<void> {
  const leftovers = await select<{ name: string }>(
    client,
    `SELECT name FROM system.tables WHERE database = 'footfall' AND startsWith(name, 'staging_')`,
  );
  for (const { name } of leftovers)
    await client.command({ query: `DROP TABLE IF EXISTS footfall.${name} SYNC` });
}
