/** Live numbers: who is online and how many came today. They are rebuilt when lost, so their errors stop nothing. */
import type { Logger } from 'pino';
import { type AnalyticsStore, NIL_UUID } from '../clickhouse/port.ts';
import { happenedAt } from '../contract/event.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import { type LiveStore, SITE } from '../redis/port.ts';
import type { VisitorTracker } from '../redis/visitor-tracker.ts';
import { visitorNumber } from './visitor-number.ts';
import type { Entry } from './work.ts';

export interface LiveOptions {
  live: Pick<LiveStore, 'countVisitors'>;
  tracker: Pick<VisitorTracker, 'track' | 'sweep'>;
  analytics: Pick<AnalyticsStore, 'read'>;
  calendar: Calendar;
  realtimeTtlMs: number;
  logger: Logger;
  now(): number;
}

export interface LiveNumbers {
  /** Fills presence and today's counters from raw, after a start. */
  restore(): Promise<void>;
  update(entries: Entry[]): Promise<void>;
  /** Lets those go who left or fell silent. */
  sweep(): Promise<void>;
}

export function liveNumbers(options: LiveOptions): LiveNumbers {
  const { live, tracker, analytics, calendar, realtimeTtlMs, logger, now } = options;

  async function guarded(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      logger.warn({ err: error }, `live numbers: ${what} failed, nothing else is touched`);
    }
  }

  async function countToday(day: string, visitors: { visitor: string; community: string }[]): Promise<void> {
    const scopes = new Map<string, Set<string>>([[SITE, new Set()]]);
    for (const { visitor, community } of visitors) {
      scopes.get(SITE)?.add(visitor);
      if (community === NIL_UUID) continue;
      const scope = scopes.get(community) ?? new Set();
      scopes.set(community, scope.add(visitor));
    }
    for (const [scope, members] of scopes) await live.countVisitors(day, scope, [...members]);
  }

  return {
    restore: () =>
      guarded('the restore', async () => {
        const since = now() - realtimeTtlMs;
        const seen = await analytics.read('recently_seen', { since });
        await tracker.track(
          seen.map(({ visitor, community_id, last_seen }) => ({
            visitor,
            communityId: community_id === NIL_UUID ? undefined : community_id,
            at: last_seen,
            leaving: false,
          })),
        );
        const today = calendar.dayOf(now());
        const visitors = await analytics.read('visitors_of_day', { day: today });
        await countToday(
          today,
          visitors.map(({ visitor, community_id }) => ({ visitor, community: community_id })),
        );
      }),

    update: (entries) =>
      guarded('the update', async () => {
        const today = calendar.dayOf(now());
        await tracker.track(
          entries.map(({ event }) => ({
            visitor: visitorNumber(event.visitor),
            communityId: event.community_id,
            at: happenedAt(event),
            leaving: event.type === 'leave',
          })),
        );
        const ofToday = entries.filter(
          ({ event }) => event.type !== 'leave' && calendar.dayOf(happenedAt(event)) === today,
        );
        await countToday(
          today,
          ofToday.map(({ event }) => ({
            visitor: visitorNumber(event.visitor),
            community: event.community_id ?? NIL_UUID,
          })),
        );
      }),

    sweep: () => guarded('the sweep', async () => void (await tracker.sweep(now()))),
  };
}
