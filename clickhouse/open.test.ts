/** What opening a store refuses and why; how long raw stays. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EngineUrlError } from '../engine.ts';
import { startInserting } from './inserting-process.case.ts';
import { openAnalytics } from './open.ts';
import { NIL_UUID } from './port.ts';
import { eventRow } from './reference.case.ts';

const DAY = 86_400_000;
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'footfall-open-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

it('names the schemes it knows', () => {
  expect(() => openAnalytics('mysql://there', { rawDays: 400 })).toThrow(
    /mysql:\/\/, known: chdb:\/\/, http:\/\/, https:\/\//,
  );
});

it.each(['chdb://', 'chdb:///some/where?pool=3'])('refuses %s', async (url) => {
  await expect(openAnalytics(url, { rawDays: 400 })).rejects.toThrow(EngineUrlError);
});

it.each([
  'http://host:8123/other',
  'http://user:secret@host:8123/?compression_request=1',
  'https://host:8443/#part',
  'http://',
])('refuses %s, and never says a password', async (url) => {
  const refused = await openAnalytics(url, { rawDays: 400 }).catch((error: Error) => error);
  expect(refused).toMatchObject({ name: 'EngineUrlError', message: expect.not.stringContaining('secret') });
});

it('refuses a cluster without a server', async () => {
  const url = `chdb://${join(directory, 'store')}`;
  await expect(openAnalytics(url, { rawDays: 400, cluster: 'main' })).rejects.toThrow(EngineUrlError);
});

it('says that no server answers', async () => {
  await expect(openAnalytics('http://127.0.0.1:9', { rawDays: 400 })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('127.0.0.1:9'),
  });
});

it('says which directory cannot be written', async () => {
  const file = join(directory, 'file');
  await writeFile(file, '');
  await expect(openAnalytics(`chdb://${file}/store`, { rawDays: 400 })).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringContaining(file),
  });
});

it('tells a second process who has the directory', async () => {
  const path = join(directory, 'store');
  const store = await openAnalytics(`chdb://${path}`, { rawDays: 400 });
  const second = startInserting(path, 0);
  try {
    const news = await second.news();
    expect(news).toMatchObject({ failed: 'unavailable', message: expect.stringContaining(path) });
    expect(news).toMatchObject({ message: expect.stringContaining(`process ${process.pid}`) });
    await store.ping();
  } finally {
    await second.kill();
    await store.close();
  }
});

it('drops raw rows when their time is over, and never what was derived from them', async () => {
  const url = `chdb://${join(directory, 'store')}`;
  const january = { first_day: '2026-01-01', last_day: '2026-01-31', dimension: 'site', key: '' } as const;
  const happened_at = Date.parse('2026-01-10T12:00:00Z');

  const before = await openAnalytics(url, { rawDays: 36_500 });
  await before.insert([eventRow({ happened_at })]);
  await before.updateIntervals({ lastDay: '2026-01-10' });
  await before.close();

  const store = await openAnalytics(url, { rawDays: 1, now: () => happened_at + 3 * DAY });
  const session = new Session(join(directory, 'store'));
  try {
    await expect
      .poll(async () => {
        await session.queryAsync('OPTIMIZE TABLE footfall.event FINAL');
        return store.read('visitors_of_day', { day: '2026-01-10' });
      })
      .toEqual([]);
    await store.rebuildDays(['2026-01-10']);
    const one = [{ visitors: 1, authenticated: 0, page_views: 1 }];
    expect(await store.read('visitors', january)).toEqual(one);

    await store.insert([eventRow({ happened_at, received_at: happened_at + 3 * DAY, visitor: '2' })]);
    for (const from of [undefined, '2026-01-01']) {
      const task = { lastDay: '2026-01-10', ...(from && { from }) };
      await store.updateIntervals(task);
      expect(await store.updateIntervals(task)).toMatchObject({
        closedThrough: '2026-01-10',
        outOfReach: ['2026-01-10'],
      });
    }
    expect(await store.read('visitors', january)).toEqual(one);
  } finally {
    session.close();
    await store.close();
  }
});

it('drops minutes of presence when the time of raw rows is over', async () => {
  const path = join(directory, 'presence');
  const old = Math.floor((Date.now() - 3 * DAY) / 60_000) * 60_000;
  const range = { scope: 'site', from: old, to: old + 60_000, step_minutes: 1 };
  const before = await openAnalytics(`chdb://${path}`, { rawDays: 36_500 });
  await before.keepPresence(old, [{ scope: 'site', visitors: 3 }]);
  expect(await before.read('presence_history', range)).toEqual([{ steps_ago: 0, visitors: 3 }]);
  await before.close();

  const store = await openAnalytics(`chdb://${path}`, { rawDays: 1 });
  const session = new Session(path);
  try {
    await expect
      .poll(async () => {
        await session.queryAsync('OPTIMIZE TABLE footfall.presence_minute FINAL');
        return store.read('presence_history', range);
      })
      .toEqual([]);
  } finally {
    session.close();
    await store.close();
  }
});

it('keeps the tables of the open day without days that are closed', async () => {
  const store = await openAnalytics(`chdb://${join(directory, 'days')}`, { rawDays: 36_500 });
  const days = ['2026-01-10', '2026-01-11'];
  const seen = (day: string) => store.read('today_visitors', { day, community_id: NIL_UUID });
  try {
    await store.insert(days.map((day) => eventRow({ happened_at: Date.parse(`${day}T12:00:00Z`) })));
    await store.updateIntervals({ lastDay: '2026-01-10' });
    expect(await Promise.all(days.map(seen))).toEqual([
      [{ visitors: 0, authenticated: 0, page_views: 0 }],
      [{ visitors: 1, authenticated: 0, page_views: 1 }],
    ]);
  } finally {
    await store.close();
  }
});

it('forgets event ids a week after they were stored, but for those of imported history', async () => {
  const path = join(directory, 'ids');
  const store = await openAnalytics(`chdb://${path}`, { rawDays: 36_500 });
  const session = new Session(path);
  const at = Date.parse('2026-01-10T12:00:00Z');
  const [received, imported] = [
    '00000000-0000-4000-8000-000000000001',
    '00000000-0000-4000-8000-000000000002',
  ];
  const known = async () => [...(await store.knownEventIds([received, imported], ['2026-01-10'], []))].sort();
  const storedDaysAgo = async (days: number) => {
    await session.queryAsync(
      `ALTER TABLE footfall.event UPDATE stored_on = today() - ${days} WHERE true SETTINGS mutations_sync = 2`,
    );
    await session.queryAsync('OPTIMIZE TABLE footfall.event FINAL');
  };
  try {
    await store.insert([
      eventRow({ happened_at: at, event_id: received }),
      eventRow({ happened_at: at, received_at: at + DAY, event_id: imported, log_offset: 1 }),
    ]);
    await storedDaysAgo(7);
    expect(await known()).toEqual([received, imported]);
    await storedDaysAgo(9);
    expect(await known()).toEqual([imported]);
  } finally {
    session.close();
    await store.close();
  }
});

describe('a store of another version', () => {
  const path = () => join(directory, 'versions');
  const run = async (...statements: string[]) => {
    const session = new Session(path());
    try {
      for (const statement of statements) await session.queryAsync(statement);
    } finally {
      session.close();
    }
  };

  it('gets the derived tables that it lacks, with the days that raw has', async () => {
    const day = '2026-01-10';
    const divisions = { day, limit: 10 };
    const before = await openAnalytics(`chdb://${path()}`, { rawDays: 36_500 });
    await before.insert([
      eventRow({
        happened_at: Date.parse(`${day}T12:00:00Z`),
        division_id: '00000000-0000-4000-8000-000000000009',
      }),
    ]);
    const expected = await before.read('today_divisions', divisions);
    await before.close();
    expect(expected).toHaveLength(1);
    await run(
      'DROP VIEW footfall.division_daily_mv SYNC',
      'DROP TABLE footfall.division_daily SYNC',
      "ALTER TABLE footfall.migration DELETE WHERE name = '0004_division_daily.sql' SETTINGS mutations_sync = 2",
    );

    const store = await openAnalytics(`chdb://${path()}`, { rawDays: 36_500 });
    try {
      expect(await store.read('today_divisions', divisions)).toEqual(expected);
    } finally {
      await store.close();
    }
  });

  it('gets them also where the first start with them ended before they were derived', async () => {
    const divisions = { day: '2026-01-10', limit: 10 };
    await run(
      'DROP VIEW footfall.division_daily_mv SYNC',
      'TRUNCATE TABLE footfall.division_daily',
      "ALTER TABLE footfall.migration DELETE WHERE name = '0004_division_daily.sql' SETTINGS mutations_sync = 2",
    );
    const wrongZone = { rawDays: 36_500, timeZone: 'America/Toronto' };
    await expect(openAnalytics(`chdb://${path()}`, wrongZone)).rejects.toThrow(/ANALYTICS_TIMEZONE/);
    const store = await openAnalytics(`chdb://${path()}`, { rawDays: 36_500 });
    try {
      expect(await store.read('today_divisions', divisions)).toHaveLength(1);
    } finally {
      await store.close();
    }
  });

  it('gets a table that no view fills, and leaves the derived ones alone', async () => {
    const divisions = { day: '2026-01-10', limit: 10 };
    await run(
      'TRUNCATE TABLE footfall.division_daily',
      'DROP TABLE footfall.presence_minute SYNC',
      "ALTER TABLE footfall.migration DELETE WHERE name = '0009_presence_minute.sql' SETTINGS mutations_sync = 2",
    );
    const store = await openAnalytics(`chdb://${path()}`, { rawDays: 36_500 });
    try {
      await store.keepPresence(0, [{ scope: 'site', visitors: 1 }]);
      expect(await store.read('today_divisions', divisions)).toEqual([]);
    } finally {
      await store.close();
    }
  });

  it('is refused where it has a migration that this one does not know', async () => {
    await run("INSERT INTO footfall.migration (name) VALUES ('9999_future.sql')");
    await expect(openAnalytics(`chdb://${path()}`, { rawDays: 36_500 })).rejects.toMatchObject({
      code: 'newer_schema',
      retryable: false,
      message: expect.stringMatching(
        /has migration 9999_future.sql, and this one knows them up to \d{4}_\w+.sql/,
      ),
    });
  });
});
