/**
 * The promise: what is restored from a backup has every beacon that was acknowledged before the backup began, once, and goes on
 * counting; and nothing but a whole backup is ever restored.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@clickhouse/client';
import { createChdbConnection } from 'chdb/connection';
import pg from 'pg';
import type { Static } from 'typebox';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { asConnection } from '../clickhouse/chdb.ts';
import type { Beacon } from '../contract/beacon.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { PersonExport } from '../contract/privacy.ts';
import type { Realtime, RealtimeHistory, VisitorStats } from '../contract/query.ts';
import { openLmdbLog } from '../kafka/lmdb-log.ts';
import { EmbeddedServer } from '../postgres/embedded.ts';
import { openSessions } from '../postgres/open.ts';
import { LOCKS } from '../postgres/port.ts';
import { BASE_PATH, ENDPOINTS } from '../query-api/routes.ts';
import { Installation, statsOnceUpToDate, until } from './installation.ts';
import { seeded } from './random.ts';
import {
  COMMUNITIES_FILE,
  communityIds,
  DIVISIONS_FILE,
  divisionIds,
  figures,
  scenario,
} from './scenario.ts';
import { type Load, steadyLoad } from './steady-load.ts';

const CLI = fileURLToPath(new URL('../bin/footfall.js', import.meta.url));
const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';
const BEACONS_PER_SECOND = 200;
const PATIENCE_MS = 60_000;
const TEST_TIMEOUT_MS = 240_000;

vi.setConfig({ testTimeout: TEST_TIMEOUT_MS, hookTimeout: TEST_TIMEOUT_MS });

let backups: string;
let source: Installation;
const installations: Installation[] = [];

async function install(environment: Record<string, string> = {}): Promise<Installation> {
  const installation = await Installation.create(environment);
  installations.push(installation);
  return installation;
}

async function send(to: Installation, beacons: Beacon[]): Promise<void> {
  for (let i = 0; i < beacons.length; i += 50) {
    const answer = await fetch(`${to.collector}/e`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': CHROME },
      body: JSON.stringify(beacons.slice(i, i + 50)),
    });
    expect(answer.status, await answer.text()).toBe(202);
  }
}

async function done(installation: Installation, ...args: string[]): Promise<string> {
  const { code, output } = await installation.run(...args);
  expect(code, output).toBe(0);
  return output;
}

async function refused(installation: Installation, ...args: string[]): Promise<string> {
  const { code, output } = await installation.run(...args);
  // EX_CONFIG of a service.
  expect([1, 78], output).toContain(code);
  return output;
}

async function allCounted(installation: Installation): Promise<void> {
  await until('every beacon to be counted', PATIENCE_MS, async () => {
    const { partitions } = await installation.query<Ledger>('pipeline/');
    return partitions.every(({ lag_frames }) => lag_frames === 0);
  });
}

/** What every endpoint says of what was before `until`. */
async function answers(installation: Installation, until: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  // Nothing was erased, so there is no receipt to ask for.
  const asking = ENDPOINTS.filter(({ method, path }) => method === 'get' && path !== 'privacy/erasures/{id}');
  for (const { path } of asking) {
    const intervals = path === 'trends/' ? ['hour', 'day', 'week', 'month'] : [];
    const asked = path.replace('{id}', communityIds[0] ?? '').replace('{fingerprint}', 'fingerprint-of-1');
    for (const query of intervals.length > 0 ? intervals.map((name) => `?interval=${name}`) : ['']) {
      const answer = await fetch(`${installation.api}${BASE_PATH}${asked}${query}`, {
        headers: { Authorization: `Bearer ${installation.token}` },
      });
      const text = await answer.text();
      expect(answer.status, `${asked}: ${text}`).toBe(200);
      found[asked + query] = LASTING[path]?.(JSON.parse(text), until) ?? text;
    }
  }
  return found;
}

