/** A change of the reporting zone: every event moves to the day that the new zone says, once, wherever it is broken off. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { calendar, daysBetween } from '../contract/reporting-day.ts';
import { asConnection } from './chdb.ts';
import { ONE_SERVER } from './layout.ts';
import { openAnalytics } from './open.ts';
import type { EventRow } from './port.ts';
import { randomEvents, reference, sorted } from './reference.case.ts';
import { rezoneRaw } from './zone.ts';

const seed = Date.now() % 2 ** 31;
const events = randomEvents(seed, 1_500, daysBetween('2025-03-28', '2025-04-06'));
/** Its clock moves by half an hour at a turn of the month here. */
const ZONES = ['Australia/Lord_Howe', 'Asia/Kathmandu', 'UTC'];

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'footfall-zone-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const open = (timeZone: string, anyZone = false) =>
  openAnalytics(`chdb://${directory}`, { rawDays: 36_500, timeZone, anyZone });

function inZone(zone: string): EventRow[] {
  const { dayOf, hourOf } = calendar(zone);
  return events.map((event) => ({
    ...event,
    day: dayOf(event.happened_at),
    hour: hourOf(event.happened_at),
  }));
}

it(`needs a rebuild, and the start says so (seed ${seed})`, async () => {
  const before = await open('UTC');
  for (const month of ['2025-03', '2025-04'])
    await before.insert(events.filter(({ day }) => day.startsWith(month)));
  await before.updateIntervals({ lastDay: '2025-04-04' });
  await before.close();

  await expect(open('Asia/Kathmandu')).rejects.toMatchObject({
    code: 'other_zone',
    message: expect.stringMatching(/UTC.*Asia\/Kathmandu.*rebuild/),
  });

  const changing = await open('Asia/Kathmandu', true);
  await changing.changeZone(calendar('Asia/Kathmandu'), { lastDay: '2025-04-04' });
  await changing.close();
  const store = await open('Asia/Kathmandu');
  try {
    const expected = reference(inZone('Asia/Kathmandu'));
    const range = { first_day: '2025-03-29', last_day: '2025-04-06' };
    const trend = { ...range, dimension: 'site', key: '', interval: 'day' } as const;
    expect(sorted(await store.read('trends', trend))).toEqual(sorted(expected.trends(trend)));
    const hours = { ...range, dimension: 'hour', prefix: '' } as const;
    expect(sorted(await store.read('trends_hourly', hours))).toEqual(sorted(expected.trends_hourly(hours)));
    const pages = { day: '2025-04-06', limit: 100, offset: 0 };
    expect(await store.read('today_pages', pages)).toEqual(expected.today_pages(pages));
    await store.changeZone(calendar('UTC'), { lastDay: '2025-04-04' });
  } finally {
    await store.close();
  }
});

it(`loses nothing wherever it is broken off (seed ${seed})`, { timeout: 120_000 }, async () => {
  const client = createClient({ connection: asConnection(createChdbConnection({ path: directory })) });
  const run = client.command.bind(client);
  try {
    for (let broken = true, last = 0; broken; last++) {
      const zone = ZONES[last % ZONES.length] ?? 'UTC';
      let statements = 0;
      broken = false;
      client.command = (command) => {
        statements += 1;
        if (statements <= last) return run(command);
        broken = true;
        return Promise.reject(new Error('broken off'));
      };
      const changing = rezoneRaw(client, ONE_SERVER, calendar(zone));
      await changing.catch((error) => expect(error.message).toBe('broken off'));
      client.command = run;
      await rezoneRaw(client, ONE_SERVER, calendar(zone));

      const result = await client.query({
        query: `SELECT log_partition, log_offset, log_index, toString(day) AS day, toUnixTimestamp64Milli(hour) AS hour
                FROM footfall.event ORDER BY ALL`,
        format: 'JSONEachRow',
        clickhouse_settings: { output_format_json_quote_64bit_integers: 0 },
      });
      const rows = inZone(zone)
        .map(({ log_partition, log_offset, log_index, day, hour }) => ({
          ...{ log_partition, log_offset, log_index, day, hour },
        }))
        .sort(
          (a, b) =>
            a.log_partition - b.log_partition ||
            a.log_offset - b.log_offset ||
            a.log_index - b.log_index ||
            a.hour - b.hour,
        );
      expect(await result.json()).toEqual(rows);
    }
  } finally {
    await client.close();
  }
});
