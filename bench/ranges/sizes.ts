/** What tables take on disk, once the engine has merged what it was about to merge. */
import { setTimeout as pause } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { select } from '../../clickhouse/statement.ts';

export interface TableSize {
  rows: number;
  parts: number;
  bytes: number;
  bytesByColumn: Record<string, number>;
}

/** Where merges go on for minutes, what they have left until then. */
const LONGEST_WAIT_MS = 300_000;

/** Until nothing is merged, nor is about to be: the return intervals are a part a partition, as they are a minute after a build. */
export async function settleMerges(client: ClickHouseClient): Promise<void> {
  const start = performance.now();
  for (let quiet = 0; quiet < 5 && performance.now() - start < LONGEST_WAIT_MS; ) {
    const [left] = await select<{ merges: number; parts: number }>(
      client,
      `SELECT (SELECT count() FROM system.merges) AS merges, count() - uniqExact(partition) AS parts
       FROM system.parts WHERE database = 'footfall' AND table = 'return_intervals' AND active`,
    );
    quiet = left?.merges === 0 && left.parts === 0 ? quiet + 1 : 0;
    await pause(500);
  }
}

export async function sizeOf(client: ClickHouseClient, table: string): Promise<TableSize> {
  const [database, name] = table.split('.');
  const active = `database = '${database}' AND table = '${name}' AND active`;
  const [whole] = await select<{ rows: number; parts: number; bytes: number }>(
    client,
    `SELECT sum(rows) AS rows, count() AS parts, sum(bytes_on_disk) AS bytes FROM system.parts WHERE ${active}`,
  );
  const columns = await select<{ column: string; bytes: number }>(
    client,
    `SELECT column, sum(column_bytes_on_disk) AS bytes FROM system.parts_columns WHERE ${active}
     GROUP BY column ORDER BY bytes DESC`,
  );
  return {
    ...(whole ?? { rows: 0, parts: 0, bytes: 0 }),
    bytesByColumn: Object.fromEntries(columns.map(({ column, bytes }) => [column, bytes])),
  };
}

/** Rows of the return intervals by dimension and grains of the day and the previous day. */
export async function rowsByDimension(client: ClickHouseClient): Promise<Record<string, number>> {
  const rows = await select<{ name: string; count: number }>(
    client,
    `SELECT concat(dimension, if(day_grain = 'day' AND previous_grain = 'day', '', concat(' ', toString(day_grain), ' ', toString(previous_grain)))) AS name,
       count() AS count
     FROM footfall.return_intervals GROUP BY name ORDER BY count DESC`,
  );
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
}
