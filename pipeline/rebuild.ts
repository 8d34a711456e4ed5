/** Counts days again from raw events; and by new days, where the reporting zone has changed. */
import type { AnalyticsStore, IntervalsReport } from '../clickhouse/port.ts';
import { completeUntil } from '../contract/ledger.ts';
import { type Calendar, daysBetween } from '../contract/reporting-day.ts';
import { type EventLog, PIPELINE_GROUP } from '../kafka/port.ts';
import type { SessionStore } from '../postgres/port.ts';
import { lastCompleteDay } from './closing.ts';

export interface RebuildOptions {
  analytics: Pick<AnalyticsStore, 'changeZone' | 'updateIntervals' | 'rebuildDays'>;
  sessions: Pick<SessionStore, 'progress' | 'withLock'>;
  log: Pick<EventLog, 'lag'>;
  calendar: Calendar;
  /** From the first day that there is, where it is not said. */
  from?: string;
  /** Days after stay, or become, open: the pipeline closes them next. Until today, where it is not said. */
  to?: string;
  /** Raw events that were derived, of all that are to be. */
  onProgress(done: number, total: number): void;
  /** ms since the epoch */
  now(): number;
}

export function rebuild(options: RebuildOptions): Promise<IntervalsReport> {
  const { analytics, sessions, log, calendar, onProgress, now } = options;
  return sessions.withLock('intervals', 'exclusive', async () => {
    const [lag, progress] = await Promise.all([log.lag(PIPELINE_GROUP), sessions.progress()]);
    const complete = lastCompleteDay(calendar, completeUntil(lag, progress, now()));
    const lastDay = options.to !== undefined && options.to < complete ? options.to : complete;
    await sessions.withLock('ingest', 'exclusive', () =>
      analytics.changeZone(calendar, { lastDay: complete, onProgress }),
    );
    const from = options.from ?? '1970-01-01';
    const report = await analytics.updateIntervals({ lastDay, from, onProgress });
    // Days that are not closed are in the views as well.
    const today = calendar.dayOf(now());
    const open = daysBetween(complete, options.to ?? today).filter((day) => day > complete && day >= from);
    if (open.length > 0) await sessions.withLock('ingest', 'exclusive', () => analytics.rebuildDays(open));
    return report;
  });
}
