/**
 * The promise: what an older version has written is all there under the present one, whoever starts first, and an older version
 * leaves alone what a newer one has written.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { drainPending, Session } from 'chdb';
import { open as openLmdb } from 'lmdb';
import pg from 'pg';
import { pino } from 'pino';
import Postgrator from 'postgrator';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { openAnalyticsStore, openSessionStore } from '../cli/engines.ts';
import { startFront } from '../clickhouse/http-front-process.fixture.ts';
import { statementsOf } from '../clickhouse/migrate.ts';
import { readConfig } from '../config.ts';
import type { Conversions, Pages, Trends, VisitorStats } from '../contract/query.ts';
import { DAY } from '../contract/reporting-day.ts';
import { openLog } from '../kafka/open.ts';
import { PIPELINE_GROUP } from '../kafka/port.ts';
import { append, event, number, visitor } from '../pipeline/events.fixture.ts';
import { EmbeddedServer } from '../postgres/embedded.ts';
import { Installation, statsOnceUpToDate } from './installation.ts';

const TEST_TIMEOUT_MS = 240_000;
vi.setConfig({ testTimeout: TEST_TIMEOUT_MS, hookTimeout: TEST_TIMEOUT_MS });

const POSTGRES_MIGRATIONS = fileURLToPath(new URL('../postgres/migrations', import.meta.url));
const FIRST_OF_CLICKHOUSE = '0001_event.sql';
const LOG_OPTIONS = {
  partitions: 8,
  retentionMs: DAY,
  retentionBytes: 1024 ** 3,
  maxBytes: 2 * 1024 ** 3,
  onTrouble: () => {},
};
const NOON = Math.floor(Date.now() / DAY) * DAY + DAY / 2;
/** Days before today, and who came on each; the stores of the first version have them. */
const PAST = [
  { daysAgo: 5, visitors: [1, 2, 3, 4] },
  { daysAgo: 4, visitors: [1, 2] },
  { daysAgo: 3, visitors: [2, 5, 6] },
];
/** Whom only the log has, received just now. */
const WAITING = [6, 7];
const past = PAST.flatMap(({ daysAgo, visitors }) =>
  visitors.map((n) => ({ n, at: NOON - daysAgo * DAY, page: `/page-${n}` })),
);
const instant = (at: number) => new Date(at).toISOString().replace('T', ' ').slice(0, -1);
const dayOf = (at: number) => new Date(at).toISOString().slice(0, 10);

let footfall: Installation;

beforeAll(async () => {
  footfall = await Installation.create();
});
afterAll(() => footfall.remove());

/** As the first release left it: sessions and checkpoints, without owners and ledger; the checkpoint is that of `past`. */
async function firstSessions(folder: string): Promise<void> {
  await withServer(folder, async (client) => {
    await new Postgrator({
      driver: 'pg',
      migrationPattern: `${POSTGRES_MIGRATIONS}/*.sql`,
      schemaTable: 'schema_migration',
      newline: 'LF',
      execQuery: (query) => client.query(query),
    }).migrate('1');
    await client.query('insert into checkpoint values (0, $1, $2)', [past.length - 2, past.length]);
    for (const n of new Set(past.map((each) => each.n))) {
      const seen = past.filter((each) => each.n === n).map(({ at }) => new Date(at));
      const converted = n % 2 === 0 ? seen.at(-1) : null;
      await client.query('insert into anonymous_session values ($1, $2, $3, $4, $5, $6, $7)', [
        ...[visitor(n), `tab ${n}`, n % 2 === 0 ? `user ${n}` : null],
        ...[seen[0], seen.at(-1), seen.length, converted],
      ]);
    }
  });
}

async function withServer<T>(folder: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const server = await EmbeddedServer.open(join(folder, 'postgres'), () => {});
  const client = new pg.Client(await server.connection());
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
    await server.stop();
  }
}

