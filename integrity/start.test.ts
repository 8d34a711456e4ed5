import { once } from 'node:events';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { freePort } from '../free-port.fixture.ts';
import { Installation, statsOnceUpToDate } from './installation.ts';

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';

let footfall: Installation | undefined;
afterEach(() => footfall?.remove());

test.each([
  [
    { CLICKHOUSE_URL: 'mysql://localhost' },
    'analytics store: no engine for mysql://, known: chdb://, http://',
  ],
  [{ DATABASE_URL: 'mysql://localhost/x' }, 'session store: no engine for mysql://'],
  [{ REDIS_URL: 'memcached://localhost' }, 'live store: no engine for memcached://'],
  [{ ANALYTICS_TIMEZONE: 'Mars/Olympus' }, 'ANALYTICS_TIMEZONE=Mars/Olympus: is not a time zone'],
])('a start that cannot succeed ends with 78 and the reason: %o', async (environment, reason) => {
  footfall = await Installation.create(environment);
  await expect(footfall.start()).rejects.toThrow('it ended with 78');
  expect(footfall.output).toContain(reason);
});

describe('a port that is taken', () => {
  const squatters: Server[] = [];
  afterEach(() =>
    Promise.all(squatters.splice(0).map((each) => new Promise((closed) => each.close(closed)))),
  );

  async function take(port: number): Promise<string> {
    const squatter = createServer().listen(port, '127.0.0.1');
    squatters.push(squatter);
    await once(squatter, 'listening');
    return `port ${port} is taken on 127.0.0.1: stop what listens there, or set `;
  }

  test('ends the start before anything has begun, and each is named once, with its variable', async () => {
    footfall = await Installation.create();
    const [ingest, api] = [footfall.collector, footfall.api].map((url) => Number(new URL(url).port));
    const ofApi = `${await take(api ?? 0)}API_PORT to another port\n`;
    await expect(footfall.start()).rejects.toThrow('it ended with 78');
    expect(footfall.output).toBe(ofApi);
    const ofIngest = `${await take(ingest ?? 0)}INGEST_PORT to another port\n`;
    await expect(footfall.start()).rejects.toThrow('it ended with 78');
    expect(footfall.output).toBe(ofApi + ofIngest + ofApi);
    expect(readdirSync(footfall.folder)).toEqual([]);
  });

  test('of one of several collectors ends their start the same way', async () => {
    footfall = await Installation.create({ INGEST_PROCESSES: '2' });
    const said = await take(Number(new URL(footfall.collector).port) + 2);
    expect(await footfall.run('ingest')).toEqual({
      code: 78,
      output: `${said}INGEST_PORT to another port\n`,
    });
  });

  test.each([
    ['query-api', 'API_PORT'],
    ['pipeline', 'PIPELINE_PORT'],
  ])('is named by a service that is started alone: %s', async (service, variable) => {
    const port = await freePort();
    footfall = await Installation.create({ [variable]: `${port}` });
    const said = await take(port);
    const { code, output } = await footfall.run(service);
    expect(code).toBe(1);
    expect(output).toContain(`${said}${variable} to another port`);
  });
});

test('a service that cannot start is tried again for some seconds, then the reason is said', async () => {
  footfall = await Installation.create();
  writeFileSync(join(footfall.folder, 'log'), 'no folder');
  await expect(footfall.start()).rejects.toThrow('it ended with 1');
  expect(footfall.output.match(/starting it again/g)?.length).toBeGreaterThan(1);
  expect(footfall.output).toMatch(/^(ingest|pipeline) cannot run: /m);
}, 120_000);

/** Until there is one the zone may be any. */
async function countOneEvent(running: Installation): Promise<void> {
  const answer = await fetch(`${running.collector}/e`, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'User-Agent': CHROME },
    body: JSON.stringify({ fingerprint: 'fingerprint of somebody', url: '/' }),
  });
  expect(answer.status, await answer.text()).toBe(202);
  expect(await statsOnceUpToDate((path) => running.query(path), 1)).toMatchObject({ total_page_views: 1 });
}

test('a log that was replaced is named by `verify`', async () => {
  footfall = await Installation.create();
  await footfall.start();
  await countOneEvent(footfall);
  expect((await footfall.run('verify')).code).toBe(0);
  expect(await footfall.stop()).toBe(0);
  rmSync(join(footfall.folder, 'log'), { recursive: true });
  await footfall.start();
  const { code, output } = await footfall.run('verify');
  expect(code).toBe(1);
  expect(output).toMatch(
    /^NOT the log that was counted, and nothing more counts: partition \d: the log is /m,
  );
});

describe('a start that is refused once the embedded database runs leaves no process', () => {
  const SECRET = 'a secret of the tests, long enough for it';

  test.each([
    [
      { FINGERPRINT_SECRET: SECRET, FINGERPRINT_SECRET_PREVIOUS: SECRET },
      'is what FINGERPRINT_SECRET is now',
    ],
    [
      { ANALYTICS_TIMEZONE: 'America/Toronto' },
      'the stored events have days of UTC, and ANALYTICS_TIMEZONE is',
    ],
    [{ PARTITIONS: '4' }, 'was created with 8 partitions, not 4'],
    [{ REDIS_URL: 'memcached://localhost' }, 'no engine for memcached://'],
    [{ REDIS_URL: 'redis://localhost:none' }, 'a host is no HOST:PORT'],
  ])('%o', async (environment, reason) => {
    footfall = await Installation.create();
    await footfall.start();
    await countOneEvent(footfall);
    expect(footfall.servers).not.toEqual([]);
    expect(await footfall.stop()).toBe(0);
    expect(footfall.servers).toEqual([]);

    Object.assign(footfall.environment, environment);
    const alone = await footfall.run('pipeline', '--with-query-api');
    expect(alone).toEqual({ code: 78, output: expect.stringContaining(reason) });
    expect(footfall.servers).toEqual([]);

    const { code, output } = await footfall.run('all');
    expect(code).toBe(78);
    expect(output.match(new RegExp(reason, 'g'))).toHaveLength(1);
    expect(output).not.toContain('starting it again');
    expect(output).not.toContain('"stack"');
    expect(footfall.servers).toEqual([]);
  });
});

test('tokens of the start and of the command line name the audience and the issuer that are wanted', async () => {
  const scope = { JWT_AUDIENCE: 'footfall', JWT_ISSUER: 'https://id.example' };
  footfall = await Installation.create({
    JWT_SECRET: 'a secret of the tests, long enough for HS256',
    ...scope,
  });
  await footfall.start();
  const ask = async (token: string) =>
    (
      await fetch(`${footfall?.api}/api/analytics/settings/`, {
        headers: { Authorization: `Bearer ${token}` },
      })
    ).status;
  expect(await ask(footfall.token)).toBe(200);
  expect(await ask((await footfall.run('token', '--staff')).output.trim())).toBe(200);
  footfall.environment.JWT_AUDIENCE = 'another';
  expect(await ask((await footfall.run('token', '--staff')).output.trim())).toBe(401);
  expect(await footfall.stop()).toBe(0);
});
