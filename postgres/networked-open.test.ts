/** Opening a session store on a server in the network: what is waited for, what is refused, what is made. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { OwnServer, ScratchDatabase } from './networked.fixture.ts';
import { openNetworked, requireVersion } from './networked.ts';
import { openSessions } from './open.ts';
import { SessionStoreError } from './port.ts';
import { CuttingProxy } from './proxy.fixture.ts';

const OPENERS = 4;
const options = { sessionTimeoutMs: 1, reachWithinMs: 300 };
const UNAVAILABLE = { name: 'SessionStoreError', code: 'unavailable', retryable: true };

describe('the URL of a server', () => {
  it('may hold parameters about TLS, the name and the options of the connection, and no other', async () => {
    await expect(openSessions('postgresql://127.0.0.1:1/x?sslmod=disable', options)).rejects.toMatchObject({
      name: 'EngineUrlError',
      message: expect.stringMatching(/sslmod, known: sslmode, .*application_name/),
    });
  });

  it('is not shown where it cannot be read, since it may hold a password', async () => {
    const failure = await openSessions('postgresql://a:hidden@[x/y', options).catch(
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ name: 'EngineUrlError' });
    expect(String(failure)).not.toContain('hidden');
  });

  it('leads to an error that names the server and the reason, not the password', async () => {
    for (const [url, reason] of [
      ['postgresql://a:hidden@127.0.0.1:1/b', 'ECONNREFUSED'],
      ['postgresql://a:hidden@localhost:1/b', 'ECONNREFUSED'],
      ['postgres://a:hidden@no-such-host.invalid:1/b', 'getaddrinfo'],
    ] as const) {
      const failure = await openSessions(url, options).catch((error: unknown) => error);
      expect(failure, url).toMatchObject(UNAVAILABLE);
      const { host, pathname } = new URL(url);
      expect(String(failure)).toContain(`${host}${pathname} cannot be reached within 0 s: `);
      expect(String(failure)).toContain(reason);
      expect(String(failure)).not.toContain('hidden');
    }
  });
});

it('a server before version 15 is refused by name', () => {
  expect(() => requireVersion(150_000)).not.toThrow();
  expect(() => requireVersion(180_004)).not.toThrow();
  expect(() => requireVersion(140_019)).toThrow(
    new SessionStoreError('failed', 'PostgreSQL 14 is too old: 15 or later is needed'),
  );
});

describe('a server', () => {
  let server: OwnServer;
  beforeEach(async () => {
    server = await OwnServer.make();
  });
  afterEach(() => server.remove());

  it('that starts after its client is waited for', async () => {
    const proxy = await CuttingProxy.to(() => server.url());
    const warn = vi.fn();
    const opening = openSessions(proxy.url(server.url()), { sessionTimeoutMs: 1, warn });
    await vi.waitFor(() =>
      expect(warn).toHaveBeenCalledWith(expect.stringContaining('waiting'), expect.anything()),
    );
    await server.start();
    const store = await opening;
    await store.ping();
    await store.close();
    await proxy.close();
  });

  it('that refuses the password, or has no such database, is not waited for', async () => {
    await server.start();
    const patient = { sessionTimeoutMs: 1, reachWithinMs: 3_600_000 };
    const refused = { code: 'failed', retryable: false, message: expect.stringContaining('127.0.0.1') };
    await expect(openSessions(server.url('wrong'), patient)).rejects.toMatchObject(refused);
    await expect(openSessions(`${server.url()}_other`, patient)).rejects.toMatchObject(refused);
  });

  it('that does not answer is given up in time', async () => {
    await server.start();
    const proxy = await CuttingProxy.to(() => server.url());
    proxy.silent = true;
    await expect(openSessions(proxy.url(server.url()), options)).rejects.toMatchObject(UNAVAILABLE);
    await proxy.close();
  });
});

describeWithStack('a database', 'STACK_POSTGRES', (address) => {
  let scratch: ScratchDatabase;
  beforeAll(async () => {
    scratch = await ScratchDatabase.create(address);
  });
  afterAll(() => scratch.drop());

  it('that is empty may be opened by several processes at once, each with several pools', async () => {
    const openers = Array.from({ length: OPENERS }, () => spawnOpener(scratch.url));
    const stores = await Promise.all(
      Array.from({ length: OPENERS }, () => scratch.open({ maxConnections: 2 })),
    );
    for (const opener of openers) expect(await opener.opened).toBe(true);
    await Promise.all(stores.map((store) => store.ping()));
    for (const opener of openers) expect(await opener.leave()).toBe(0);
    const { rows } = await scratch.pool.query('select version from schema_migration order by version');
    const files = await readdir(new URL('./migrations', import.meta.url));
    expect(rows.map(({ version }) => Number(version))).toEqual([...Array(files.length + 1).keys()]);
  });

  it('sees no more connections than it was told, under the name of the application', async () => {
    const store = await scratch.open({
      url: `${scratch.url}?application_name=counted`,
      maxConnections: 3,
      maxLockConnections: 2,
    });
    await Promise.all(Array.from({ length: 20 }, () => store.ping()));
    await Promise.all(
      Array.from({ length: 9 }, () => store.withLock('cleanup', 'shared', () => store.ping())),
    );
    const { rows } = await scratch.pool.query<{ connections: number }>(
      "select count(*)::integer as connections from pg_stat_activity where application_name = 'counted'",
    );
    expect(rows[0]?.connections).toBeLessThanOrEqual(5);
    expect(rows[0]?.connections).toBeGreaterThan(2);
  });

  it('is asked for no more than the limits of time allow', async () => {
    const parts = { maxConnections: 1, maxLockConnections: 1, reachWithinMs: 1_000, warn: () => {} };
    const database = await openNetworked(`${scratch.url}?options=-c%20search_path%3Dpublic`, parts);
    const [row] = await database.query<Record<string, string>>(
      `select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
              current_setting('idle_in_transaction_session_timeout') as idle, current_setting('search_path') as path,
              current_setting('tcp_keepalives_idle') as keepalive, current_setting('tcp_user_timeout') as unanswered`,
    );
    await database.close();
    expect(row).toEqual({
      statement: '30s',
      lock: '10s',
      idle: '30s',
      path: 'public',
      keepalive: '30',
      unanswered: '60000',
    });
  });
});

function spawnOpener(url: string): { opened: Promise<boolean>; leave: () => Promise<number | null> } {
  const script = fileURLToPath(new URL('./opener.fixture.ts', import.meta.url));
  const opener = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(opener, 'exit').then(([code]: (number | null)[]) => code ?? null);
  return {
    opened: Promise.race([once(opener.stdout, 'data').then(() => true), ended.then(() => false)]),
    leave: async () => {
      opener.stdin.end();
      return await ended;
    },
  };
}
