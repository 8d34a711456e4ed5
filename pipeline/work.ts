/** The units of work of the pipeline. */
import type { AnalyticsStore, EventRow } from '../clickhouse/port.ts';
import type { Event } from '../contract/event.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import type { DeadLetter, Frame } from '../kafka/port.ts';
import type { Alias, Checkpoint, Claim } from '../postgres/port.ts';
import type { DuplicateWindow } from './duplicate-window.ts';
import type { ErasedEvents } from './erased-events.ts';
import type { EventKey } from './event-key.ts';
import type { KnownVisitors } from './known-visitors.ts';
import type { Places } from './places.ts';
import type { Tally } from './tally.ts';

/** Frames of one partition, all of them counted before or none. */
export interface Portion extends Checkpoint, Claim {
  frames: Frame[];
  window: DuplicateWindow;
  /** Sessions have it already; whether the analytics store has, is not known. */
  recounted: boolean;
  /** Aborts when the partition is taken away: nobody waits for the portion any more. */
  signal: AbortSignal;
}

/** An event on its way, with its place in the log. */
export interface Entry {
  event: Event;
  /** In the analytics store. */
  visitor: string;
  /** Of the visitor and the event id; undefined where it has none. */
  key: EventKey | undefined;
  offset: number;
  index: number;
  communityDivision: string | undefined;
  divisionType: string | undefined;
}

/** A portion and what the steps have made of it so far. */
export interface Draft {
  portion: Portion;
  entries: Entry[];
  /** That the entries have shown. */
  aliases: Alias[];
  tally: Tally;
  /** Latest receipt, ms since the epoch; null when no event can be read. */
  receivedUntil: number | null;
}

/** What the steps stand on. */
export interface StepContext {
  places: Places;
  erased: ErasedEvents;
  visitors: Pick<KnownVisitors, 'look'>;
  analytics: Pick<AnalyticsStore, 'recentEventIds' | 'seenEventIds' | 'knownEventIds'>;
  deadLetter(letter: DeadLetter): Promise<void>;
  calendar: Calendar;
  /** ms since the epoch */
  now(): number;
}

/** What is left to do for a portion: all the stores need. */
export interface Prepared {
  portion: Portion;
  entries: Entry[];
  /** Made anew at each call: most of a unit's life nobody needs them, and what lives for long is copied by the garbage collector. */
  rows(): EventRow[];
  aliases: Alias[];
  tally: Tally;
  receivedUntil: number | null;
}
