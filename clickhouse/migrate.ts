/**
 * Runs `migrations/NNNN_name.sql` in order, each once. A file that was interrupted runs again from its start,
 * so its statements say IF NOT EXISTS; a statement ends with `;` at the end of a line.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { ClickHouseClient } from '@clickhouse/client';
import { AnalyticsStoreError } from './port.ts';
import { select } from './statement.ts';

const FOLDER = new URL('./migrations/', import.meta.url);

/** @throws AnalyticsStoreError `failed` when the store was written by a newer version */
export async function migrate(client: ClickHouseClient): Promise<void> {
  await client.command({ query: 'CREATE DATABASE IF NOT EXISTS footfall ENGINE = Atomic' });
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS footfall.migration (name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
            ENGINE = MergeTree ORDER BY name`,
  });

  const files = readdirSync(FOLDER)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const rows = await select<{ name: string }>(client, 'SELECT name FROM footfall.migration');
  const applied = new Set(rows.map(({ name }) => name));
  for (const name of applied) {
    if (!files.includes(name)) {
      throw new AnalyticsStoreError(
        'failed',
        `the store has migration ${name}, which this version does not know`,
      );
    }
  }

  for (const name of files) {
    if (applied.has(name)) continue;
    for (const query of statements(readFileSync(new URL(name, FOLDER), 'utf8')))
      await client.command({ query });
    await client.insert({ table: 'footfall.migration', values: [{ name }], format: 'JSONEachRow' });
  }
}

function statements(file: string): string[] {
  return file
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}
