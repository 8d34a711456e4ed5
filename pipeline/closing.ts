/**
 * Keeps the return intervals up to date: closes days that are over and complete, and derives open days again and again.
 *
 * Each look takes half of the cores for as long as it needs and then leaves nine times as long to others, so that small
 * platforms see new visitors within seconds. A pause is a minute at most, or three times as long as the look took where a day is
 * so large that this is more. While counting is behind it comes first, for some minutes at most.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import { completeUntil } from '../contract/ledger.ts';
import { addDays, type Calendar } from '../contract/reporting-day.ts';
import { type EventLog, PIPELINE_GROUP } from '../kafka/port.ts';
import type { SessionStore } from '../postgres/port.ts';
import { closingMetrics } from './closing-metrics.ts';

const SHORTEST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const PAUSE_PER_WORK = 9;
/** Of large days, for which {@link LONGEST_PAUSE_MS} would be less: counting comes first. */
const LEAST_PAUSE_PER_WORK = 3;
/** By what collectors received, ms. Beyond a unit of work and its commit. */
const BEHIND_MS = 3_000;
const LONGEST_WAIT_MS = 5 * 60_000;
/** What a collector may still hold of a day that is over: a frame waits for seconds at most before it is in a spool. */
const GRACE_MS = 60_000;

export interface ClosingOptions {
  analytics: Pick<AnalyticsStore, 'updateIntervals'>;
  sessions: Pick<SessionStore, 'progress' | 'withLock'>;
  log: Pick<EventLog, 'lag'>;
  calendar: Calendar;
  metrics: Registry;
  logger: Logger;
  now?: () => number;
}

export interface Closing {
  /** Why ranges with today in them stand still, in words; empty where the last look went well. */
  degraded(): string[];
  /** Ends what is under way; what it had begun does not count. */
  close(): Promise<void>;
}

/** The last day of which every event is counted. */
export function lastCompleteDay(calendar: Calendar, complete: number): string {
  return addDays(calendar.dayOf(complete - GRACE_MS), -1);
}

export function startClosing(options: ClosingOptions): Closing {
  const { analytics, sessions, log, calendar, logger, now = Date.now } = options;
  const metrics = closingMetrics(options.metrics);
  const stop = new AbortController();
  let updatedAt = Number.NEGATIVE_INFINITY;
  let failure: string | undefined;
  const running = run();

  async function run(): Promise<void> {
    while (!stop.signal.aborted) {
      const began = performance.now();
      try {
        await sessions.withLock('intervals', 'exclusive', update);
        failure = undefined;
      } catch (error) {
        if (stop.signal.aborted) return;
        metrics.failed();
        failure = error instanceof Error ? error.message : String(error);
        logger.warn({ err: error }, 'return intervals are not up to date: trying again');
      }
      await pause(pauseAfter(performance.now() - began), undefined, {
        signal: stop.signal,
      }).catch(() => {});
    }
  }

  async function update(): Promise<void> {
    const began = performance.now();
    const [lag, progress] = await Promise.all([log.lag(PIPELINE_GROUP), sessions.progress()]);
    const complete = completeUntil(lag, progress, now());
    if (now() - complete > BEHIND_MS && began - updatedAt < LONGEST_WAIT_MS) return;
    const lastDay = lastCompleteDay(calendar, complete);
    const updating = performance.now();
    const report = await analytics.updateIntervals({ lastDay, signal: stop.signal });
    updatedAt = performance.now();
    metrics.updated(report, (updatedAt - updating) / 1_000);
    if (report.derivedFrom !== undefined) {
      const ms = Math.round(performance.now() - began);
      logger.info({ from: report.derivedFrom, through: report.closedThrough, ms }, 'days closed');
    }
  }

  return {
    degraded: () => (failure === undefined ? [] : [`intervals: ${failure}`]),
    async close() {
      stop.abort();
      await running;
    },
  };
}

function pauseAfter(workMs: number): number {
  const longest = Math.max(LONGEST_PAUSE_MS, LEAST_PAUSE_PER_WORK * workMs);
  return Math.min(Math.max(PAUSE_PER_WORK * workMs, SHORTEST_PAUSE_MS), longest);
}
