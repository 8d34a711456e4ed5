import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type {
  CommunityDays,
  Conversions,
  Demographics,
  DivisionShare,
  Growth,
  Pages,
  Realtime,
  Trends,
  VisitorStats,
} from '../contract/query.ts';
import type { ServerMessage } from '../contract/socket.ts';
import { Installation } from './installation.ts';
import { COMMUNITIES_FILE, DIVISIONS_FILE, figures, scenario } from './scenario.ts';

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';

let footfall: Installation;
const beacons = scenario();
const expected = figures(beacons);
const today = () => new Date().toISOString().slice(0, 10);

async function send(body: unknown): Promise<void> {
  const answer = await fetch(`${footfall.collector}/e`, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'User-Agent': CHROME },
    body: JSON.stringify(body),
  });
  expect(answer.status, await answer.text()).toBe(202);
}

beforeAll(async () => {
  footfall = await Installation.create();
  expect(await footfall.run('divisions', DIVISIONS_FILE)).toMatchObject({ code: 0 });
  expect(await footfall.run('communities', COMMUNITIES_FILE)).toMatchObject({ code: 0 });
  await footfall.start();
  for (let i = 0; i < beacons.length; i += 25) {
    const some = beacons.slice(i, i + 25);
    await send(some);
    await send(some);
  }
  await vi.waitFor(
    async () => {
      for (const path of ['visitors/today/', 'visitors/weekly/']) {
        const { total_page_views } = await footfall.query<VisitorStats>(path);
        expect(total_page_views).toBe(expected.pageViews);
      }
    },
    { timeout: 30_000, interval: 50 },
  );
}, 120_000);

afterAll(() => footfall.remove(), 60_000);

describe('every number of the API, from beacons that were each sent twice', () => {
  const stats = (): VisitorStats => ({
    total_visitors: expected.visitors,
    authenticated_visitors: expected.authenticated,
    anonymous_visitors: expected.visitors - expected.authenticated,
    conversion_rate: oneDecimal((expected.authenticated / expected.visitors) * 100),
    total_page_views: expected.pageViews,
    avg_page_views_per_visitor: oneDecimal(expected.pageViews / expected.visitors),
  });

  test.each(['visitors/', 'visitors/today/', 'visitors/weekly/', 'visitors/monthly/'])('%s', async (path) => {
    expect(await footfall.query(path)).toEqual(stats());
  });

  test('visitors/ of each community and division', async () => {
    for (const [id, visitors] of expected.byCommunity) {
      const answer = await footfall.query<VisitorStats>(`visitors/?community_id=${id}`);
      expect(answer.total_visitors).toBe(visitors);
    }
    for (const [id, visitors] of expected.byDivision) {
      const answer = await footfall.query<VisitorStats>(`visitors/?division_id=${id}`);
      expect(answer.total_visitors).toBe(visitors);
    }
  });

  test('division-breakdown/', async () => {
    const shares = await footfall.query<DivisionShare[]>('division-breakdown/?limit=100');
    expect(new Map(shares.map(({ division_id, count }) => [division_id, count]))).toEqual(
      expected.byDivision,
    );
    for (const { count, percentage, division_name } of shares) {
      expect(percentage).toBe(oneDecimal((count / expected.knownDivision) * 100));
      expect(division_name).not.toBe('');
    }
  });

  test.each(['hour', 'day', 'week', 'month'])('trends/ by %s', async (interval) => {
    const trends = await footfall.query<Trends>(
      `trends/?interval=${interval}&start_date=${today()}&end_date=${today()}`,
    );
    expect(Math.max(...trends.total)).toBe(expected.visitors);
    expect(Math.max(...trends.authenticated)).toBe(expected.authenticated);
    expect(trends.labels).toHaveLength(interval === 'hour' ? 24 : 1);
  });

  test('conversions/', async () => {
    const conversions = await footfall.query<Conversions>('conversions/');
    expect(conversions.total_conversions).toBe(expected.conversions);
    expect(conversions.conversion_rate).toBe(
      oneDecimal((expected.conversions / expected.anonymousSessions) * 100),
    );
    expect(conversions.conversions_by_date[today()]).toBe(expected.conversions);
  });

  test('demographics/', async () => {
    const { by_division_type, top_countries } = await footfall.query<Demographics>('demographics/');
    expect(by_division_type).toEqual(Object.fromEntries(expected.byDivisionType));
    expect(top_countries).toEqual([{ name: 'Canada', count: expected.knownDivision }]);
  });

  test('realtime/, of the site and of a community', async () => {
    await vi.waitFor(async () => {
      expect((await footfall.query<Realtime>('realtime/')).count).toBe(expected.visitors);
    });
    for (const [id, visitors] of expected.byCommunity) {
      expect((await footfall.query<Realtime>(`realtime/?community_id=${id}`)).count).toBe(visitors);
    }
  });

  test('growth/', async () => {
    expect(await footfall.query<Growth>('growth/?period=week')).toEqual({
      growth_rate: 100,
      trend: 'increasing',
      current_period: expected.visitors,
      previous_period: 0,
    });
  });

  test('export/', async () => {
    const answer = await fetch(
      `${footfall.api}/api/analytics/export/?start_date=${today()}&end_date=${today()}`,
      { headers: { Authorization: `Bearer ${footfall.token}` } },
    );
    const anonymous = expected.visitors - expected.authenticated;
    expect((await answer.text()).trim().split(/\r?\n/)).toEqual([
      'date,total_visitors,authenticated_visitors,anonymous_visitors,page_views',
      `${today()},${expected.visitors},${expected.authenticated},${anonymous},${expected.pageViews}`,
    ]);
  });

  test('pages/', async () => {
    const { results, total } = await footfall.query<Pages>('pages/?page_size=100');
    expect(total).toBe(expected.byPage.size);
    const found = results.map(({ page_url, unique_visitors, page_views }) => [
      page_url,
      { visitors: unique_visitors, views: page_views },
    ]);
    expect(new Map(found as [string, { visitors: number; views: number }][])).toEqual(expected.byPage);
  });

  test('communities/{id}/', async () => {
    for (const id of expected.byCommunity.keys()) {
      const { days } = await footfall.query<CommunityDays>(
        `communities/${id}/?start_date=${today()}&end_date=${today()}`,
      );
      expect(days).toEqual([
        {
          date: today(),
          same_division_visitors: expected.sameDivision.get(id) ?? 0,
          cross_division_visitors: expected.crossDivision.get(id) ?? 0,
        },
      ]);
    }
  });
});