/** Raw events alone, without a table that is derived from them. */
async function firstAnalytics(folder: string): Promise<void> {
  await mkdir(join(folder, 'clickhouse'), { recursive: true });
  const session = new Session(join(folder, 'clickhouse'));
  const file = new URL(`../clickhouse/migrations/${FIRST_OF_CLICKHOUSE}`, import.meta.url);
  for (const statement of [
    'CREATE DATABASE footfall ENGINE = Atomic',
    `CREATE TABLE footfall.migration (name String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3)) ENGINE = MergeTree ORDER BY name`,
    ...statementsOf(await readFile(file, 'utf8')),
    `INSERT INTO footfall.migration (name) VALUES ('${FIRST_OF_CLICKHOUSE}')`,
  ])
    await session.queryAsync(statement);
  const rows = past.map(({ n, at, page }, offset) =>
    JSON.stringify({
      ...{ log_partition: 0, log_offset: offset, log_index: 0, type: 'page_view', page, url: page },
      ...{ received_at: instant(at), happened_at: instant(at), day: dayOf(at), hour: instant(at) },
      ...{ visitor: number(n), user_id: n % 2 === 0 ? `user ${n}` : '' },
    }),
  );
  await session.queryAsync(`INSERT INTO footfall.event FORMAT JSONEachRow ${rows.join('\n')}`);
  session.close();
  await drainPending();
}

/** Bodies in rows, without version and identity; the stores have counted all but those who wait. */
async function firstLog(folder: string): Promise<void> {
  const path = join(folder, 'log');
  const log = await openLog(`lmdb://${path}`, LOG_OPTIONS);
  for (const { n, at, page } of past)
    await append(log, 0, event({ visitor: visitor(n), received_at: at, url: page }));
  for (const n of WAITING)
    await append(log, 0, event({ visitor: visitor(n), received_at: Date.now(), url: '/today' }));
  const subscription = await log.subscribe(PIPELINE_GROUP, {
    assigned: async (partition) => (partition === 0 ? past.length : 0),
    batch: () => Promise.reject(new Error('not yet')),
    revoked: () => {},
  });
  await vi.waitFor(async () => expect((await log.lag(PIPELINE_GROUP))[0]?.committed).toBe(past.length));
  await subscription.close();
  await log.close();
  await changeLayout(folder, (layout) => layout.remove('version'));
  const root = openLmdb({ path, noSubdir: false, maxDbs: 16 });
  await root.openDB<string, string>('identity', { encoding: 'json' }).remove('own');
  await root.close();
}

interface Layout {
  get(key: string): number | undefined;
  put(key: string, value: number): Promise<boolean>;
  remove(key: string): Promise<boolean>;
}

async function changeLayout<T>(folder: string, work: (layout: Layout) => T): Promise<Awaited<T>> {
  const root = openLmdb({ path: join(folder, 'log'), noSubdir: false, maxDbs: 16 });
  try {
    return await work(root.openDB<number, string>('layout', { encoding: 'json' }));
  } finally {
    await root.close();
  }
}

