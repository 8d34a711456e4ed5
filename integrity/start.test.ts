import { createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Installation } from './installation.ts';

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
])('a start that cannot succeed ends with 1 and the reason: %o', async (environment, reason) => {
  footfall = await Installation.create(environment);
  await expect(footfall.start()).rejects.toThrow('it ended with 1');
  expect(footfall.output).toContain(reason);
});

test('a port that is taken is tried again for some seconds, then named', async () => {
  footfall = await Installation.create();
  const { port } = new URL(footfall.collector);
  const squatter = createServer().listen(Number(port), '127.0.0.1');
  await expect(footfall.start()).rejects.toThrow('it ended with 1');
  expect(footfall.output).toContain(`ingest cannot run: the collector cannot listen on 127.0.0.1:${port}`);
  await new Promise((resolve) => squatter.close(resolve));
}, 60_000);

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
