/** Inserts units of events into a store of its own, and tells what an event has cost. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import { asConnection } from '../../clickhouse/chdb.ts';
import { openAnalytics } from '../../clickhouse/open.ts';
import { useOf } from '../processes.ts';
import { hundredths } from '../ranges/statistics.ts';
import { Events } from './events.ts';
import type { Asked, Inserted, Variant } from './messages.ts';

const EVENTS = 25_000;
const SECOND = 1_000;
const LAST_MERGES_MS = 5_000;
const TABLES = ['event', 'page_daily', 'trend_daily', 'division_daily', 'log_hourly'];

/** How a store is made another one. */
const STATEMENTS: Record<Variant, string[]> = {
  'as it is': [],
  'dictionaries by value': [
    'DROP VIEW footfall.event_intake_mv SYNC',
    'DROP TABLE footfall.event_intake SYNC',
    'CREATE TABLE footfall.event_intake AS footfall.event ENGINE = Null',
    'CREATE MATERIALIZED VIEW footfall.event_intake_mv TO footfall.event AS SELECT * FROM footfall.event_intake',
  ],
  'merges of five': TABLES.map(
    (table) => `ALTER TABLE footfall.${table} MODIFY SETTING merge_selector_base = 5`,
  ),
};

process.once('message', async (asked: Asked) => {
  process.send?.(await insert(asked));
  process.exit();
});

async function insert({ variant, units }: Asked): Promise<Inserted> {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-inserts-'));
  try {
    const store = await openAnalytics(`chdb://${folder}`, { rawDays: 400 });
    const client = createClient({ connection: asConnection(createChdbConnection({ path: folder })) });
    for (const query of STATEMENTS[variant]) await client.command({ query });
    const events = new Events(EVENTS);
    await store.insert(events.unit(EVENTS, Date.now()));

    let [making, waited] = [0, 0];
    const before = useOf(process.pid).processorSeconds;
    for (let n = 0; n < units; n++) {
      const began = performance.now();
      const madeFrom = process.cpuUsage();
      const unit = events.unit(EVENTS, Date.now());
      making += process.cpuUsage(madeFrom).user / 1e6;
      const from = performance.now();
      await store.insert(unit);
      waited += performance.now() - from;
      await pause(Math.max(0, began + SECOND - performance.now()));
    }
    await pause(LAST_MERGES_MS);
    const used = useOf(process.pid).processorSeconds - before - making;
    const each = (seconds: number) => hundredths((seconds * 1e6) / (units * EVENTS));
    const answer = {
      microseconds: each(used),
      waited: each(waited / SECOND),
    };
    await client.close();
    await store.close();
    return answer;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
