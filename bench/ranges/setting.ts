/** What a run of the bench is about, and its opened store. */
import { join } from 'node:path';
import { type ClickHouseClient, type ClickHouseSettings, createClient } from '@clickhouse/client';
import { asConnection } from '../../clickhouse/chdb.ts';
import { openAnalytics } from '../../clickhouse/open.ts';
import type { AnalyticsStore } from '../../clickhouse/port.ts';
import { addDays } from '../../contract/reporting-day.ts';

/** Days are of UTC. */
export interface Setting {
  /** Of the closed days; the open one has some more. */
  events: number;
  days: number;
  visitors: number;
  /** The open day. */
  today: string;
  /** What every clock says, ms since the epoch. */
  now: number;
}

export const yesterdayOf = ({ today }: Setting) => addDays(today, -1);
export const firstDayOf = ({ today, days }: Setting) => addDays(today, -days);

/** At 18:00 of a day. */
export function settingOf(events: number, days: number, today: string): Setting {
  return { events, days, visitors: Math.ceil(events / 20), today, now: Date.parse(`${today}T18:00:00Z`) };
}

/** The store of a folder, and a client of the bench's own beside it, on the same engine. */
export interface Opened {
  store: AnalyticsStore;
  client: ClickHouseClient;
  close(): Promise<void>;
}

export async function open(
  folder: string,
  setting: Setting,
  settings: ClickHouseSettings = {},
): Promise<Opened> {
  const path = join(folder, 'clickhouse');
  const store = await openAnalytics(`chdb://${path}`, { rawDays: 36_500, now: () => setting.now });
  const { createChdbConnection } = await import('chdb/connection');
  const client = createClient({
    connection: asConnection(createChdbConnection({ path })),
    clickhouse_settings: settings,
  });
  return {
    store,
    client,
    async close() {
      await client.close();
      await store.close();
    },
  };
}