/** What does not depend on the moment at which it is asked. */
type Answered = Ledger & Realtime & RealtimeHistory & Static<typeof PersonExport>;
const withoutItsTime = ({ sessions, events }: Answered) => ({ sessions, events });
const LASTING: Record<string, (answer: Answered, until: string) => object> = {
  'pipeline/': ({ hours, dead_letters, partitions, newest_event, balanced }) => ({
    ...{ hours, dead_letters, partitions, newest_event, balanced },
  }),
  'realtime/': ({ count }) => ({ count }),
  'privacy/visitors/{fingerprint}/export': withoutItsTime,
  'privacy/users/{id}/export': withoutItsTime,
  'realtime/history/': ({ points }, until) => points.filter(({ at, count }) => at < until && count !== null),
};

beforeAll(async () => {
  backups = await mkdtemp(join(tmpdir(), 'footfall-backups-'));
  source = await install();
  await done(source, 'divisions', DIVISIONS_FILE);
  await done(source, 'communities', COMMUNITIES_FILE);
  await source.start();
});

afterAll(async () => {
  for (const installation of installations) await installation.remove();
  await rm(backups, { recursive: true, force: true });
});

describe('a backup of an installation that is idle', () => {
  const folder = () => join(backups, 'idle');
  const beacons = scenario();
  let restored: Installation;

  beforeAll(async () => {
    await send(source, beacons);
    await allCounted(source);
    await statsOnceUpToDate((path) => source.query<VisitorStats>(path), figures(beacons).pageViews);
    await done(source, 'backup', folder());
    restored = await install();
    await done(restored, 'restore', folder());
    await restored.start();
  });

  afterAll(() => restored.stop());

  test('answers at every endpoint what the source answers', async () => {
    const { taken_at } = JSON.parse(await readFile(join(folder(), 'manifest.json'), 'utf8'));
    const minute = `${taken_at.slice(0, 16)}:00.000Z`;
    await vi.waitFor(
      async () => expect(await answers(restored, minute)).toEqual(await answers(source, minute)),
      PATIENCE_MS,
    );
    expect((await restored.query<VisitorStats>('visitors/')).total_visitors).toBe(figures(beacons).visitors);
  });

  test('knows what was counted, so that a beacon that is sent again is not counted again', async () => {
    await send(restored, beacons);
    await send(restored, [
      { type: 'page_view', url: 'https://example.org/new', fingerprint: 'somebody new' },
    ]);
    await allCounted(restored);
    await vi.waitFor(async () => {
      const { total_visitors, total_page_views } = await restored.query<VisitorStats>('visitors/today/');
      expect({ total_visitors, total_page_views }).toEqual({
        total_visitors: figures(beacons).visitors + 1,
        total_page_views: figures(beacons).pageViews + 1,
      });
    }, PATIENCE_MS);
    expect(await done(restored, 'verify')).toContain('in balance');
  });

  test('leaves nothing behind in the source, which goes on', async () => {
    await vi.waitFor(
      () => expect(existsSync(join(source.folder, 'clickhouse', 'shadow'))).toBe(false),
      PATIENCE_MS,
    );
    expect(await done(source, 'verify')).toContain('in balance');
  });
});

describe('a backup under load', () => {
  let load: Load;

  beforeAll(() => {
    load = steadyLoad({
      endpoints: [`${source.collector}/e`],
      senders: 8,
      visitorsPerSender: 40,
      random: seeded(7),
      beaconsPerSecond: BEACONS_PER_SECOND,
      divisions: divisionIds.slice(0, 10),
      communities: communityIds.slice(0, 5),
    });
  });

  test('has each beacon that was acknowledged before once, and what is restored goes on', async () => {
    await until('some load', PATIENCE_MS, () => load.acknowledged.length > 4 * BEACONS_PER_SECOND);
    const restored = await install();
    let before: string[] = [];
    // Each catches the pipeline somewhere else; the last is restored.
    for (const name of ['load 1', 'load 2', 'load 3']) {
      before = load.acknowledged.map(({ event_id }) => event_id ?? '');
      await done(source, 'backup', join(backups, name));
    }
    await load.stop();
    await done(restored, 'restore', join(backups, 'load 3'));
    await restored.start();
    // A disk that is busy with the copies may keep a sender waiting, who then repeats; nobody is refused.
    const { 0: _unanswered, ...refused } = load.refusals;
    expect(refused).toEqual({});

    const later = scenario().map((beacon) => ({ ...beacon, fingerprint: `later ${beacon.fingerprint}` }));
    await send(restored, later);
    await allCounted(restored);
    expect(await done(restored, 'verify')).toContain('in balance');
    expect(await restored.stop()).toBe(0);

    const { ids, frames } = await storedOf(restored.folder);
    expect(new Set(ids).size).toBe(ids.length);
    // No sender has a frame without an event that counts, so whatever was skipped is a gap.
    expect(frames.filter(({ last, seen }) => last !== seen)).toEqual([]);
    const stored = new Set(ids);
    const wanted = [...before, ...later.map(({ event_id }) => event_id ?? '')];
    expect(wanted.filter((id) => !stored.has(id))).toEqual([]);

    await allCounted(source);
    expect(await done(source, 'verify')).toContain('in balance');
  });
});

