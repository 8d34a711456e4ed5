/** A process that dies in the middle of inserts leaves whole batches, and views that a rebuild makes right. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ChildNews } from './insert.child.ts';
import { startInserting } from './inserting-process.case.ts';
import { openAnalytics } from './open.ts';
import { NIL_UUID } from './port.ts';
import { batch, random, reference, sorted } from './reference.case.ts';

const KILLS = 5;
const seed = Date.now() % 2 ** 31;
const days = ['2026-11-01', '2026-11-02', '2026-11-03'];

it(`keeps a batch whole or not at all through ${KILLS} kills (seed ${seed})`, {
  timeout: 120_000,
}, async () => {
  const next = random(seed);
  const directory = await mkdtemp(join(tmpdir(), 'footfall-kill-'));
  const acknowledged = new Set<number>();
  let started = -1;
  const note = (news: ChildNews) => {
    if ('failed' in news) throw new Error(`${news.failed}: ${news.message}`);
    if ('started' in news) started = Math.max(started, news.started);
    if ('done' in news) acknowledged.add(news.done);
  };

  for (let kill = 0; kill < KILLS; kill++) {
    const inserting = startInserting(directory, started + 1);
    const enough = acknowledged.size + 2 + Math.floor(next() * 5);
    while (acknowledged.size < enough) {
      const news = await inserting.news();
      if (news === undefined) throw new Error('the inserting process ended by itself');
      note(news);
    }
    await delay(next() * 60);
    for (const news of await inserting.kill()) note(news);
  }

  const store = await openAnalytics(`chdb://${directory}`, { rawDays: 36_500 });
  try {
    const rowsOf = new Map<number, number>();
    for (const day of days) {
      for (const { visitor } of await store.read('visitors_of_day', { day })) {
        const n = Math.floor(Number(visitor) / 1_000);
        rowsOf.set(n, (rowsOf.get(n) ?? 0) + 1);
      }
    }
    for (const [n, rows] of rowsOf) expect(rows, `batch ${n}`).toBe(500);
    for (const n of acknowledged) expect(rowsOf.has(n), `batch ${n} was acknowledged`).toBe(true);
    for (let n = 0; n <= started; n++) {
      const range = { partition: 0, firstOffset: n, nextOffset: n + 1 };
      const places = await store.stored(range, '2026-11-30');
      expect(places.size, `batch ${n}`).toBe(rowsOf.has(n) ? 500 : 0);
    }

    await store.rebuildDays(days);

    const expected = reference([...rowsOf.keys()].flatMap(batch));
    for (const day of days) {
      const params = { day, community_id: NIL_UUID, limit: 100, offset: 0 };
      expect(await store.read('today_visitors', params)).toEqual(expected.today_visitors(params));
      expect(await store.read('today_pages', params)).toEqual(expected.today_pages(params));
    }
    await store.updateIntervals({ lastDay: '2026-11-02', from: '2026-11-01' });
    const site = { first_day: '2026-11-01', last_day: '2026-11-03', dimension: 'site', key: '' } as const;
    expect(await store.read('visitors', site)).toEqual(expected.visitors(site));
    const byDay = { ...site, interval: 'day' } as const;
    expect(sorted(await store.read('trends', byDay))).toEqual(sorted(expected.trends(byDay)));
  } finally {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
});
