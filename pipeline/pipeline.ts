/** From the log to the stores: takes portions, runs the steps, commits each unit once, then updates live numbers. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import type { Config } from '../config.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import type { EventLog, LogBatch } from '../kafka/port.ts';
import type { SessionStore } from '../postgres/port.ts';
import type { LiveStore } from '../redis/port.ts';
import type { VisitorTracker } from '../redis/visitor-tracker.ts';
import { commit } from './commit.ts';
import { DuplicateWindow, windowKey } from './duplicate-window.ts';
import { gatherer } from './gather.ts';
import { liveNumbers } from './live.ts';
import { pipelineMetrics } from './metrics.ts';
import { placesCache } from './places.ts';
import { eventRow } from './rows.ts';
import { STEPS } from './steps.ts';
import { visitorNumber } from './visitor-number.ts';
import type { Draft, Portion, Prepared, StepContext } from './work.ts';

export const CONSUMER_GROUP = 'footfall-pipeline';
const SWEEP_MS = 250;
/** How long a shutdown waits for a store that is away before it drops its uncommitted work. */
const DRAIN_TIMEOUT_MS = 10_000;

export interface PipelineOptions {
  config: Pick<Config, 'realtimeTtlMs'>;
  log: EventLog;
  analytics: AnalyticsStore;
  sessions: SessionStore;
  live: LiveStore;
  tracker: VisitorTracker;
  calendar: Calendar;
  metrics: Registry;
  logger: Logger;
  now?: () => number;
}

export interface Pipeline {
  /** What it waits for, in words; empty when all goes well. */
  problems(): string[];
  /** Counts what it has taken, then takes no more. The stores stay open: they are the caller's. */
  close(): Promise<void>;
}

export async function startPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { log, analytics, sessions, calendar, logger } = options;
  const now = options.now ?? Date.now;
  const stop = new AbortController();
  const problems = new Map<string, string>();
  const windows = new Map<number, DuplicateWindow>();
  /** By partition, the offset after the last one in the sessions' checkpoint. */
  const positions = new Map<number, number>();

  const metrics = pipelineMetrics(options.metrics, () => log.lag(CONSUMER_GROUP));
  const places = placesCache(sessions);
  const live = liveNumbers({ ...options, realtimeTtlMs: options.config.realtimeTtlMs, now });
  const gather = gatherer(count);
  const context: StepContext = {
    places,
    analytics,
    calendar,
    deadLetter: (letter) => log.deadLetter(letter),
    windowOf(partition) {
      const window = windows.get(partition) ?? new DuplicateWindow();
      windows.set(partition, window);
      return window;
    },
  };

  async function count(portions: Portion[]): Promise<void> {
    const start = performance.now();
    await places.refresh(now());
    const unit = await Promise.all(portions.map(prepare));
    await commit(unit, stop.signal, {
      sessions,
      analytics,
      onRetry(store, error, pauseMs) {
        metrics.retried(store);
        problems.set(store, error.message);
        logger.warn({ err: error, store, pauseMs }, 'a store is away: waiting, nothing is lost');
      },
      onStep: metrics.step,
    });
    problems.clear();
    for (const prepared of unit) remember(prepared);
    const entries = unit.flatMap((prepared) => prepared.entries);
    await live.update(entries);
    const ms = Math.round(performance.now() - start);
    logger.debug({ events: entries.length, partitions: unit.length, ms }, 'counted');
  }

  async function prepare(portion: Portion): Promise<Prepared> {
    const draft: Draft = { portion, entries: [], setAside: [] };
    for (const step of STEPS) await step(draft, context);
    const { entries, setAside } = draft;
    const rows = entries.map((entry) => eventRow(entry, portion.partition, calendar));
    return { portion, entries, rows, setAside };
  }

  /** What is true only once a portion is counted. */
  function remember({ portion, entries, setAside }: Prepared): void {
    const window = context.windowOf(portion.partition);
    for (const { event } of entries) {
      if (event.event_id === undefined) continue;
      window.add(windowKey(visitorNumber(event.visitor), event.event_id), event.received_at);
    }
    positions.set(portion.partition, Math.max(portion.nextOffset, positions.get(portion.partition) ?? 0));
    metrics.counted(entries.length);
    for (const { reason, count: events } of setAside) metrics.setAside(reason, events);
  }

  async function positionOf(partition: number): Promise<number> {
    const known = positions.get(partition);
    if (known !== undefined) return known;
    const position = (await sessions.checkpoint(partition))?.nextOffset ?? 0;
    positions.set(partition, position);
    return position;
  }

  async function countBatch(batch: LogBatch, signal: AbortSignal): Promise<void> {
    const { partition } = batch;
    try {
      for (const portion of split(batch, await positionOf(partition), signal)) await gather.add(portion);
    } catch (error) {
      // The checkpoint may have moved all the same: read it again before the next try.
      positions.delete(partition);
      if (!signal.aborted && !stop.signal.aborted) {
        problems.set('pipeline', error instanceof Error ? error.message : String(error));
        logger.error(
          { err: error, partition, offset: batch.firstOffset },
          'a batch failed and will be tried again',
        );
      }
      throw error;
    }
  }

  await live.restore();
  const subscription = await log.subscribe(CONSUMER_GROUP, {
    async assigned(partition, committed) {
      positions.delete(partition);
      windows.delete(partition);
      const position = await positionOf(partition);
      if (committed < position)
        logger.info({ partition, committed, position }, 'settling what a crash left unclear');
      return committed;
    },
    batch: countBatch,
    revoked(partition) {
      positions.delete(partition);
      windows.delete(partition);
    },
  });
  const sweeper = setInterval(() => void live.sweep(), SWEEP_MS);

  return {
    problems: () => [...problems].map(([store, message]) => `${store}: ${message}`),
    async close() {
      clearInterval(sweeper);
      const drained = subscription.close();
      const impatience = setTimeout(() => stop.abort(), DRAIN_TIMEOUT_MS);
      await drained;
      clearTimeout(impatience);
    },
  };
}

/** What was counted before a crash apart from what is new. */
function split(batch: LogBatch, position: number, signal: AbortSignal): Portion[] {
  const { partition, firstOffset, nextOffset, frames } = batch;
  const border = Math.min(Math.max(position, firstOffset), nextOffset);
  const portions: Portion[] = [
    {
      partition,
      firstOffset,
      nextOffset: border,
      frames: frames.filter(({ offset }) => offset < border),
      recounted: true,
      signal,
    },
    {
      partition,
      firstOffset: border,
      nextOffset,
      frames: frames.filter(({ offset }) => offset >= border),
      recounted: false,
      signal,
    },
  ];
  return portions.filter(({ frames: { length } }) => length > 0);
}