test('a backup between the two stores, where a checkpoint is ahead of raw, is settled by who starts on it', async () => {
  const folder = join(backups, 'between');
  const server = await EmbeddedServer.open(join(source.folder, 'postgres'), () => {});
  const sessions = await openSessions(`embedded-postgres://${source.folder}/postgres`, {
    sessionTimeoutMs: 1,
  });
  const asker = new pg.Client(await server.connection());
  await asker.connect();
  const progress = async () =>
    (await sessions.progress()).reduce((sum, { nextOffset }) => sum + nextOffset, 0);
  /** For `ingest` alone: a day that is derived keeps the backup waiting for another lock before. */
  const isWaiting = async (mode: 'ExclusiveLock' | 'ShareLock') => {
    const { rows } = await asker.query(
      "select 1 from pg_locks where locktype = 'advisory' and not granted and objid = $1 and mode = $2",
      [LOCKS.ingest, mode],
    );
    return rows.length > 0;
  };
  await allCounted(source);
  const before = await source.query<VisitorStats>('visitors/today/');
  const beacons = scenario().map((beacon) => ({ ...beacon, fingerprint: `between ${beacon.fingerprint}` }));
  let backup: Promise<string> | undefined;
  try {
    await sessions.withLock('ingest', 'exclusive', async () => {
      backup = done(source, 'backup', folder);
      await until('the backup to wait for the lock', PATIENCE_MS, () => isWaiting('ExclusiveLock'));
      const counted = await progress();
      await send(source, beacons);
      await until('sessions to be counted', PATIENCE_MS, async () => (await progress()) > counted);
      await until('the pipeline to wait, too', PATIENCE_MS, () => isWaiting('ShareLock'));
    });
    await backup;
  } finally {
    await asker.end();
    await sessions.close();
    await server.stop();
  }

  const restored = await install();
  await done(restored, 'restore', folder);
  await restored.start();
  await allCounted(restored);
  expect(restored.output).toContain('settling what a crash left unclear');
  await vi.waitFor(async () => {
    const { total_visitors, total_page_views } = await restored.query<VisitorStats>('visitors/today/');
    expect({ total_visitors, total_page_views }).toEqual({
      total_visitors: before.total_visitors + figures(beacons).visitors,
      total_page_views: before.total_page_views + figures(beacons).pageViews,
    });
  }, PATIENCE_MS);
  expect(await done(restored, 'verify')).toContain('in balance');
  await restored.stop();
});

interface Stored {
  ids: string[];
  /** Of each partition: frames from the first to the last that raw has an event of, and those that it has one of. */
  frames: { last: number; seen: number }[];
}

/** What raw has, of an installation that has stopped. A process can look at one only. */
async function storedOf(folder: string): Promise<Stored> {
  const client = createClient({
    connection: asConnection(createChdbConnection({ path: join(folder, 'clickhouse') })),
  });
  const ask = async <Row>(query: string) =>
    (await client.query({ query, format: 'JSONEachRow' })).json<Row>();
  const ids = await ask<{ id: string }>('SELECT toString(event_id) AS id FROM footfall.event');
  const frames = await ask<Stored['frames'][number]>(
    `SELECT toUInt32(max(log_offset) + 1) AS last, toUInt32(uniqExact(log_offset)) AS seen
     FROM footfall.event GROUP BY log_partition`,
  );
  await client.close();
  return { ids: ids.map(({ id }) => id), frames };
}

