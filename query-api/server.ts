/** Starts the query API: REST endpoints and sockets on one port. */
import { createAdaptorServer, type WebSocketServerLike } from '@hono/node-server';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import type { Config } from '../config.ts';
import { trustedProxies } from '../contract/client-address.ts';
import { calendar } from '../contract/reporting-day.ts';
import type { EventLog } from '../kafka/port.ts';
import { listenAt } from '../listening.ts';
import type { SessionStore } from '../postgres/port.ts';
import { type LiveStore, SITE } from '../redis/port.ts';
import type { VisitorTracker } from '../redis/visitor-tracker.ts';
import { admission } from './admission.ts';
import { createApp, type Readiness } from './app.ts';
import { authenticator, type JwtKeys, type JwtScope } from './auth.ts';
import { conservationLedger } from './ledger.ts';
import { apiMetrics } from './metrics.ts';
import { hashingOf, Privacy } from './privacy.ts';
import { ledgerRange, type RangeParams } from './range.ts';
import { requestLimiter } from './rate-limit.ts';
import { answeringRefusals } from './refused-upgrade.ts';
import { resultCache } from './result-cache.ts';
import { Sockets } from './sockets.ts';
import { timedReads } from './timed-reads.ts';
import { VisitorAnalytics } from './visitor-analytics.ts';

/** How long answers under way may take once the server is told to close. */
const DRAIN_MS = 10_000;

export interface QueryApiOptions {
  config: Pick<
    Config,
    | 'host'
    | 'apiPort'
    | 'corsAllowedOrigins'
    | 'trustedProxies'
    | 'timeZone'
    | 'rawDays'
    | 'realtimeTtlMs'
    | 'rateLimitAnonymous'
    | 'rateLimitUser'
    | 'visitorSalt'
  >;
  analytics: AnalyticsStore;
  sessions: SessionStore;
  eventLog: Pick<EventLog, 'lag' | 'identity' | 'deadLetters'>;
  live: LiveStore;
  tracker: Pick<VisitorTracker, 'getCount' | 'onNews'>;
  jwt: JwtKeys & JwtScope;
  /** What collectors hash fingerprints with, then what they did before, where that is known. */
  fingerprintSecrets: readonly [string, ...string[]];
  log: Logger;
  readiness: () => Promise<Readiness>;
  metrics: Registry;
  /** ms since the epoch */
  now?: () => number;
}

export interface QueryApi {
  port: number;
  /** Answers what is under way, closes the sockets. The stores stay open: they are the caller's. */
  close(): Promise<void>;
}

/** Rejects where the port is taken (ListenError) or an option is wrong. It starts without the live store, and heals when that is there. */
export async function startQueryApi(options: QueryApiOptions): Promise<QueryApi> {
  const { config, live, tracker, log, now = Date.now } = options;
  const metrics = apiMetrics(options.metrics);
  const days = calendar(config.timeZone);
  const reads = timedReads(options.analytics, (query, seconds) =>
    metrics.querySeconds.observe({ query }, seconds),
  );
  const analytics = new VisitorAnalytics({
    analytics: reads,
    sessions: options.sessions,
    calendar: days,
    now,
  });
  const online = (communityId: string | undefined) => tracker.getCount(communityId);
  const shared = {
    admit: admission(
      authenticator(options.jwt, now),
      requestLimiter(live, config, options.fingerprintSecrets[0], metrics, log),
    ),
    allowedOrigins: config.corsAllowedOrigins,
    trusted: trustedProxies(config.trustedProxies),
    metrics,
    log,
  };
  const ledger = (params: RangeParams) =>
    conservationLedger(
      { ...options, analytics: reads, log: options.eventLog, now },
      ledgerRange(params, days, now(), config.rawDays),
    );
  const settings = () => ({
    time_zone: config.timeZone,
    today: analytics.today(),
    raw_days: config.rawDays,
    realtime_ttl_seconds: config.realtimeTtlMs / 1_000,
    ranges_count: config.visitorSalt === 'daily' ? ('visitor_days' as const) : ('visitors' as const),
  });
  const app = createApp({
    ...shared,
    services: {
      analytics,
      privacy: new Privacy({ ...options, ...hashingOf(config, options), now }),
      cache: resultCache(live, metrics, log),
      ledger,
      online,
      settings,
      now,
    },
    timeZone: config.timeZone,
    readiness: options.readiness,
    registry: options.metrics,
  });
  const sockets = new Sockets({
    ...shared,
    onNews: (listener) => tracker.onNews(listener),
    sources: {
      online: (scope) => online(communityOf(scope)),
      visitorsToday: (scope) => live.visitorsOf(analytics.today(), scope),
      pageViewsToday: async (scope) => {
        const today = { start_date: analytics.today(), end_date: analytics.today() };
        const community_id = communityOf(scope);
        const stats = await analytics.getUniqueVisitors({ ...today, ...(community_id && { community_id }) });
        return stats.total_page_views;
      },
      now,
    },
  });
  sockets.addRoutes(app);

  // The adapter is written for `ws`, but its own declaration of it does not know exactOptionalPropertyTypes.
  const websocket = { server: sockets.server as WebSocketServerLike };
  const server = createAdaptorServer({ fetch: answeringRefusals(app.fetch), websocket });
  await sockets.start();
  const place = { host: config.host, port: config.apiPort, variable: 'API_PORT' } as const;
  const port = await listenAt(server, place).catch(async (error: unknown) => {
    await sockets.close();
    throw error;
  });
  return {
    port,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      const cutOff = setTimeout(() => {
        if ('closeAllConnections' in server) server.closeAllConnections();
      }, DRAIN_MS);
      await sockets.close();
      await closed;
      clearTimeout(cutOff);
    },
  };
}

const communityOf = (scope: string) => (scope === SITE ? undefined : scope);
