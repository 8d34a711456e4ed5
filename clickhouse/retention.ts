/**
 * How long raw rows stay: `rawDays` after they were received, and up to a week more, since the engine rewrites a month no
 * more often for what has expired of it. By receipt and not by day, so that imported history stays as long as the rest.
 * The minutes of presence, which nothing else can be made of, stay as long.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { addDays } from '../contract/reporting-day.ts';
import type { Layout } from './layout.ts';
import { select } from './statement.ts';

/** What a row's age counts from, by table. */
const EXPIRING = { event: 'received_at', presence_minute: 'minute' };

/** Sets the TTL of tables where it differs. The engine then dates their parts anew in the background. */
export async function keepFor(client: ClickHouseClient, rawDays: number, layout: Layout): Promise<void> {
  for (const [name, from] of Object.entries(EXPIRING)) {
    // One more, because a day of a zone east of UTC begins on the day before.
    await expireBy(client, layout, name, `toDate(${from}) + toIntervalDay(${rawDays + 1})`);
  }
}

async function expireBy(client: ClickHouseClient, layout: Layout, name: string, ttl: string): Promise<void> {
  const table = layout.local(name);
  const [current] = await select<{ engine_full: string }>(
    client,
    `SELECT engine_full FROM system.tables WHERE database = 'footfall' AND name = '${table}'`,
  );
  if (current?.engine_full.includes(`TTL ${ttl}`)) return;
  await client.command({
    query: `ALTER TABLE footfall.${table}${layout.onCluster} MODIFY TTL ${ttl}`,
    clickhouse_settings: { mutations_sync: '0' },
  });
}

/** Whether raw still has every row of a day. */
export function rawIsWhole(day: string, rawDays: number, now: number): boolean {
  return day > addDays(new Date(now).toISOString().slice(0, 10), -rawDays);
}
