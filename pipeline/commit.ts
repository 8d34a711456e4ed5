/**
 * Counts a unit of work once, whatever crashes when. The order is the proof:
 *
 * 1. Sessions and checkpoints, one transaction. A range that was counted before is `fenced` here.
 * 2. Raw events, one INSERT a month, all of it or nothing. Where the outcome of an earlier try is unclear, whatever
 *    insert still runs is ended, raw is asked which rows it has, the others are inserted, and the derived tables of the
 *    touched days are made again from raw.
 * 3. The offset, by the log, after this has resolved.
 *
 * A unit that was made before something was erased is `outdated` in step 1: nothing of it counts, and it is to be made again.
 *
 * A crash between 1 and 3 leaves the log's offset behind the checkpoint. The range then comes again as `recounted`:
 * step 1 is done, step 2 is unclear.
 *
 * Several instances. A partition has one owner, who claimed it when it was assigned. An owner before, who may not know
 * yet, is refused in step 1, and in step 2 under the lock, before anything is inserted: so whoever settles, which
 * waits until nobody holds the lock, finds in raw all that will ever come of the owner before.
 */
import { type AnalyticsStore, type EventRow, placeOf } from '../clickhouse/port.ts';
import type { Batch, SessionStore } from '../postgres/port.ts';
import { persist } from './backoff.ts';
import { sessionDeltas } from './rows.ts';
import type { Portion, Prepared } from './work.ts';

export interface CommitOptions {
  /** Number of the last erasure that the unit was made with. */
  lastErasure: number;
  sessions: Pick<SessionStore, 'applyBatch' | 'confirm' | 'withLock'>;
  analytics: Pick<AnalyticsStore, 'insert' | 'stored' | 'endStrays' | 'rebuildDays'>;
  onRetry(store: 'sessions' | 'analytics', error: Error, pauseMs: number): void;
  onCommit(store: 'sessions' | 'analytics', seconds: number): void;
}

/** Answers how many visitors converted; of those whose sessions were counted by an earlier try, nobody knows any more. */
export async function commit(
  unit: Prepared[],
  signal: AbortSignal,
  options: CommitOptions,
): Promise<{ conversions: number }> {
  const { sessions, analytics, onRetry } = options;
  let conversions = 0;
  const fresh = unit.filter(({ portion }) => !portion.recounted);
  if (fresh.length > 0) {
    const batch: Batch = {
      ranges: fresh.map(({ portion, receivedUntil }) => ({ ...rangeOf(portion), receivedUntil })),
      sessions: sessionDeltas(fresh.flatMap(({ entries }) => entries)),
      aliases: fresh.flatMap(({ aliases }) => aliases),
      ledger: fresh.flatMap(({ portion, tally }) => tally.entries(portion.partition)),
      lastErasure: options.lastErasure,
    };
    const applied = await timed('sessions', () =>
      persist(
        () => sessions.applyBatch(batch),
        signal,
        (...retry) => onRetry('sessions', ...retry),
      ),
    );
    conversions = applied.conversions;
  }

  let unclear = fresh.length < unit.length;
  await timed('analytics', () =>
    persist(
      () => (unclear ? settle(unit) : insert(unit)),
      signal,
      (...retry) => {
        unclear = true;
        onRetry('analytics', ...retry);
      },
    ),
  );
  return { conversions };

  function insert(parts: Prepared[]): Promise<void> {
    return sessions.withLock('ingest', 'shared', async () => {
      await confirm(parts);
      for (const rows of byMonth(withRows(parts)).values()) await analytics.insert(rows);
    });
  }

  function settle(parts: Prepared[]): Promise<void> {
    return sessions.withLock('ingest', 'exclusive', async () => {
      await confirm(parts);
      await analytics.endStrays();
      const made = withRows(parts);
      for (const day of firstDaysOfMonths(made)) {
        const missing: EventRow[] = [];
        for (const part of made) missing.push(...(await missingRows(part, day)));
        if (missing.length > 0) await analytics.insert(missing);
      }
      const days = new Set(made.flatMap(({ rows }) => rows.map(({ day }) => day)));
      await analytics.rebuildDays([...days].sort());
    });
  }

  /** Under the lock: whoever takes a partition over asks raw only when nobody can insert for it any more. */
  function confirm(parts: Prepared[]): Promise<void> {
    return sessions.confirm(parts.map(({ portion: { partition, owner } }) => ({ partition, owner })));
  }

  /** Of the month of `day`. */
  async function missingRows({ portion, rows }: WithRows, day: string): Promise<EventRow[]> {
    const ofMonth = rows.filter((row) => monthOf(row.day) === monthOf(day));
    if (ofMonth.length === 0) return [];
    const stored = await analytics.stored(portion, day);
    return ofMonth.filter((row) => !stored.has(placeOf(row)));
  }

  async function timed<T>(store: 'sessions' | 'analytics', work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    const done = await work();
    options.onCommit(store, (performance.now() - start) / 1_000);
    return done;
  }
}

interface WithRows {
  portion: Portion;
  rows: EventRow[];
}

function withRows(parts: Prepared[]): WithRows[] {
  return parts.map(({ portion, rows }) => ({ portion, rows: rows() }));
}

function rangeOf({ partition, owner, firstOffset, nextOffset, logIdentity }: Portion) {
  return { partition, owner, firstOffset, nextOffset, logIdentity };
}

function monthOf(day: string): string {
  return day.slice(0, 7);
}

function byMonth(parts: WithRows[]): Map<string, EventRow[]> {
  const months = new Map<string, EventRow[]>();
  let latest: { day: string; group: EventRow[] } | undefined;
  for (const { rows } of parts) {
    for (const row of rows) {
      if (row.day !== latest?.day) {
        const month = monthOf(row.day);
        const group = months.get(month) ?? [];
        months.set(month, group);
        latest = { day: row.day, group };
      }
      latest.group.push(row);
    }
  }
  return months;
}

function firstDaysOfMonths(parts: WithRows[]): string[] {
  return [...byMonth(parts).keys()].sort().map((month) => `${month}-01`);
}
