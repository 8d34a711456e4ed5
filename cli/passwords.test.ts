/** No password of an engine is in what is thrown or logged, whatever is wrong with its URL or its server. */
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import { pino } from 'pino';
import { beforeEach, describe, expect, test } from 'vitest';
import { openAnalytics } from '../clickhouse/open.ts';
import { openLog } from '../kafka/open.ts';
import { OwnServer } from '../postgres/networked.fixture.ts';
import { openSessions } from '../postgres/open.ts';
import { openLive } from '../redis/open.ts';
import { startRefusingRedis } from '../redis/refusing-redis.fixture.ts';

const PASSWORD = 'hunter2-of-the-tests';
const NOWHERE = '127.0.0.1:9';

let told: string;
const log = pino({ level: 'trace' }, { write: (line: string) => (told += line) });
beforeEach(() => {
  told = '';
});

/** Puts all that there is to see of an error into `told`, as a process does that logs it, prints it or ends with it. */
async function tell(work: () => Promise<{ close(): Promise<void> }>): Promise<string> {
  try {
    await (await work()).close();
  } catch (error) {
    log.fatal({ err: error }, 'cannot start');
    told += inspect(error, { depth: 20, showHidden: true });
    return error instanceof Error ? error.message : String(error);
  }
  throw new Error('it should not have opened');
}

const sessions = (url: string) => () =>
  openSessions(url, {
    sessionTimeoutMs: 1_000,
    reachWithinMs: 0,
    warn: (message, error) => log.warn({ err: error }, message),
  });
const analytics = (url: string) => () => openAnalytics(url, { rawDays: 1 });
const live = (url: string) => async () => {
  const store = await openLive(url, { onError: (err) => log.error({ err }, 'live store') });
  try {
    await store.ping();
  } finally {
    await store.close();
  }
  return store;
};
const events = (url: string) => () =>
  openLog(url, {
    ...{ partitions: 1, retentionMs: 1, retentionBytes: 1, maxBytes: 2 },
    onTrouble: ({ kind, ...trouble }) => log.warn({ kind, ...trouble }, 'event log'),
  });

describe('a URL that is wrong', () => {
  test.each([
    ['of another engine', sessions, `mysql://user:${PASSWORD}@${NOWHERE}/db`],
    ['without a scheme', sessions, `user:${PASSWORD}@${NOWHERE}/db`],
    ['that cannot be read', sessions, `postgresql://user:${PASSWORD}@host:port/db`],
    ['with an unknown parameter', sessions, `postgresql://user:${PASSWORD}@${NOWHERE}/db?pool=3`],
    ['with a ? in the password', sessions, `postgresql://user?${PASSWORD}@${NOWHERE}/db`],
    ['without a scheme', analytics, `default:${PASSWORD}@${NOWHERE}`],
    ['that cannot be read', analytics, `http://default:${PASSWORD}@host:port`],
    ['of another database', analytics, `http://default:${PASSWORD}@${NOWHERE}/other`],
    ['that is not percent-encoded', analytics, `http://default:${PASSWORD}%zz@${NOWHERE}`],
    ['without a scheme', live, `:${PASSWORD}@${NOWHERE}`],
    ['that cannot be read', live, `redis://:${PASSWORD}@@${NOWHERE}`],
    ['that is not percent-encoded', live, `redis://:${PASSWORD}%zz@${NOWHERE}`],
    ['with a ? in the password', live, `redis://user?${PASSWORD}@${NOWHERE}`],
    ['with an unknown parameter', live, `redis://:${PASSWORD}@${NOWHERE}?password=${PASSWORD}`],
    ['with credentials', events, `kafka://user:${PASSWORD}@${NOWHERE}`],
    ['with an unknown parameter', events, `kafka://${NOWHERE}?sasl=${PASSWORD}`],
    ['with a wrong prefix', events, `kafka://${NOWHERE}?prefix=:${PASSWORD}`],
  ])('%s: %o', async (_, open, url) => {
    expect(await tell(open(url))).not.toBe('');
    expect(told).toContain('"type":"EngineUrlError"');
    expect(told).not.toContain(PASSWORD);
  });
});

describe('a server', () => {
  test.each([
    ['PostgreSQL', sessions, `postgresql://user:${PASSWORD}@${NOWHERE}/db`],
    ['ClickHouse', analytics, `http://default:${PASSWORD}@${NOWHERE}`],
    ['Redis', live, `redis://user:${PASSWORD}@${NOWHERE}`],
    ['Redis as a cluster', live, `redis+cluster://user:${PASSWORD}@${NOWHERE}`],
  ])('that is away: %s', async (_, open, url) => {
    expect(await tell(open(url))).toMatch(/ECONNREFUSED|no connection|Failed to refresh/);
    expect(told).not.toContain(PASSWORD);
  });

  test('that refuses the password: PostgreSQL', async () => {
    const server = await OwnServer.make();
    await server.start();
    try {
      expect(await tell(sessions(server.url(PASSWORD)))).toContain('authentication failed');
      expect(told).not.toContain(PASSWORD);
    } finally {
      await server.remove();
    }
  });

  test('that refuses the password: ClickHouse', async () => {
    const server = createServer((_, response) => {
      response.writeHead(403, { 'X-ClickHouse-Exception-Code': '516' });
      response.end('Code: 516. DB::Exception: default: Authentication failed. (AUTHENTICATION_FAILED)');
    }).listen(0, '127.0.0.1');
    await new Promise((listening) => server.once('listening', listening));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : '';
    expect(await tell(analytics(`http://default:${PASSWORD}@127.0.0.1:${port}`))).toContain(
      'Authentication failed',
    );
    expect(told).not.toContain(PASSWORD);
    server.close();
    server.closeAllConnections();
  });

  test.each(['', 'user'])('that refuses the password: Redis, of user "%s"', async (user) => {
    const server = await startRefusingRedis();
    expect(await tell(live(`redis://${user}:${PASSWORD}@127.0.0.1:${server.port}`))).toContain('WRONGPASS');
    expect(told).not.toContain(PASSWORD);
    await server.close();
  });
});
