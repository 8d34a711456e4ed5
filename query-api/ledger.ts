/**
 * The conservation ledger, derived from the stores: what was received, and where it is now.
 *
 * Sessions and raw are written one after the other, so what is under way at the moment stands in the first alone. An
 * hour of a partition is found in balance when it was so at one look with nothing written in between; what is not
 * is looked at again, a bounded number of times.
 */
import { setTimeout as pause } from 'node:timers/promises';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import { whyAnotherLog } from '../contract/counted-log.ts';
import { CollectorSpool, completeUntil, type Ledger, type LedgerHour } from '../contract/ledger.ts';
import { DROP_REASONS, type DropReason } from '../contract/outcome.ts';
import { type EventLog, PIPELINE_GROUP } from '../kafka/port.ts';
import type { LedgerEntry, PartitionProgress, SessionStore } from '../postgres/port.ts';
import { type LiveStore, LiveStoreError } from '../redis/port.ts';

export interface LedgerSources {
  analytics: Pick<AnalyticsStore, 'read'>;
  sessions: Pick<SessionStore, 'ledger' | 'progress'>;
  live: Pick<LiveStore, 'reports'>;
  log: Pick<EventLog, 'lag' | 'identity' | 'deadLetters'>;
  /** ms since the epoch */
  now(): number;
}

/** Instants, ms since the epoch: of hours that begin in [from, to). */
export interface LedgerRange {
  from: number;
  to: number;
}

export interface Patience {
  looks: number;
  pauseMs: number;
}

/** While much is counted on a busy machine, an insert may take seconds. */
const ONE_ANSWER: Patience = { looks: 30, pauseMs: 200 };
const MAX_COUNTED_LETTERS = 100_000;
const NO_DROPS: Record<DropReason, number> = {
  bot: 0,
  prefetch: 0,
  do_not_track: 0,
  global_privacy_control: 0,
};
const Spool = Type.Omit(CollectorSpool, ['collector']);

export async function conservationLedger(
  sources: LedgerSources,
  range: LedgerRange,
  patience: Patience = ONE_ANSWER,
): Promise<Ledger> {
  const [{ hours, balanced }, { progress, lag }, identity, spools, dead_letters] = await Promise.all([
    balancedHours(sources, range, patience),
    progressWithin(sources),
    sources.log.identity(),
    spoolsOf(sources.live),
    countLetters(sources.log),
  ]);
  const receivedUntil = new Map(progress.map((each) => [each.partition, each.receivedUntil]));
  const newest = Math.max(...progress.map((each) => each.receivedUntil ?? Number.NEGATIVE_INFINITY));
  const now = sources.now();
  const complete = completeUntil(lag, progress, now);
  return {
    balanced,
    another_log: anotherLog(identity, lag, progress),
    complete_until: complete === 0 ? null : iso(complete),
    newest_event: Number.isFinite(newest) ? iso(newest) : null,
    newest_event_age_seconds: Number.isFinite(newest) ? Math.max(0, (now - newest) / 1_000) : null,
    dead_letters,
    spools,
    partitions: lag.map(({ partition, committed, end }) => {
      const until = receivedUntil.get(partition) ?? null;
      return {
        partition,
        log_end: end,
        counted: committed,
        lag_frames: end - committed,
        received_until: until === null ? null : iso(until),
      };
    }),
    hours,
  };
}

/** One after the other: what is counted in between must not seem to be beyond the end of the log. */
async function progressWithin({ sessions, log }: LedgerSources) {
  const progress = await sessions.progress();
  return { progress, lag: await log.lag(PIPELINE_GROUP) };
}

/** Of the first partition where it shows. */
function anotherLog(
  identity: string | undefined,
  lag: readonly { partition: number; end: number }[],
  progress: readonly PartitionProgress[],
): string | null {
  for (const { partition, end } of lag) {
    const counted = progress.find((each) => each.partition === partition);
    const why = counted && whyAnotherLog({ identity, end }, counted);
    if (why !== undefined) return `partition ${partition}: ${why}`;
  }
  return null;
}