describe('a folder of the first version', () => {
  beforeAll(async () => {
    await firstSessions(footfall.folder);
    await firstLog(footfall.folder);
    await firstAnalytics(footfall.folder);
    await footfall.start();
  });

  test('has its events in every number, and counts what waited in its log', async () => {
    const stats = await statsOnceUpToDate(
      (path) => footfall.query<VisitorStats>(path),
      past.length + WAITING.length,
    );
    expect(stats).toMatchObject({ total_visitors: 7, total_page_views: past.length + WAITING.length });
    const today = await footfall.query<VisitorStats>('visitors/today/');
    expect(today).toMatchObject({ total_visitors: WAITING.length, total_page_views: WAITING.length });

    const [first, last] = [dayOf(NOON - 5 * DAY), dayOf(NOON - 3 * DAY)];
    const range = `start_date=${first}&end_date=${last}`;
    const days = await footfall.query<Trends>(`trends/?interval=day&${range}`);
    expect(days).toMatchObject({ total: [4, 2, 3], authenticated: [2, 1, 2], new: [4, 0, 2] });
    const two = await footfall.query<VisitorStats>(
      `visitors/?start_date=${first}&end_date=${dayOf(NOON - 4 * DAY)}`,
    );
    expect(two).toMatchObject({ total_visitors: 4, authenticated_visitors: 2, total_page_views: 6 });
    const { results } = await footfall.query<Pages>(`pages/?${range}&page_size=100`);
    expect(Object.fromEntries(results.map(({ page_url, page_views }) => [page_url, page_views]))).toEqual({
      '/page-1': 2,
      '/page-2': 3,
      '/page-3': 1,
      '/page-4': 1,
      '/page-5': 1,
      '/page-6': 1,
    });
    expect((await footfall.query<Conversions>('conversions/')).total_conversions).toBe(3);
    expect(await footfall.run('verify')).toMatchObject({ code: 0 });
  });

  test('says its version in every store once it was started', async () => {
    expect(await footfall.stop(), footfall.output).toBe(0);
    expect(await changeLayout(footfall.folder, (layout) => layout.get('version'))).toBe(2);
    const log = await openLog(`lmdb://${join(footfall.folder, 'log')}`, LOG_OPTIONS);
    const identity = await log.identity();
    await log.close();
    const versions = await withServer(footfall.folder, async (client) => {
      const checkpoints = await client.query('select partition, log_identity from checkpoint');
      expect(checkpoints.rows).toEqual([{ partition: 0, log_identity: identity }]);
      const { rows } = await client.query<{ version: string }>(
        'select version from schema_migration order by version',
      );
      return rows.map(({ version }) => Number(version));
    });
    expect(versions.at(-1)).toBeGreaterThanOrEqual(5);
    expect(versions).toEqual(versions.map((_, n) => n));
  });

  test('starts again as it is, and is refused once it is of a newer version, in words and at once', async () => {
    await footfall.start();
    expect(await footfall.stop()).toBe(0);
    const { folder } = footfall;

    await changeLayout(folder, (layout) => layout.put('version', 99));
    expect(await failure()).toMatch(/its layout is 99, and this one knows layouts up to 2/);
    await changeLayout(folder, (layout) => layout.put('version', 2));

    await withServer(folder, (client) => client.query('insert into schema_migration (version) values (999)'));
    expect(await failure()).toMatch(/its schema is 999, and this one knows schemas up to \d+/);
    await withServer(folder, (client) => client.query('delete from schema_migration where version = 999'));

    const session = new Session(join(folder, 'clickhouse'));
    session.query("INSERT INTO footfall.migration (name) VALUES ('9999_future.sql')");
    session.close();
    await drainPending();
    expect(await failure()).toMatch(
      /has migration 9999_future.sql, and this one knows them up to \d+_\w+.sql/,
    );
  });

  /** What `npm start` says, which does not try for long. */
  async function failure(): Promise<string> {
    const { code, output } = await footfall.run('all');
    expect(code, output).toBe(78);
    expect(output).not.toContain('starting it again');
    return output;
  }
});

test('processes that start at the same time bring both stores up to date once', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-at-once-'));
  const front = await startFront(join(folder, 'clickhouse'));
  const config = readConfig({ DATA_DIR: folder, CLICKHOUSE_URL: front.url });
  try {
    const stores = await Promise.all(
      Array.from({ length: 4 }, async () => {
        const sessions = await openSessionStore(config, pino({ level: 'silent' }));
        return { sessions, analytics: await openAnalyticsStore(config, sessions) };
      }),
    );
    for (const { analytics } of stores) await analytics.close();
    for (const { sessions } of stores) await sessions.close();
    const applied = await fetch(
      `${front.url}/?query=${encodeURIComponent('SELECT name FROM footfall.migration ORDER BY name FORMAT TSV')}`,
    );
    const names = (await applied.text()).trim().split('\n');
    expect(names).toEqual([...new Set(names)]);
    expect(names.length).toBeGreaterThanOrEqual(11);
    const versions = await withServer(folder, async (client) => {
      const { rows } = await client.query<{ version: string }>(
        'select version from schema_migration order by version',
      );
      return rows.map(({ version }) => Number(version));
    });
    expect(versions).toEqual(versions.map((_, n) => n));
  } finally {
    await front.close();
    await rm(folder, { recursive: true, force: true });
  }
});