test('a backup of services that are stopped has the spool of a collector as well', async () => {
  const options = { partitions: 8, retentionMs: 0, retentionBytes: 0, maxBytes: 1024 ** 2 };
  const [from, to] = [await install(), await install()];
  const spool = openLmdbLog(join(from.folder, 'spool'), options);
  await spool.append(3, Buffer.alloc(2_000, 'waits'));
  await spool.close();
  await done(from, 'backup', join(backups, 'spool'));
  await done(to, 'restore', join(backups, 'spool'));
  const restored = openLmdbLog(join(to.folder, 'spool'), options);
  const bodies: string[] = [];
  const subscription = await restored.subscribe('test', {
    assigned: async (_, committed) => committed,
    batch: async ({ frames }) => void bodies.push(...frames.map(({ body }) => body.toString())),
    revoked: () => {},
  });
  await vi.waitFor(() => expect(bodies).toEqual([Buffer.alloc(2_000, 'waits').toString()]), PATIENCE_MS);
  await subscription.close();
  await restored.close();
});

describe('a backup that is killed', () => {
  const folder = () => join(backups, 'killed');

  test.each(['unfinished', 'log', 'postgres', 'clickhouse'])(
    'at %s is not restored, and the next one works',
    async (at) => {
      const backup = spawn(process.execPath, [CLI, 'backup', folder()], {
        env: { ...process.env, ...source.environment },
        stdio: 'ignore',
      });
      const exit = ended(backup);
      while (!existsSync(join(folder(), at)) && backup.exitCode === null)
        await new Promise((resume) => setImmediate(resume));
      backup.kill('SIGKILL');
      await exit;
      expect(backup.signalCode).toBe('SIGKILL');
      const empty = await install();
      expect(await refused(empty, 'restore', folder())).toMatch(
        /is no complete backup: it has no manifest.json/,
      );
      expect(await readdir(empty.folder)).toEqual([]);

      await done(source, 'backup', folder());
      await done(empty, 'restore', folder());
      await vi.waitFor(
        () => expect(existsSync(join(source.folder, 'clickhouse', 'shadow'))).toBe(false),
        PATIENCE_MS,
      );
      await rm(folder(), { recursive: true });
    },
  );
});