/** What an hour of a partition has too much or too little; none when it is in balance. */
export function difference({ accepted, duplicate, undecodable, erased, stored, in_views }: LedgerHour): {
  stored: number;
  in_views: number;
} {
  return { stored: stored - (accepted - duplicate - undecodable - erased), in_views: in_views - stored };
}

async function balancedHours(
  sources: LedgerSources,
  range: LedgerRange,
  { looks, pauseMs }: Patience,
): Promise<{ hours: LedgerHour[]; balanced: boolean }> {
  const settled = new Map<string, LedgerHour>();
  let seen = new Map<string, LedgerHour>();
  for (let look = 0; look < looks; look++) {
    if (look > 0) await pause(pauseMs);
    const before = await sources.sessions.ledger(range.from, range.to);
    const [stored, derived] = await Promise.all([
      sources.analytics.read('stored_by_hour', range),
      sources.analytics.read('derived_by_hour', range),
    ]);
    const after = hoursOf(await sources.sessions.ledger(range.from, range.to), [], []);
    seen = hoursOf(before, stored, derived);
    for (const [key, hour] of seen) {
      const { stored: inRaw, in_views } = difference(hour);
      const still = after.get(key)?.accepted === hour.accepted;
      if (still && inRaw === 0 && in_views === 0) settled.set(key, hour);
    }
    if ([...seen.keys()].every((key) => settled.has(key))) break;
  }
  const hours = [...seen].map(([key, hour]) => settled.get(key) ?? hour);
  hours.sort((a, b) => a.hour.localeCompare(b.hour) || a.partition - b.partition);
  return { hours, balanced: [...seen.keys()].every((key) => settled.has(key)) };
}

type EventsOfHour = { hour: number; partition: number; events: number };

function hoursOf(
  entries: LedgerEntry[],
  stored: EventsOfHour[],
  derived: EventsOfHour[],
): Map<string, LedgerHour> {
  const hours = new Map<string, LedgerHour>();
  const of = ({ hour, partition }: { hour: number; partition: number }): LedgerHour => {
    const key = `${hour} ${partition}`;
    const known = hours.get(key);
    if (known !== undefined) return known;
    const counts = { accepted: 0, duplicate: 0, undecodable: 0, erased: 0, stored: 0, in_views: 0 };
    const made = { hour: iso(hour), partition, ...counts, dropped: { ...NO_DROPS } };
    hours.set(key, made);
    return made;
  };
  for (const entry of entries) {
    const reason = DROP_REASONS.find((name) => name === entry.name);
    if (reason !== undefined) of(entry).dropped[reason] = entry.amount;
    else if (entry.name === 'accepted') of(entry).accepted = entry.amount;
    else if (entry.name === 'duplicate') of(entry).duplicate = entry.amount;
    else if (entry.name === 'undecodable') of(entry).undecodable = entry.amount;
    else if (entry.name === 'erased') of(entry).erased = entry.amount;
  }
  for (const row of stored) of(row).stored = row.events;
  for (const row of derived) of(row).in_views = row.events;
  return hours;
}

async function spoolsOf(live: Pick<LiveStore, 'reports'>): Promise<Static<typeof CollectorSpool>[] | null> {
  try {
    const reports = await live.reports();
    return reports.flatMap(({ instance, facts }) => {
      const told: unknown = JSON.parse(facts);
      return Value.Check(Spool, told) ? [{ collector: instance, ...told }] : [];
    });
  } catch (error) {
    if (error instanceof LiveStoreError) return null;
    throw error;
  }
}

async function countLetters(log: Pick<EventLog, 'deadLetters'>): Promise<number> {
  let letters = 0;
  for await (const _ of log.deadLetters()) {
    letters += 1;
    if (letters === MAX_COUNTED_LETTERS) break;
  }
  return letters;
}

function iso(instant: number): string {
  return new Date(instant).toISOString();
}
