/** Opens the engines that the configuration names. The clients of the stores are loaded when they are wanted: a collector wants none. */
import type { Logger } from 'pino';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import type { Config } from '../config.ts';
import type { LazyLog } from '../kafka/lazy-log.ts';
import { openLog, openLogLater, openLogWithSpool } from '../kafka/open.ts';
import type { EventLog, LogOptions, LogTrouble } from '../kafka/port.ts';
import type { SessionStore } from '../postgres/port.ts';
import { openLive } from '../redis/open.ts';
import type { LiveStore } from '../redis/port.ts';
import { makeDataDir } from './data-dir.ts';
import { requireRestored } from './restoring.ts';

export function openEventLog(config: Config, logger: Logger): Promise<EventLog> {
  requireRestored(config.dataDir);
  return openLog(config.logUrl, logOptions(config, logger));
}

/** For who can do without for a while. */
export function openEventLogLater(config: Config, logger: Logger): LazyLog {
  requireRestored(config.dataDir);
  return openLogLater(config.logUrl, logOptions(config, logger));
}

/** For the collector: takes beacons also while the log cannot. */
export function openCollectorLog(config: Config, logger: Logger): Promise<EventLog> {
  requireRestored(config.dataDir);
  return openLogWithSpool(config.logUrl, logOptions(config, logger), {
    folder: `${config.dataDir}/spool`,
    maxBytes: config.spoolMaxBytes,
  });
}

export async function openSessionStore(config: Config, logger?: Logger): Promise<SessionStore> {
  requireRestored(config.dataDir);
  const { openSessions } = await import('../postgres/open.ts');
  makeDataDir(config.dataDir);
  return openSessions(config.sessionsUrl, {
    sessionTimeoutMs: config.sessionTimeoutMs,
    ca: config.tlsCa,
    warn: (message, error) => logger?.warn({ err: error }, message),
  });
}

/** Also while it is away. */
export function openLiveStore(config: Config, logger: Logger): Promise<LiveStore> {
  return openLive(config.liveUrl, {
    ca: config.tlsCa,
    onError: (err) => logger.error({ err }, 'live store'),
  });
}

/** One process at a time brings the tables up to date, while nobody inserts. */
export async function openAnalyticsStore(
  config: Config,
  sessions: SessionStore,
  { anyZone = false } = {},
): Promise<AnalyticsStore> {
  const { openAnalytics } = await import('../clickhouse/open.ts');
  const { rawDays, timeZone, clickhouseCluster: cluster, tlsCa: ca } = config;
  return sessions.withLock('ingest', 'exclusive', () =>
    openAnalytics(config.analyticsUrl, { rawDays, timeZone, cluster, anyZone, ca }),
  );
}

function logOptions(config: Config, logger: Logger): LogOptions {
  return {
    partitions: config.partitions,
    retentionMs: config.logRetentionMs,
    retentionBytes: config.logRetentionBytes,
    maxBytes: config.logMaxBytes,
    access: { tls: config.kafkaTls, ca: config.tlsCa, login: config.kafkaLogin },
    onTrouble({ kind, ...trouble }) {
      logger[levelOf(kind)]({ kind, ...trouble }, 'event log');
    },
  };
}

/** Error: something is lost, or will not go on by itself. */
function levelOf(kind: LogTrouble['kind']): 'info' | 'warn' | 'error' {
  if (kind === 'gap' || kind === 'beyond_end') return 'error';
  return kind === 'replaying' || kind === 'replayed' ? 'info' : 'warn';
}
