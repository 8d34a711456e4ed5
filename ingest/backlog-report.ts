/** Tells the other processes, through the live store, what a collector has acknowledged and the log does not have yet. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { EventLog } from '../kafka/port.ts';
import type { LiveStore } from '../redis/port.ts';
import { seldom } from '../seldom.ts';

const REPORT_INTERVAL_MS = 10_000;
/** A collector that was killed is forgotten after this; one that lives misses a few reports before. */
const REPORT_TTL_MS = 60_000;

export interface BacklogReportOptions {
  log: Pick<EventLog, 'backlog'>;
  live: Pick<LiveStore, 'report'>;
  /** Of the collector: with the host's name it is the name under which a restarted one goes on. */
  port: number;
  metrics: Registry;
  logger: Logger;
  intervalMs?: number;
}

export interface BacklogReports {
  /** What was told last stays until it is forgotten: the spool outlives the process. */
  close(): Promise<void>;
}

/** Reports `{"state", "frames", "bytes"}` as `ingest@HOST:PORT`, at once and every 10 s. Without the live store, counts. */
export function reportBacklog(options: BacklogReportOptions): BacklogReports {
  const { log, live, logger, intervalMs = REPORT_INTERVAL_MS } = options;
  const instance = `ingest@${hostname()}:${options.port}`;
  const failed = new Counter({
    name: 'footfall_reports_failed_total',
    help: 'Times that the state of the spool was not told to the live store; it is told again soon',
    registers: [options.metrics],
  });
  const warn = seldom((err, unsaid) =>
    logger.warn({ err, unsaid }, 'the live store was not told of the spool'),
  );
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let telling = tell();

  async function tell(): Promise<void> {
    try {
      const { state, frames, bytes } = log.backlog();
      await live.report({ instance, facts: JSON.stringify({ state, frames, bytes }) }, REPORT_TTL_MS);
    } catch (error) {
      failed.inc();
      warn(error);
    }
    if (closed) return;
    timer = setTimeout(() => {
      telling = tell();
    }, intervalMs);
  }

  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await telling;
    },
  };
}
