/**
 * From the log to the stores: takes portions, runs the steps, commits each unit once, then counts it among today's visitors. Who is
 * online is read from the log beside that.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import type { Config } from '../config.ts';
import { whyAnotherLog } from '../contract/counted-log.ts';
import { SET_ASIDE_REASONS } from '../contract/outcome.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import { type EventLog, type LogBatch, PIPELINE_GROUP } from '../kafka/port.ts';
import { type OffsetRange, type SessionStore, SessionStoreError } from '../postgres/port.ts';
import type { LiveStore } from '../redis/port.ts';
import type { VisitorSign, VisitorTracker } from '../redis/visitor-tracker.ts';
import { seldom } from '../seldom.ts';
import { abortable } from './abortable.ts';
import { Ages } from './ages.ts';
import { isRetryable, persist } from './backoff.ts';
import { commit } from './commit.ts';
import { DuplicateWindow } from './duplicate-window.ts';
import { ErasedEvents } from './erased-events.ts';
import { gatherer } from './gather.ts';
import { KnownVisitors } from './known-visitors.ts';
import { liveNumbers } from './live.ts';
import { startLiveReader } from './live-reader.ts';
import { pipelineMetrics } from './metrics.ts';
import { placesCache } from './places.ts';
import { eventRow } from './rows.ts';
import type { NamedSign } from './signs.ts';
import { runSteps } from './steps.ts';
import { Tally } from './tally.ts';
import type { Draft, Portion, Prepared, StepContext } from './work.ts';

const SWEEP_MS = 250;
const RESTORE_MS = 1_000;
/** A unit under load takes some seconds from the receipt of its first event. */
const BEHIND_S = 10;
/** How long a shutdown waits for a store that is away before it drops its uncommitted work. */
const DRAIN_TIMEOUT_MS = 10_000;
/** Of a unit, while something is erased each time. */
const MAX_TRIES = 10;

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
  /** How far it is behind, in words, where that is more than a busy pipeline is; empty else. */
  degraded(): string[];
  /** Counts what it has taken, then takes no more. The stores stay open: they are the caller's. */
  close(): Promise<void>;
}

