import { afterEach, beforeEach, expect, test } from 'vitest';
import { startRefusingRedis } from '../redis/refusing-redis.fixture.ts';
import { Installation } from './installation.ts';

const PASSWORD = 'hunter2-of-the-tests';

let redis: Awaited<ReturnType<typeof startRefusingRedis>>;
let footfall: Installation | undefined;
beforeEach(async () => {
  redis = await startRefusingRedis();
});
afterEach(async () => {
  await footfall?.remove();
  await redis.close();
});

test('a password that a store refuses is in no log, no answer to operators and no end of a process', async () => {
  const url = `redis://:${PASSWORD}@127.0.0.1:${redis.port}`;
  footfall = await Installation.create({ REDIS_URL: url, LOG_LEVEL: 'trace' });
  await footfall.start();
  for (const origin of [footfall.collector, footfall.api]) {
    const readiness = await (await fetch(`${origin}/readyz`)).text();
    expect(readiness).not.toContain(PASSWORD);
    if (origin === footfall.api) expect(readiness).toContain('WRONGPASS');
  }
  await fetch(`${footfall.api}/api/analytics/realtime/`, {
    headers: { Authorization: `Bearer ${footfall.token}` },
  });
  await footfall.stop();
  expect(footfall.output).not.toContain(PASSWORD);

  footfall.environment.DATABASE_URL = `postgresql://user:${PASSWORD}@[host/db`;
  await expect(footfall.start()).rejects.toThrow('it ended with 78');
  expect(footfall.output).toContain('the URL of PostgreSQL must be');
  expect(footfall.output).not.toContain(PASSWORD);
});
