/** Removes people's events from raw, and what the return intervals keep of visitors by name. */
import type { ClickHouseClient } from '@clickhouse/client';
import { bind } from './bind.ts';
import type { Layout } from './layout.ts';
import type { PeoplesEvents } from './queries.ts';
import { DERIVE_SETTINGS } from './settings.ts';

/** Resolves when no part that can be read has them; parts that had them leave the disk within minutes. */
export async function erase(client: ClickHouseClient, layout: Layout, of: PeoplesEvents): Promise<void> {
  const { onCluster, local } = layout;
  const mutate = async (table: string, where: string) => {
    await client.command({
      query: `ALTER TABLE footfall.${local(table)}${onCluster} DELETE WHERE ${where}`,
      clickhouse_settings: { ...DERIVE_SETTINGS, ...bind(of), mutations_sync: '2' },
    });
  };
  await mutate(
    'event',
    `(visitor IN {visitors:Array(UInt64)} OR (user_id != '' AND user_id = unhex({user_hex:String})))
     AND log_offset < transform(log_partition, {partitions:Array(UInt16)}, {next_offsets:Array(UInt64)}, toUInt64(0))`,
  );
  if (of.visitors.length > 0) await mutate('last_seen', 'visitor IN {visitors:Array(UInt64)}');
}