export async function startPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { log, analytics, sessions, calendar, logger } = options;
  const now = options.now ?? Date.now;
  const stop = new AbortController();
  const problems = new Map<string, string>();
  /** Read anew with each partition that is claimed, before anything of it is counted. */
  let known = new ErasedEvents({ last: 0, erased: [] });
  const holdings = new Map<number, Holding>();

  const ages = new Ages();
  const metrics = pipelineMetrics(options.metrics, {
    lag: () => log.lag(PIPELINE_GROUP),
    ages: () => ages.at(now()),
  });
  const places = placesCache(sessions);
  const live = liveNumbers({
    ...options,
    realtimeTtlMs: options.config.realtimeTtlMs,
    now,
    onFailure: metrics.liveFailed,
  });
  const warnUnrecognised = seldom((err, unsaid) =>
    logger.warn({ err, unsaid }, 'who was known by another hash before may be online twice'),
  );
  const gather = gatherer(count, () => holdings.size);
  const visitors = new KnownVisitors(sessions);
  const context: Omit<StepContext, 'erased'> = {
    places,
    visitors: {
      look: (asked) =>
        persist(
          () => visitors.look(asked),
          stop.signal,
          (...retry) => waitFor('sessions', ...retry),
        ),
    },
    analytics,
    calendar,
    deadLetter: (letter) => log.deadLetter(letter),
    now,
  };

  function waitFor(store: 'sessions' | 'analytics', error: Error, pauseMs: number): void {
    metrics.retried(store);
    problems.set(store, error.message);
    logger.warn({ err: error, store, pauseMs }, 'a store is away: waiting, nothing is lost');
  }

  async function count(portions: Portion[]): Promise<void> {
    const start = performance.now();
    await places.refresh(now());
    const { unit, conversions } = await committed(portions);
    problems.clear();
    for (const prepared of unit) remember(prepared);
    metrics.converted(conversions);
    const entries = unit.flatMap((prepared) => prepared.entries);
    const updating = performance.now();
    await live.update(entries);
    metrics.step('live', (performance.now() - updating) / 1_000);
    const ms = Math.round(performance.now() - start);
    const offsets = unit.map(({ portion }) => rangeText(portion));
    logger.debug({ events: entries.length, conversions, offsets, ms }, 'counted');
  }

  async function committed(portions: Portion[]): Promise<{ unit: Prepared[]; conversions: number }> {
    for (let tries = 1; ; tries++) {
      const erased = known;
      const unit = await prepare(portions, erased);
      try {
        const { conversions } = await commit(unit, stop.signal, {
          sessions,
          analytics,
          lastErasure: erased.last,
          onRetry: waitFor,
          onCommit: metrics.committed,
        });
        return { unit, conversions };
      } catch (error) {
        if (!isOutdated(error) || tries === MAX_TRIES) throw error;
        known = await readErased();
      }
    }
  }

  async function readErased(): Promise<ErasedEvents> {
    return new ErasedEvents(await sessions.erasures.known());
  }

  async function prepare(portions: Portion[], erased: ErasedEvents): Promise<Prepared[]> {
    const drafts = portions.map(
      (portion): Draft => ({ portion, entries: [], aliases: [], tally: new Tally(), receivedUntil: null }),
    );
    await runSteps(drafts, { ...context, erased }, metrics.step);
    return drafts.map((draft) => {
      const { portion, entries } = draft;
      return { ...draft, rows: () => entries.map((entry) => eventRow(entry, portion.partition, calendar)) };
    });
  }

  /** What is true only once a portion is counted. */
  function remember({ portion, entries, aliases, tally }: Prepared): void {
    for (const { event, key } of entries) if (key !== undefined) portion.window.add(key, event.received_at);
    const holding = holdings.get(portion.partition);
    if (!portion.recounted && holding?.owner === portion.owner) holding.checkpoint = portion;
    metrics.counted(entries.length);
    metrics.recognised(aliases.length);
    for (const reason of SET_ASIDE_REASONS) metrics.setAside(reason, tally.total(reason));
    const undecodable = tally.total('undecodable');
    if (undecodable === 0) return;
    logger.error(
      { offsets: rangeText(portion), lines: undecodable },
      'lines cannot be read: they are in the dead letters, and not counted',
    );
  }

  /** For who is online: where sessions cannot be asked, everybody is who they say, and may be there twice until they are silent. */
  async function recognise(signs: NamedSign[]): Promise<VisitorSign[]> {
    try {
      return await visitors.ofSigns(signs);
    } catch (error) {
      warnUnrecognised(error);
      return signs.map(({ sign }) => sign);
    }
  }

  async function countBatch(batch: LogBatch, signal: AbortSignal): Promise<void> {
    const { partition } = batch;
    const holding = holdings.get(partition);
    if (holding === undefined) throw new Error(`partition ${partition} is not assigned`);
    ages.begin(batch, now());
    try {
      holding.checkpoint ??= await sessions.checkpoint({ partition, owner: holding.owner });
      for (const portion of split(batch, holding, signal)) await abortable(gather.add(portion), signal);
      ages.end(partition);
    } catch (error) {
      // The checkpoint may have moved all the same, and the batch comes again from its start.
      holding.checkpoint = undefined;
      holding.window = new DuplicateWindow();
      if (!signal.aborted && !stop.signal.aborted)
        report(error, partition, 'a batch failed and will be tried again');
      throw error;
    }
  }

  function report(error: unknown, partition: number, what: string): void {
    problems.set('pipeline', error instanceof Error ? error.message : String(error));
    logger[passes(error) ? 'warn' : 'error']({ err: error, partition }, what);
  }

  async function takeOver(partition: number, committed: number): Promise<number> {
    try {
      return await settledFrom(partition, committed);
    } catch (error) {
      report(error, partition, 'an assignment failed and will be tried again');
      throw error;
    }
  }

  async function settledFrom(partition: number, committed: number): Promise<number> {
    const end = (await log.lag(PIPELINE_GROUP)).find((each) => each.partition === partition)?.end ?? 0;
    const logIdentity = await log.identity();
    const owner = randomUUID();
    const checkpoint = await sessions.claim({ partition, owner });
    // As new as that of the owner before, who may have left something unclear.
    known = await readErased();
    holdings.set(partition, { owner, logIdentity, checkpoint, window: new DuplicateWindow() });
    ages.hold(partition);
    const nextOffset = checkpoint?.nextOffset ?? 0;
    const why = whyAnotherLog({ identity: logIdentity, end }, checkpoint ?? { nextOffset });
    if (why !== undefined) throw anotherLog(partition, why);
    if (committed < nextOffset)
      logger.info({ partition, committed, nextOffset }, 'settling what a crash left unclear');
    return committed;
  }

  await live.restore();
  const subscription = await log.subscribe(PIPELINE_GROUP, {
    assigned: takeOver,
    batch: countBatch,
    committed: ({ seconds }) => metrics.step('offset', seconds),
    revoked(partition) {
      holdings.delete(partition);
      ages.release(partition);
    },
  });
  const reader = await startLiveReader({ log, recognise, note: (signs) => live.note(signs) });
  const sweeper = setInterval(() => void live.sweep(), SWEEP_MS);
  const restorer = setInterval(() => void live.restore(), RESTORE_MS);

  return {
    problems: () => [...problems].map(([store, message]) => `${store}: ${message}`),
    degraded() {
      const [[partition, seconds] = [0, 0]] = [...ages.at(now())].sort(([, one], [, other]) => other - one);
      if (seconds <= BEHIND_S) return [];
      return [`lag: counting is ${Math.round(seconds)} s behind, most in partition ${partition}`];
    },
    async close() {
      clearInterval(sweeper);
      clearInterval(restorer);
      const drained = Promise.all([subscription.close(), reader.close()]);
      const impatience = setTimeout(() => stop.abort(), DRAIN_TIMEOUT_MS);
      await drained;
      clearTimeout(impatience);
    },
  };
}

