/** The process of the pipeline, the query API, or both: embedded, the analytics store belongs to one process. */
import type { Logger } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { calendar as createCalendar } from '../contract/reporting-day.ts';
import type { EventLog } from '../kafka/port.ts';
import { startClosing } from '../pipeline/closing.ts';
import { startErasures } from '../pipeline/erasures.ts';
import { startJobs } from '../pipeline/jobs.ts';
import { startPipeline } from '../pipeline/pipeline.ts';
import { startPresenceSeries } from '../pipeline/presence-series.ts';
import { startQueryApi } from '../query-api/server.ts';
import type { PresenceChange } from '../redis/port.ts';
import { VisitorTracker } from '../redis/visitor-tracker.ts';
import {
  openAnalyticsStore,
  openEventLog,
  openEventLogLater,
  openLiveStore,
  openSessionStore,
} from './engines.ts';
import { listenForBackups } from './freeze-socket.ts';
import { collectEarlier } from './heap.ts';
import { createLogger } from './logger.ts';
import { startProbes } from './probes.ts';
import { type ReadinessSources, readinessOf } from './readiness.ts';
import { fingerprintSecrets, readSecrets } from './secrets.ts';
import { type Running, runService } from './service.ts';

export type Role = 'pipeline' | 'query-api';

export function runServe(config: Config, roles: readonly Role[]): Promise<void> {
  const logger = createLogger(config, roles.join('+'));
  return runService(logger, async (opened): Promise<Running> => {
    const { jwtSecret } = readSecrets(config);
    const fingerprints = fingerprintSecrets(config);
    const { timeZone, realtimeTtlMs } = config;
    const [sessions, live] = await Promise.all([
      opened.add(openSessionStore(config, logger)),
      opened.add(openLiveStore(config, logger)),
    ]);
    const analytics = await opened.add(openAnalyticsStore(config, sessions));
    // The query API answers without the log, all but the ledger.
    const counts = roles.includes('pipeline');
    const log = await opened.add<EventLog>(
      counts ? openEventLog(config, logger) : openEventLogLater(config, logger),
    );
    const calendar = createCalendar(timeZone);
    const tracker = new VisitorTracker(live, {
      realtimeTtlMs,
      ...(logger.isLevelEnabled('debug') && { onChange: logChange(logger) }),
    });
    const metrics = new Registry();
    collectDefaultMetrics({ register: metrics });
    const ports: Record<string, number> = {};
    /** In the order in which they are to be closed. */
    const closers: (() => Promise<void>)[] = [];
    opened.add({
      async close() {
        for (const close of closers) await close();
      },
    });
    if (config.analyticsUrl.startsWith('chdb:')) {
      const backups = await listenForBackups(config.dataDir, analytics, logger);
      closers.push(() => backups.close());
    }
    const sources: ReadinessSources = {
      required: { analytics, sessions, ...(counts && { log }) },
      // Without these, live numbers and the ledger are missing.
      optional: { live, ...(!counts && { log }) },
      problems: [],
      degraded: [],
    };
    const readiness = () => readinessOf(sources);

    if (counts) {
      collectEarlier();
      const stores = { log, analytics, sessions, live, tracker };
      const pipeline = await startPipeline({ config, ...stores, calendar, metrics, logger });
      const jobs = startJobs({ config, sessions, logger });
      const series = startPresenceSeries({ live, analytics, sessions, metrics, logger });
      const closing = startClosing({ analytics, sessions, log, calendar, metrics, logger });
      const erasures = startErasures({
        ...{ analytics, sessions, log, live, calendar, metrics, logger, now: Date.now },
        leave: (visitor) => tracker.removeVisitor(visitor),
      });
      closers.push(
        () => jobs.close(),
        () => erasures.close(),
        () => series.close(),
        () => closing.close(),
        () => pipeline.close(),
      );
      sources.problems.push(() => pipeline.problems());
      sources.degraded.push(
        () => pipeline.degraded(),
        () => closing.degraded(),
      );
    }

    if (roles.includes('query-api')) {
      const api = await startQueryApi({
        config,
        analytics,
        sessions,
        eventLog: log,
        live,
        tracker,
        fingerprintSecrets: fingerprints,
        jwt: {
          ...(config.jwksUrl === '' ? { secret: jwtSecret } : { jwksUrl: config.jwksUrl }),
          audience: config.jwtAudience,
          issuer: config.jwtIssuer,
        },
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

    return { ports };
  });
}

/** The visitor by the number that sockets say, too: never by an address or a fingerprint. */
function logChange(logger: Logger) {
  return (what: 'joined' | 'left', { visitor, scope, at }: PresenceChange) =>
    logger.debug({ visitor, scope, at }, `Visitor ${what}`);
}
