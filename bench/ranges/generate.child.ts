/** `generate.child.ts FOLDER SETTING`: fills a store, has its return intervals derived, and leaves what that took in `built.json`. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { monthsOf } from '../../clickhouse/slices.ts';
import { select } from '../../clickhouse/statement.ts';
import { daysBetween } from '../../contract/reporting-day.ts';
import type { Built } from './built.ts';
import { fillRaw, type Stretch } from './history.ts';
import { withMemory } from './memory.ts';
import { firstDayOf, open, type Setting, yesterdayOf } from './setting.ts';
import { rowsByDimension, settleMerges, sizeOf, type TableSize } from './sizes.ts';

const [, , folder = '', text = ''] = process.argv;
const setting: Setting = JSON.parse(text);
const { events, days, visitors, today, now } = setting;
const yesterday = yesterdayOf(setting);
const seconds = (since: number) => Math.round((performance.now() - since) / 100) / 10;

const { store, client, close } = await open(folder, setting);
const generating = performance.now();
await fillRaw(client, visitors, stretchesOf(), ({ firstDay, events }) =>
  console.error(`${firstDay}: ${events} events, ${seconds(generating)} s`),
);
await fillLedger();
await store.rebuildDays([today]);
const generatedIn = seconds(generating);

const { result: buildSeconds, memory } = await withMemory(async () => {
  const start = performance.now();
  await store.updateIntervals({ lastDay: yesterday, onProgress });
  return seconds(start);
});
await settleMerges(client);

const raw = await sizeOf(client, 'footfall.event');
const intervals = await sizeOf(client, 'footfall.return_intervals');
const lastSeen = await sizeOf(client, 'footfall.last_seen');
const [distinct] = await select<Record<string, number>>(
  client,
  `SELECT uniqExact(visitor) AS visitors, uniqExact(page) AS pages, uniqExact(community_id) AS communities,
     uniqExact(division_id) AS divisions, countIf(type = 'page_view') AS page_views FROM footfall.event`,
);
const ratio = ({ bytes }: TableSize) => Math.round((1_000 * bytes) / raw.bytes) / 1_000;
const built: Built = {
  setting,
  distinct: distinct ?? {},
  generatedInSeconds: generatedIn,
  buildSeconds,
  buildMemory: memory,
  raw: { ...raw, bytesPerEvent: Math.round((10 * raw.bytes) / raw.rows) / 10 },
  returnIntervals: { ...intervals, rowsByDimension: await rowsByDimension(client), toRaw: ratio(intervals) },
  lastSeen: { ...lastSeen, toRaw: ratio(lastSeen) },
};
await close();
await writeFile(join(folder, 'built.json'), JSON.stringify(built));

function onProgress(done: number, total: number): void {
  console.error(`derived ${Math.round((100 * done) / total)} % of ${total} events`);
}

/** A month each, and the open day. */
function stretchesOf(): Stretch[] {
  const perDay = events / days;
  const stretches: Stretch[] = [];
  let past = 0;
  for (const { first_day, last_day } of monthsOf(firstDayOf(setting), yesterday)) {
    const length = daysBetween(first_day, last_day).length;
    const [firstEvent, end] = [Math.round(past * perDay), Math.round((past + length) * perDay)];
    stretches.push({ firstEvent, events: end - firstEvent, firstDay: first_day, days: length });
    past += length;
  }
  return [
    ...stretches,
    { firstEvent: events, events: Math.round(perDay), firstDay: today, days: 1, until: now },
  ];
}

/** By the SELECT of its view, for the days before today. */
async function fillLedger(): Promise<void> {
  const [view] = await select<{ derivation: string }>(
    client,
    `SELECT as_select AS derivation FROM system.tables WHERE database = 'footfall' AND name = 'log_hourly_mv'`,
  );
  await client.command({
    query: `INSERT INTO footfall.log_hourly ${view?.derivation}
      SETTINGS max_partitions_per_insert_block = 0, additional_table_filters = {'footfall.event': 'day < \\'${today}\\''}`,
  });
}