/** Nobody has to do anything: the store comes back, or somebody else counts the partition. */
function passes(error: unknown): boolean {
  return isRetryable(error) || (error instanceof SessionStoreError && error.code === 'fenced');
}

function anotherLog(partition: number, why: string): Error {
  return new Error(
    `partition ${partition}: ${why}: this is not the log that was counted; going on would skip its first frames. ` +
      'Bring the log back, or begin with empty databases, too',
  );
}

/** `partition:first-last`, as one looks for an offset. */
function rangeText({ partition, firstOffset, nextOffset }: OffsetRange): string {
  return `${partition}:${firstOffset}-${nextOffset - 1}`;
}

/** What is known of a partition that is ours. It holds only while every portion of it is counted in turn. */
interface Holding {
  owner: string;
  /** As the log said when the partition was claimed. */
  logIdentity: string | undefined;
  /** The last range that the sessions have; undefined when it has to be read, or before the first. */
  checkpoint: OffsetRange | undefined;
  window: DuplicateWindow;
}

/**
 * Cuts a batch where the checkpoint begins and ends. What lies in it was sent to the analytics store by one try of its
 * own, so that one row of it there proves the rest. What lies before it was settled before the checkpoint moved.
 */
function split(batch: LogBatch, holding: Holding, signal: AbortSignal): Portion[] {
  const { owner, logIdentity, checkpoint, window } = holding;
  const { partition, frames } = batch;
  const within = (offset: number) => Math.min(Math.max(offset, batch.firstOffset), batch.nextOffset);
  const begin = within(checkpoint?.firstOffset ?? 0);
  const end = within(checkpoint?.nextOffset ?? 0);
  const portion = (firstOffset: number, nextOffset: number, recounted: boolean): Portion => ({
    partition,
    owner,
    logIdentity,
    window,
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

function isOutdated(error: unknown): boolean {
  return error instanceof SessionStoreError && error.code === 'outdated';
}
