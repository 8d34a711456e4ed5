/** The process of the pipeline, the query API, or both: embedded, the analytics store belongs to one process. */
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { calendar as createCalendar } from '../contract/reporting-day.ts';
import { startClosing } from '../pipeline/closing.ts';
import { startJobs } from '../pipeline/jobs.ts';
import { startPipeline } from '../pipeline/pipeline.ts';
import { startPresenceSeries } from '../pipeline/presence-series.ts';
import { startQueryApi } from '../query-api/server.ts';
import { openLive } from '../redis/open.ts';
import { VisitorTracker } from '../redis/visitor-tracker.ts';
import { openAnalyticsStore, openEventLog, openEventLogLater, openSessionStore } from './engines.ts';
import { listenForBackups } from './freeze-socket.ts';
import { createLogger } from './logger.ts';
import { startProbes } from './probes.ts';
import { readSecrets } from './secrets.ts';
import { type Running, runService } from './service.ts';

export type Role = 'pipeline' | 'query-api';

export function runServe(config: Config, roles: readonly Role[]): Promise<void> {
  const logger = createLogger(config, roles.join('+'));
  return runService(logger, async (): Promise<Running> => {
    const { jwtSecret } = readSecrets(config);
    const { timeZone, realtimeTtlMs } = config;
    const [sessions, live] = await Promise.all([
      openSessionStore(config, logger),
      openLive(config.liveUrl, { onError: (err) => logger.error({ err }, 'live store') }),
    ]);
    const analytics = await openAnalyticsStore(config, sessions);
    const backups = config.analyticsUrl.startsWith('chdb:')
      ? await listenForBackups(config.dataDir, analytics, logger)
      : undefined;
    // The query API answers without the log, all but the ledger.
    const log = roles.includes('pipeline')
      ? await openEventLog(config, logger)
      : openEventLogLater(config, logger);
    const calendar = createCalendar(timeZone);
    const tracker = new VisitorTracker(live, { realtimeTtlMs });
    const metrics = new Registry();
    collectDefaultMetrics({ register: metrics });
    const ports: Record<string, number> = {};
    /** In the order in which they are to be closed. */
    const closers: (() => Promise<void>)[] = [];
    const problems: (() => string[] | Promise<string[]>)[] = [];

    for (const [name, store] of Object.entries({ analytics, sessions })) {
      problems.push(() => whyAway(name, store));
    }

    const readiness = async () => {
      // Without the live store only live numbers are missing.
      const [degraded, ...found] = await Promise.all([
        whyAway('live', live),
        ...problems.map((ask) => ask()),
      ]);
      return { ready: found.flat().length === 0, problems: found.flat(), degraded };
    };

    if (roles.includes('pipeline')) {
      const stores = { log, analytics, sessions, live, tracker };
      const pipeline = await startPipeline({ config, ...stores, calendar, metrics, logger });
      const jobs = startJobs({ config, sessions, logger });
      const series = startPresenceSeries({ live, analytics, sessions, metrics, logger });
      const closing = startClosing({ analytics, sessions, log, calendar, metrics, logger });
      closers.push(
        () => jobs.close(),
        () => series.close(),
        () => closing.close(),
        () => pipeline.close(),
      );
      problems.push(() => pipeline.problems());
    }

    if (roles.includes('query-api')) {
      const api = await startQueryApi({
        config,
        analytics,
        sessions,
        eventLog: log,
        live,
        tracker,
        jwt: config.jwksUrl === '' ? { secret: jwtSecret } : { jwksUrl: config.jwksUrl },
        log: logger,
        metrics,
        readiness,
      });
      ports.api = api.port;
      closers.unshift(() => api.close());
    } else {
      const probes = await startProbes({ host: config.host, port: config.pipelinePort, metrics, readiness });
      ports.pipeline = probes.port;
      closers.push(() => probes.close());
    }

    return {
      ports,
      async close() {
        await backups?.close();
        for (const close of closers) await close();
        await log.close();
        await Promise.all([analytics.close(), sessions.close(), live.close()]);
      },
    };
  });
}

/** In words; empty where the store answers. */
function whyAway(name: string, store: { ping(): Promise<void> }): Promise<string[]> {
  return store.ping().then(
    () => [],
    (error: Error) => [`${name}: ${error.message}`],
  );
}
