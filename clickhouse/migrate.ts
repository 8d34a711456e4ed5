/**
 * Runs `migrations/NNNN_name.sql` in order, each once. A file that was interrupted runs again from its start,
 * so its statements say IF NOT EXISTS, which also lets several processes do it at once; a statement ends with `;` at
 * the end of a line.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Layout } from './layout.ts';
import { AnalyticsStoreError } from './port.ts';
import { select } from './statement.ts';

const FOLDER = new URL('./migrations/', import.meta.url);
/** Of raw. */
const VIEW = /^CREATE MATERIALIZED VIEW [^;]*^FROM footfall\.event$/m;

/** Names of all migrations, in order. */
function migrations(): string[] {
  return readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .sort();
}

/** Names of those that the store has had, in order. */
export async function appliedMigrations(client: ClickHouseClient): Promise<string[]> {
  const rows = await select<{ name: string }>(
    client,
    'SELECT DISTINCT name FROM footfall.migration ORDER BY name',
  );
  return rows.map(({ name }) => name);
}

/** @throws AnalyticsStoreError `newer_schema` when one of `applied`, which are in order, is none of this version's */
export function requireKnown(applied: readonly string[]): void {
  const known = migrations();
  const newest = applied.findLast((name) => !known.includes(name));
  if (newest === undefined) return;
  throw new AnalyticsStoreError(
    'newer_schema',
    `the analytics store was written by another version: it has migration ${newest}, and this one knows them up to ${known.at(-1)}`,
  );
}

/**
 * Answers the migrations whose views a store that was there before has only now: their tables have nothing of the events that it has. They
 * are to be recorded with {@link recordMigrations} once they do. Until then they count as interrupted.
 *
 * @throws AnalyticsStoreError `newer_schema` when the store was written by a version with other migrations
 */
export async function migrate(client: ClickHouseClient, layout: Layout): Promise<string[]> {
  const { onCluster, sharedEngine } = layout;
  await client.command({ query: `CREATE DATABASE IF NOT EXISTS footfall${onCluster} ENGINE = Atomic` });
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS footfall.migration${onCluster}
            (name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
            ENGINE = ${sharedEngine} ORDER BY name`,
  });

  const applied = new Set(await appliedMigrations(client));
  requireKnown([...applied]);

  const toDerive: string[] = [];
  for (const name of migrations()) {
    if (applied.has(name)) continue;
    let hasViews = false;
    for (const statement of statementsOf(readFileSync(new URL(name, FOLDER), 'utf8'))) {
      hasViews ||= VIEW.test(statement);
      for (const query of layout.definitions(statement)) await client.command({ query });
    }
    if (hasViews && applied.size > 0) toDerive.push(name);
    else await recordMigrations(client, [name]);
  }
  return toDerive;
}

export async function recordMigrations(client: ClickHouseClient, names: readonly string[]): Promise<void> {
  const values = names.map((name) => ({ name }));
  await client.insert({ table: 'footfall.migration', values, format: 'JSONEachRow' });
}

export function statementsOf(file: string): string[] {
  return file
    .replaceAll(/^--.*$/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
