import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Fields, start } from 'footfall/beacon';
import { openAnalytics } from 'footfall/clickhouse';
import { openSessions } from 'footfall/postgres';
import { openLive } from 'footfall/redis';
import { calendar } from 'footfall/reporting-day';
import { VisitorAnalytics } from 'footfall/visitor-analytics';
import { VisitorTracker } from 'footfall/visitor-tracker';
import { expect, test } from 'vitest';

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

test('an application that renders on a server imports and starts the beacon there, and nothing happens', async () => {
  const fields: Fields = { user: 7, community: null };
  const footfall = start({ endpoint: 'https://collector.example.org/e', ...fields });
  footfall('set', fields);
  footfall('page');
  expect('window' in globalThis).toBe(false);

  // As plain JavaScript, by a Node that knows no TypeScript.
  const program =
    "import { start } from 'footfall/beacon'; start({ endpoint: '/e' })('page'); console.log('rendered')";
  const { stdout, stderr } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '-e', program],
    {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
    },
  );
  expect([stdout, stderr]).toEqual(['rendered\n', '']);
});
