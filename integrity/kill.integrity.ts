/**
 * The promise: an acknowledged beacon is never lost and never counted twice, whoever is killed when.
 *
 * `KILLS` and `SEED` are read from the environment of this run.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import type { Conversions, Pages, Trends, VisitorStats } from '../contract/query.ts';
import { Installation, type Kill, statsOnceUpToDate, until } from './installation.ts';
import { seeded } from './random.ts';
import { COMMUNITIES_FILE, communityIds, DIVISIONS_FILE, divisionIds } from './scenario.ts';
import { steadyLoad } from './steady-load.ts';
import { embeddedAnalyticsFigures, embeddedSessionFigures } from './stores.ts';

const KILLS = Number(process.env.KILLS ?? 36);
const SEED = Number(process.env.SEED ?? Date.now() % 1_000_000);
const VICTIMS: Kill[] = [
  'collector',
  'collector',
  'collector',
  'pipeline',
  'pipeline',
  'pipeline',
  'everything',
];
const SENDERS = 12;
const COUNTED_WITHIN_MS = 120_000;

const installations: Installation[] = [];
afterAll(async () => {
  for (const installation of installations) await installation.remove();
});

test(`no gap and no duplicate over ${KILLS} kills`, async () => {
  console.log(`seed ${SEED}, ${KILLS} kills`);
  const random = seeded(SEED);
  const footfall = await Installation.create({ LOG_LEVEL: 'warn' });
  installations.push(footfall);
  expect(await footfall.run('divisions', DIVISIONS_FILE)).toMatchObject({ code: 0 });
  expect(await footfall.run('communities', COMMUNITIES_FILE)).toMatchObject({ code: 0 });
  await footfall.start();

  const load = steadyLoad({
    endpoints: [`${footfall.collector}/e`],
    senders: SENDERS,
    visitorsPerSender: 40,
    random,
    divisions: divisionIds.slice(0, 10),
    communities: communityIds.slice(0, 5),
  });
  const kills: Record<Kill, number> = { collector: 0, pipeline: 0, everything: 0 };
  for (let done = 0; done < KILLS; ) {
    await pause(200 + random() * 3_800);
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] ?? 'everything';
    if (!(await footfall.kill(victim))) continue;
    kills[victim] += 1;
    done += 1;
    if (victim === 'everything') await footfall.start();
  }
  await load.stop();
  const sent = load.acknowledged;
  const pageViews = sent.filter(({ type }) => type === 'page_view').length;
  const visitors = new Set(sent.map(({ fingerprint }) => fingerprint)).size;
  const firstOf = new Map<string, boolean>();
  const converted = new Set<string>();
  for (const { fingerprint, user_id } of sent) {
    if (!firstOf.has(fingerprint)) firstOf.set(fingerprint, user_id === undefined);
    else if (user_id !== undefined && firstOf.get(fingerprint)) converted.add(fingerprint);
  }

  await until('every beacon to be counted', COUNTED_WITHIN_MS, async () => {
    const metrics = await fetch(`${footfall.api}/metrics`).then(
      (answer) => answer.text(),
      () => '',
    );
    const lags = [...metrics.matchAll(/^footfall_lag_frames\{.*\} (\d+)$/gm)].map(([, lag]) => Number(lag));
    return lags.length > 0 && lags.every((lag) => lag === 0);
  });
  const stats = await statsOnceUpToDate((path) => footfall.query<VisitorStats>(path), pageViews);
  const conversions = await footfall.query<Conversions>('conversions/');
  const pages = await footfall.query<Pages>('pages/?page_size=100');
  const trends = await footfall.query<Trends>('trends/');
  expect(await footfall.stop(), footfall.output.slice(-4_000)).toBe(0);
  const analytics = await embeddedAnalyticsFigures(footfall.folder);
  const sessions = await embeddedSessionFigures(footfall.folder);

  console.log(
    JSON.stringify(
      {
        seed: SEED,
        kills,
        acknowledged: sent.length,
        repeats: load.repeats,
        pageViews,
        visitors,
        analytics,
        sessions,
        stats,
      },
      undefined,
      2,
    ),
  );
  expect({ rows: analytics.rows, eventIds: analytics.eventIds }).toEqual({
    rows: sent.length,
    eventIds: sent.length,
  });
  expect({ pageViews: analytics.pageViews, visitors: analytics.visitors }).toEqual({ pageViews, visitors });
  expect(Object.keys(analytics.views)).toHaveLength(4);
  for (const [view, { rawPageViews, rawCounted, ...derived }] of Object.entries(analytics.views)) {
    expect(derived, view).toEqual({ pageViews: rawPageViews, counted: rawCounted });
  }
  expect(analytics.views.page_daily).toMatchObject({ pageViews, counted: visitors });
  expect(analytics.views.log_hourly).toMatchObject({ pageViews, counted: sent.length });
  expect(sessions).toEqual({ sessions: visitors, pageViews, conversions: converted.size });
  expect(stats).toMatchObject({ total_visitors: visitors, total_page_views: pageViews });
  expect(conversions.total_conversions).toBe(converted.size);
  expect(pages.results.reduce((sum, { page_views }) => sum + page_views, 0)).toBe(pageViews);
  expect(Math.max(...trends.total)).toBe(visitors);
});
