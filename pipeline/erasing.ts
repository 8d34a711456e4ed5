/**
 * Removes what the stores have of people who asked for it.
 *
 * An erasure begins in the session store: from then on their sessions are gone, and what was received before and is not counted yet will not
 * be. Here the rest follows, in an order that may be broken off anywhere and is begun again:
 *
 * 1. Wait until everything that was counted by then is settled in raw: the log's offsets have reached what the erasure noted.
 * 2. Note how many of their events raw has, and of which days. From then on nothing of them can come.
 * 3. Remove these events from raw, then derive their days anew, some at a time, so that counting goes on in between; then the return intervals
 *    from the first of these days on.
 * 4. Empty today's counters of visitors where they came today: what runs counts them again from raw, as after a loss of the live store.
 * 5. Empty the dead letters that name them, let them go where they are online, and keep a receipt.
 */
import { peopleOf } from '../clickhouse/people.ts';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import type { PeoplesEvents } from '../clickhouse/queries.ts';
import { completeUntil } from '../contract/ledger.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import { visitorNumber } from '../contract/visitor.ts';
import { type EventLog, PIPELINE_GROUP } from '../kafka/port.ts';
import type { Found, SessionStore, Subjects, UnfinishedErasure } from '../postgres/port.ts';
import type { LiveStore } from '../redis/port.ts';
import { lastCompleteDay } from './closing.ts';

/** About so long counting waits for days that are derived anew. */
const REBUILD_MS = 1_000;

export interface ErasingOptions {
  analytics: Pick<AnalyticsStore, 'read' | 'eraseEvents' | 'rebuildDays' | 'updateIntervals'>;
  sessions: Pick<SessionStore, 'erasures' | 'progress' | 'withLock'>;
  log: Pick<EventLog, 'lag' | 'deadLetters' | 'deadLetter'>;
  live: Pick<LiveStore, 'emptyCounters'>;
  calendar: Calendar;
  /** Lets a visitor go wherever they are online. */
  leave(visitor: string): Promise<void>;
  /** Told of what the live store rejects with: it stops nothing. */
  onLiveFailed(error: unknown): void;
  /** ms since the epoch */
  now(): number;
  signal?: AbortSignal;
}

/** Completes the erasures whose events are settled. Answers how many, and how many wait. Safe to break off and to repeat. */
export async function eraseSettled(options: ErasingOptions): Promise<{ completed: number; waiting: number }> {
  const { analytics, sessions, log, live, calendar, onLiveFailed, now, signal } = options;
  if ((await sessions.erasures.unfinished()).length === 0) return { completed: 0, waiting: 0 };
  return sessions.withLock('erasures', 'exclusive', async () => {
    const unfinished = await sessions.erasures.unfinished();
    const [lag, progress] = await Promise.all([log.lag(PIPELINE_GROUP), sessions.progress()]);
    const settled = unfinished.filter((erasure) => isSettled(erasure, lag));
    if (settled.length === 0) return { completed: 0, waiting: unfinished.length };
    const found = await sessions.withLock('intervals', 'exclusive', async () => {
      const removed = await removeEvents(settled, options);
      const days = [...new Set([...removed.values()].flatMap((each) => each.days))].sort();
      const [first] = days;
      if (first === undefined) return removed;
      await rebuildViews(days, options);
      const lastDay = lastCompleteDay(calendar, completeUntil(lag, progress, now()));
      await analytics.updateIntervals({ lastDay, from: first, ...(signal && { signal }) });
      return removed;
    });
    // Only now that raw is without them: what counts again reads it afterwards.
    const today = calendar.dayOf(now());
    const cameToday = [...found.values()].some(({ days }) => days.includes(today));
    if (cameToday) await live.emptyCounters(today).catch(onLiveFailed);
    for (const erasure of settled) {
      signal?.throwIfAborted();
      const { events = 0, days: ofDays = [] } = found.get(erasure.id) ?? {};
      const receipt = {
        sessions: erasure.sessions,
        raw_events: events,
        days_derived_again: ofDays.length,
        dead_letters: await emptyLetters(log, erasure),
      };
      for (const visitor of erasure.visitors) await options.leave(visitorNumber(visitor)).catch(onLiveFailed);
      await sessions.erasures.complete(erasure.id, receipt, now());
    }
    return { completed: settled.length, waiting: unfinished.length - settled.length };
  });
}

/** Whether raw has all that was counted when the erasure began. */
function isSettled({ counted }: UnfinishedErasure, lag: Awaited<ReturnType<EventLog['lag']>>): boolean {
  const committed = new Map(lag.map((each) => [each.partition, each.committed]));
  return [...counted].every(([partition, offset]) => (committed.get(partition) ?? 0) >= offset);
}

/** Some days at a time, since nothing is counted meanwhile. */
async function rebuildViews(
  days: readonly string[],
  { analytics, sessions, signal }: ErasingOptions,
): Promise<void> {
  let together = 1;
  for (let next = 0; next < days.length; ) {
    signal?.throwIfAborted();
    const some = days.slice(next, next + together);
    const began = performance.now();
    await sessions.withLock('ingest', 'exclusive', () => analytics.rebuildDays(some));
    together = performance.now() - began < REBUILD_MS ? 2 * together : Math.ceil(together / 2);
    next += some.length;
  }
}

/** One after the other: what two of them name is of the first, and counts in the ledger once. */
async function removeEvents(
  erasures: readonly UnfinishedErasure[],
  options: ErasingOptions,
): Promise<Map<string, Found>> {
  const removed = new Map<string, Found>();
  for (const erasure of erasures) {
    options.signal?.throwIfAborted();
    removed.set(erasure.id, erasure.found ?? (await look(options, erasure)));
    const events = eventsOf(erasure);
    if (events !== undefined) await options.analytics.eraseEvents(events);
  }
  return removed;
}

async function look(options: ErasingOptions, erasure: UnfinishedErasure): Promise<Found> {
  const of = eventsOf(erasure);
  const rows = of === undefined ? [] : await options.analytics.read('events_by_hour', of);
  const hours = new Map<string, Found['hours'][number]>();
  for (const { hour, partition, events } of rows) {
    const known = hours.get(`${hour} ${partition}`);
    if (known === undefined) hours.set(`${hour} ${partition}`, { hour, partition, events });
    else known.events += events;
  }
  const found = {
    events: rows.reduce((sum, { events }) => sum + events, 0),
    days: [...new Set(rows.map(({ day }) => day))].sort(),
    hours: [...hours.values()],
  };
  await options.sessions.erasures.noteFound(erasure.id, found);
  return found;
}

/** Nothing where nothing had been counted. */
function eventsOf({ visitors, userId, counted }: UnfinishedErasure): PeoplesEvents | undefined {
  if (counted.size === 0) return undefined;
  return {
    ...peopleOf(visitors, userId),
    partitions: [...counted.keys()],
    next_offsets: [...counted.values()],
  };
}

/** What could not be read and has their name in it keeps its place, without a body. */
async function emptyLetters(
  log: Pick<EventLog, 'deadLetters' | 'deadLetter'>,
  { visitors, userId }: Subjects,
): Promise<number> {
  const names = userId === null ? visitors : [...visitors, JSON.stringify(userId)];
  let emptied = 0;
  for await (const letter of log.deadLetters()) {
    if (!names.some((name) => letter.body.includes(name))) continue;
    await log.deadLetter({ ...letter, reason: 'erased', body: Buffer.alloc(0) });
    emptied += 1;
  }
  return emptied;
}
