/** The units of work of the pipeline. */
import type { AnalyticsStore, EventRow } from '../clickhouse/port.ts';
import type { Event } from '../contract/event.ts';
import type { SetAsideReason } from '../contract/outcome.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import type { DeadLetter, Frame } from '../kafka/port.ts';
import type { OffsetRange } from '../postgres/port.ts';
import type { DuplicateWindow } from './duplicate-window.ts';
import type { Places } from './places.ts';

/** Frames of one partition, all of them counted before or none. */
export interface Portion extends OffsetRange {
  frames: Frame[];
  /** Sessions have it already; whether the analytics store has, is not known. */
  recounted: boolean;
  signal: AbortSignal;
}

/** An event on its way, with its place in the log. */
export interface Entry {
  event: Event;
  offset: number;
  index: number;
  communityDivision?: string | undefined;
  divisionType?: string | undefined;
}

/** A portion and what the steps have made of it so far. */
export interface Draft {
  portion: Portion;
  entries: Entry[];
  setAside: { reason: SetAsideReason; count: number }[];
}

/** What the steps stand on. */
export interface StepContext {
  windowOf(partition: number): DuplicateWindow;
  places: Places;
  analytics: Pick<AnalyticsStore, 'recentEventIds' | 'knownEventIds'>;
  deadLetter(letter: DeadLetter): Promise<void>;
  calendar: Calendar;
}

/** What is left to do for a portion: all the stores need. */
export interface Prepared {
  portion: Portion;
  entries: Entry[];
  rows: EventRow[];
  setAside: Draft['setAside'];
}
