/** From the log to the stores: takes portions, runs the steps, commits each unit once, then updates live numbers. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import type { Config } from '../config.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import type { EventLog, LogBatch } from '../kafka/port.ts';
import type { OffsetRange, SessionStore } from '../postgres/port.ts';
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
const RESTORE_MS = 1_000;
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
  /** By partition, the last range that the sessions have. */
  const checkpoints = new Map<number, OffsetRange>();

  const metrics = pipelineMetrics(options.metrics, () => log.lag(CONSUMER_GROUP));
  const places = placesCache(sessions);
  const live = liveNumbers({
    ...options,
    realtimeTtlMs: options.config.realtimeTtlMs,
    now,
    onFailure: metrics.liveFailed,
  });
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
    if (!portion.recounted) checkpoints.set(portion.partition, portion);
    metrics.counted(entries.length);
    for (const { reason, count: events } of setAside) metrics.setAside(reason, events);
  }

  async function checkpointOf(partition: number): Promise<OffsetRange> {
    const checkpoint = checkpoints.get(partition) ??
      (await sessions.checkpoint(partition)) ?? { partition, firstOffset: 0, nextOffset: 0 };
    checkpoints.set(partition, checkpoint);
    return checkpoint;
  }

  /** What is known of a partition holds only while every portion of it is counted in turn. */
  function forget(partition: number): void {
    checkpoints.delete(partition);
    windows.delete(partition);
  }

  async function countBatch(batch: LogBatch, signal: AbortSignal): Promise<void> {
    const { partition } = batch;
    try {
      for (const portion of split(batch, await checkpointOf(partition), signal)) await gather.add(portion);
    } catch (error) {
      // The checkpoint may have moved all the same, and the batch comes again from its start.
      forget(partition);
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
      forget(partition);
      const { nextOffset } = await checkpointOf(partition);
      if (committed < nextOffset)
        logger.info({ partition, committed, nextOffset }, 'settling what a crash left unclear');
      return committed;
    },
    batch: countBatch,
    revoked: forget,
  });
  const sweeper = setInterval(() => void live.sweep(), SWEEP_MS);
  const restorer = setInterval(() => void live.restore(), RESTORE_MS);

  return {
    problems: () => [...problems].map(([store, message]) => `${store}: ${message}`),
    async close() {
      clearInterval(sweeper);
      clearInterval(restorer);
      const drained = subscription.close();
      const impatience = setTimeout(() => stop.abort(), DRAIN_TIMEOUT_MS);
      await drained;
      clearTimeout(impatience);
    },
  };
}

/**
 * Cuts a batch where the checkpoint begins and ends. What lies in it was sent to the analytics store by one try of its
 * own, so that one row of it there proves the rest. What lies before it was settled before the checkpoint moved.
 */
function split(batch: LogBatch, checkpoint: OffsetRange, signal: AbortSignal): Portion[] {
  const { partition, frames } = batch;
  const within = (offset: number) => Math.min(Math.max(offset, batch.firstOffset), batch.nextOffset);
  const begin = within(checkpoint.firstOffset);
  const end = within(checkpoint.nextOffset);
  const portion = (firstOffset: number, nextOffset: number, recounted: boolean): Portion => ({
    partition,
    firstOffset,
    nextOffset,
    frames: frames.filter(({ offset }) => offset >= firstOffset && offset < nextOffset),
    recounted,
    signal,
  });
  return [
    portion(batch.firstOffset, begin, true),
    portion(begin, end, true),
    portion(end, batch.nextOffset, false),
  ].filter(({ frames: { length } }) => length > 0);
}