describe('the sockets', () => {
  test.each(['visitors', 'dashboard'])('%s: the count at once, then who comes and goes', async (name) => {
    const messages: ServerMessage[] = [];
    const at = footfall.api.replace('http', 'ws');
    const socket = new WebSocket(`${at}/ws/analytics/${name}/?token=${footfall.token}`);
    socket.on('message', (data) => messages.push(JSON.parse(data.toString())));
    const has = (type: ServerMessage['type']) =>
      vi.waitFor(() => expect(messages.map((m) => m.type)).toContain(type), 10_000);
    await has('visitor_count');
    const before = messages.find((message) => message.type === 'visitor_count');

    const visitor = { url: 'https://example.org/live', fingerprint: `a visitor of the ${name} socket` };
    await send(visitor);
    await has('visitor_joined');
    await vi.waitFor(() => {
      expect(messages).toContainEqual({ type: 'visitor_count', count: (before?.count ?? 0) + 1 });
    }, 10_000);
    await send({ ...visitor, type: 'leave' });
    await has('visitor_left');
    if (name === 'dashboard') {
      await has('dashboard_update');
      const update = messages.findLast((message) => message.type === 'dashboard_update');
      expect(update?.page_views_today).toBeGreaterThanOrEqual(expected.pageViews);
    }
    socket.close();
  });

  test('refuse a bad token before the upgrade', async () => {
    const at = footfall.api.replace('http', 'ws');
    const socket = new WebSocket(`${at}/ws/analytics/visitors/?token=forged`);
    const status = await new Promise((resolve) => {
      socket.once('unexpected-response', (_request, answer) => resolve(answer.statusCode));
      socket.once('error', () => {});
    });
    expect(status).toBe(401);
  });
});

