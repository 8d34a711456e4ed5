import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openAnalytics } from 'footfall/clickhouse';
import { openSessions } from 'footfall/postgres';
import { openLive } from 'footfall/redis';
import { calendar } from 'footfall/reporting-day';
import { VisitorAnalytics } from 'footfall/visitor-analytics';
import { VisitorTracker } from 'footfall/visitor-tracker';
import { beforeAll, describe, expect, test } from 'vitest';

test('another Node service uses VisitorAnalytics and VisitorTracker without HTTP', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-library-'));
  const [analytics, sessions, live] = await Promise.all([
    openAnalytics(`chdb://${folder}/clickhouse`, { rawDays: 400 }),
    openSessions(`embedded-postgres://${folder}/postgres`, { sessionTimeoutMs: 86_400_000 }),
    openLive('memory://'),
  ]);
  try {
    const visitorTracker = new VisitorTracker(live, { realtimeTtlMs: 60_000 });
    await visitorTracker.addVisitor('1');
    expect(await visitorTracker.getCount()).toBe(1);

    const visitorAnalytics = new VisitorAnalytics({ analytics, sessions, calendar: calendar('UTC') });
    const stats = await visitorAnalytics.getUniqueVisitors({
      start_date: '2025-01-01',
      end_date: '2025-12-31',
    });
    expect(stats.total_visitors).toBe(0);
    expect(
      await visitorAnalytics.getTrends({ start_date: '2025-01-01', end_date: '2025-01-02' }),
    ).toMatchObject({
      labels: ['2025-01-01', '2025-01-02'],
      total: [0, 0],
    });
  } finally {
    await Promise.all([analytics.close(), sessions.close(), live.close()]);
    await rm(folder, { recursive: true, force: true });
  }
});

describe('what other packages get as JavaScript', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const node = (...args: string[]) => promisify(execFile)(process.execPath, args, { cwd: root });
  const run = (program: string) => node('--input-type=module', '-e', program);

  // Makes them where a source is newer, as every start does.
  beforeAll(() => node('bin/footfall.js', '--help'));

  test('the beacon may be imported and started where pages are rendered on a server, and does nothing there', async () => {
    const { start } = await import('footfall/beacon');
    const footfall = start({ endpoint: 'https://collector.example.org/e', user: 7, hash: true });
    footfall('set', { user: 'user-1', community: null });
    footfall('page');
    expect(
      await run(
        `import { start } from 'footfall/beacon'; start({ endpoint: '/e' })('page'); console.log('rendered')`,
      ),
    ).toEqual({ stdout: 'rendered\n', stderr: '' });
  });

  test('the tracker is loaded by a Node that knows neither TypeScript nor a framework', async () => {
    const { createTracker } = await import('footfall/tracker');
    const tracker = createTracker({ collector: 'http://127.0.0.1:9', secret: 'a secret of the application' });
    expect(tracker.stats()).toMatchObject({ sent: 0, waiting: 0 });
    await tracker.close();
    const options = "{ collector: 'http://127.0.0.1:9', secret: 'a secret of the application' }";
    expect(
      await run(`import { createTracker } from 'footfall/tracker';
        const handler = createTracker(${options}).wrap(() => new Response('a page'));
        console.log(await (await handler(new Request('http://page/'))).text())`),
    ).toEqual({ stdout: 'a page\n', stderr: '' });
  });
});