describe('refuses', () => {
  let stopped: string;

  beforeAll(async () => {
    stopped = join(backups, 'stopped');
    const installation = await install();
    await done(installation, 'divisions', DIVISIONS_FILE);
    await done(installation, 'backup', stopped);
  });

  test('a backup into a folder that has something, or lies in DATA_DIR', async () => {
    expect(await refused(source, 'backup', stopped)).toContain('has a backup');
    const full = join(backups, 'full');
    await mkdir(full);
    await writeFile(join(full, 'letter'), '');
    expect(await refused(source, 'backup', full)).toContain('is not empty');
    expect(await refused(source, 'backup', join(source.folder, 'backup'))).toContain('is in DATA_DIR');
  });

  test('to back up what is not there', async () => {
    const nothing = await install();
    await rm(nothing.folder, { recursive: true });
    expect(await refused(nothing, 'backup', join(backups, 'nothing'))).toContain(
      'there is nothing to back up',
    );
    expect(existsSync(nothing.folder)).toBe(false);
  });

  test('to back up a log that is not the one that was counted', async () => {
    const replaced = await install();
    await replaced.start();
    await send(replaced, scenario().slice(0, 10));
    await allCounted(replaced);
    expect(await replaced.stop()).toBe(0);
    await rm(join(replaced.folder, 'log'), { recursive: true });
    const output = await refused(replaced, 'backup', join(backups, 'replaced'));
    expect(output).toMatch(/the log is \S+, but \S+ was counted: this is not the log that was counted/);
  });

  test('to restore over an installation, running or not', async () => {
    expect(await refused(source, 'restore', stopped)).toContain('is in use by services that run');
    const other = await install();
    await writeFile(join(other.folder, 'letter'), '');
    expect(await refused(other, 'restore', stopped)).toContain('is not empty');
  });

  test('a folder that is no backup', async () => {
    const installation = await install();
    expect(await refused(installation, 'restore', join(backups, 'none'))).toContain('is no complete backup');
  });

  test.each([
    ['format', { format: 2 }, /its format is 2, and this one knows formats up to 1/],
    [
      'schema of PostgreSQL',
      { schemas: { postgres: 999 } },
      /its schema is 999, and this one knows schemas up to \d+/,
    ],
    [
      'schema of ClickHouse',
      { schemas: { clickhouse: ['9999_future.sql'] } },
      /has migration 9999_future.sql, and this one knows them up to \d+_\w+.sql/,
    ],
    [
      'layout of the log',
      { schemas: { log: 99 } },
      /layout of its log is 99, and this one knows layouts up to \d+/,
    ],
  ])('a backup with a newer %s', async (_, change, message) => {
    const file = join(stopped, 'manifest.json');
    const text = await readFile(file, 'utf8');
    const manifest = JSON.parse(text);
    const schemas = { ...manifest.schemas, ...('schemas' in change ? change.schemas : {}) };
    await writeFile(file, JSON.stringify({ ...manifest, ...change, schemas }));
    const installation = await install();
    try {
      expect(await refused(installation, 'restore', stopped)).toMatch(message);
      expect(await readdir(installation.folder)).toEqual([]);
    } finally {
      await writeFile(file, text);
    }
  });

  test('a backup of which a file is damaged or missing, and leaves DATA_DIR empty', async () => {
    const installation = await install();
    const manifest = await readFile(join(stopped, 'manifest.json'), 'utf8');
    await writeFile(join(stopped, 'manifest.json'), '{"format":1}');
    expect(await refused(installation, 'restore', stopped)).toContain('is not what Footfall wrote there');
    await writeFile(join(stopped, 'manifest.json'), manifest);
    for (const path of ['postgres/division.ndjson', 'log/data.mdb']) {
      const file = join(stopped, path);
      const bytes = await readFile(file);
      await appendFile(file, '{}\n');
      expect(await refused(installation, 'restore', stopped)).toContain(
        `${path} is not what was written there`,
      );
      await rm(file);
      expect(await refused(installation, 'restore', stopped)).toContain(`${path} is missing`);
      await writeFile(file, bytes);
      expect(await readdir(installation.folder)).toEqual([]);
    }
    await done(installation, 'restore', stopped);
  });

  test('to start on a restore that was killed', async () => {
    const installation = await install();
    const restore = spawn(process.execPath, [CLI, 'restore', stopped], {
      env: { ...process.env, ...installation.environment },
      stdio: 'ignore',
    });
    const exit = ended(restore);
    while (!existsSync(join(installation.folder, 'restoring')) && restore.exitCode === null)
      await new Promise((resume) => setImmediate(resume));
    restore.kill('SIGKILL');
    await exit;
    for (const command of ['all', 'verify', 'ingest', 'token'])
      expect(await refused(installation, command, ...(command === 'token' ? ['--staff'] : []))).toContain(
        'is being restored',
      );
    expect(await refused(installation, 'restore', stopped)).toContain('is not empty');
  });

  test.each(['backup', 'restore'])(
    '%s where engines are in the network, and names their own tools',
    async (command) => {
      const installation = await install({
        KAFKA_BROKERS: '127.0.0.1:1',
        CLICKHOUSE_URL: 'http://127.0.0.1:1',
        DATABASE_URL: 'postgresql://127.0.0.1:1/footfall',
      });
      const said = await refused(installation, command, stopped);
      expect(said).toContain('KAFKA_BROKERS, CLICKHOUSE_URL, DATABASE_URL');
      for (const tool of ['pg_dump', 'pg_basebackup', 'BACKUP', 'mirror', 'docs/operations.md'])
        expect(said).toContain(tool);
    },
  );
});

function ended(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve) => child.once('exit', resolve));
}