describe('jobs beside the running system', () => {
  test('import: history counts on its own days, once however often it is imported', async () => {
    const ndjson = join(footfall.folder, 'history.ndjson');
    const lines = Array.from({ length: 30 }, (_, i) =>
      JSON.stringify({
        ts: `2025-03-${String((i % 3) + 1).padStart(2, '0')}T12:00:${String(i).padStart(2, '0')}Z`,
        url: '/old',
        fingerprint: `ancient-${i % 10}`,
      }),
    );
    await writeFile(ndjson, `${lines.join('\n')}\n`);
    const combined = join(footfall.folder, 'access.log');
    const request = (address: string, target: string, agent = CHROME) =>
      `${address} - - [03/Mar/2025:10:00:00 +0000] "GET ${target} HTTP/1.1" 200 5 "-" "${agent}"`;
    await writeFile(
      combined,
      [
        request('24.48.0.1', '/old'),
        request('24.48.0.1', '/old'),
        request('24.48.0.2', '/style.css'),
        request('24.48.0.3', '/old', 'Googlebot/2.1 (+http://www.google.com/bot.html)'),
        'not a log line',
      ].join('\n'),
    );
    for (let time = 0; time < 2; time += 1) {
      expect(await footfall.run('import', ndjson)).toMatchObject({ code: 0 });
      const report = await footfall.run('import', combined);
      expect(report.code).toBe(1);
      expect(report.output).toContain('line 5: is not in the combined log format');
      expect(report.output).toContain('lines skipped, bot: 1');
    }
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`${footfall.api}/metrics`)).text();
      expect(metrics).toMatch(/footfall_lag_frames\{[^}]*\} 0/);
      expect(metrics).not.toMatch(/footfall_lag_frames\{[^}]*\} [1-9]/);
    }, 20_000);
    // Not a closed range, whose answers are kept for a while.
    await vi.waitFor(async () => {
      const all = await footfall.query<VisitorStats>('visitors/?start_date=2025-03-01');
      const { total_page_views } = await footfall.query<VisitorStats>('visitors/today/');
      expect(all.total_page_views).toBe(total_page_views + 32);
      // Longer than closing pauses on a machine that is busy.
    }, 75_000);
    const march = 'start_date=2025-03-01&end_date=2025-03-03';
    const stats = await footfall.query<VisitorStats>(`visitors/?${march}`);
    expect(stats).toMatchObject({ total_visitors: 11, total_page_views: 32 });
    const trends = await footfall.query<Trends>(`trends/?${march}`);
    expect(trends.total).toEqual([10, 10, 11]);
  }, 150_000);

  test('cleanup, and a token of a moderator', async () => {
    const { code, output } = await footfall.run('cleanup');
    expect({ code, output }).toMatchObject({ code: 0 });
    const { output: token } = await footfall.run('token', '--moderator');
    const answer = await fetch(`${footfall.api}/api/analytics/visitors/`, {
      headers: { Authorization: `Bearer ${token.trim()}` },
    });
    expect(answer.status).toBe(200);
  });
});

test('SIGTERM drains and exits 0; after a start everything is as it was, presence as well', async () => {
  const before = await footfall.query<VisitorStats>('visitors/today/');
  await vi.waitFor(async () => {
    expect((await footfall.query<Realtime>('realtime/')).count).toBe(expected.visitors);
  }, 10_000);
  expect(await footfall.stop()).toBe(0);
  await footfall.start();
  expect(await footfall.query('visitors/today/')).toEqual(before);
  expect((await footfall.query<Realtime>('realtime/')).count).toBe(expected.visitors);
});

test('rebuild: the same numbers again, and by other days in another zone, which a start insists on', async () => {
  const march = 'visitors/?start_date=2025-03-01&end_date=2025-03-03';
  const history = await footfall.query<VisitorStats>(march);
  expect(await footfall.stop()).toBe(0);
  const rebuilt = await footfall.run('rebuild');
  expect(rebuilt).toMatchObject({ code: 0, output: expect.stringContaining('from 2025-03-01 through') });
  expect(await footfall.run('rebuild', '--from', '2025-02-30')).toMatchObject({
    code: 78,
    output: expect.stringContaining('--from 2025-02-30: must be a day of the calendar'),
  });

  footfall.environment.ANALYTICS_TIMEZONE = 'Pacific/Auckland';
  const refused = await footfall.run('pipeline', '--with-query-api');
  expect(refused).toMatchObject({
    code: 78,
    output: expect.stringContaining(
      'have days of UTC, and ANALYTICS_TIMEZONE is Pacific/Auckland: run `footfall rebuild`',
    ),
  });
  expect(await footfall.run('rebuild')).toMatchObject({ code: 0 });
  await footfall.start();
  // What was late in the day in UTC is on the next day there.
  const trends = await footfall.query<Trends>('trends/?start_date=2025-03-01&end_date=2025-03-04');
  expect(trends.total).toEqual([0, 10, 11, 10]);
  const auckland = await footfall.query<VisitorStats>(march.replace('-03-03', '-03-04'));
  expect(auckland).toMatchObject({
    total_visitors: history.total_visitors,
    total_page_views: history.total_page_views,
  });
}, 60_000);

function oneDecimal(value: number): number {
  return Math.round(value * 10) / 10;
}
