/**
 * Live numbers: who is online and how many came today. Raw has all that they are made of, so they are restored from it
 * when the live store has lost them, or was away when they were to be updated; and their errors stop nothing.
 */
import type { Logger } from 'pino';
import { type AnalyticsStore, NIL_UUID } from '../clickhouse/port.ts';
import { happenedAt } from '../contract/event.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import { type LiveStore, SITE } from '../redis/port.ts';
import type { VisitorTracker } from '../redis/visitor-tracker.ts';
import { seldom } from '../seldom.ts';
import { visitorNumber } from './visitor-number.ts';
import type { Entry } from './work.ts';

/** How long counting waits for an update; what it has begun goes on. */
const PATIENCE_MS = 2_000;
/** A live store that comes and goes does not have raw read without a pause. */
const RESTORE_PAUSE_MS = 10_000;

type LiveWork = 'update' | 'sweep' | 'restore';

export interface LiveOptions {
  live: Pick<LiveStore, 'countVisitors' | 'restoreIfLost'>;
  tracker: Pick<VisitorTracker, 'track' | 'sweep'>;
  analytics: Pick<AnalyticsStore, 'read'>;
  calendar: Calendar;
  realtimeTtlMs: number;
  logger: Logger;
  now(): number;
  onFailure(work: LiveWork): void;
}

export interface LiveNumbers {
  /** Fills presence and today's counters from raw, where something is missing. To be called every now and then. */
  restore(): Promise<void>;
  update(entries: Entry[]): Promise<void>;
  /** Lets those go who left or fell silent. */
  sweep(): Promise<void>;
}

export function liveNumbers(options: LiveOptions): LiveNumbers {
  const { live, tracker, analytics, calendar, realtimeTtlMs, logger, now, onFailure } = options;
  const underWay = new Map<LiveWork, Promise<void>>();
  /** An update has failed or was left out, so there is more in raw than in the live store. */
  let behind = false;
  let filledAt = Number.NEGATIVE_INFINITY;
  const warn = seldom((err, unsaid) =>
    logger.warn({ err, unsaid }, 'live numbers stand still, nothing else is touched'),
  );

  /** Only one of its kind at a time: answers false where one is under way. */
  function begin(work: LiveWork, run: () => Promise<void>): boolean {
    if (underWay.has(work)) return false;
    const running = run()
      .catch((error: unknown) => {
        if (work === 'update') behind = true;
        onFailure(work);
        warn(error);
      })
      .finally(() => underWay.delete(work));
    underWay.set(work, running);
    return true;
  }

  async function countToday(day: string, visitors: { visitor: string; community: string }[]): Promise<void> {
    const scopes = new Map<string, Set<string>>([[SITE, new Set()]]);
    for (const { visitor, community } of visitors) {
      scopes.get(SITE)?.add(visitor);
      if (community === NIL_UUID) continue;
      const scope = scopes.get(community) ?? new Set();
      scopes.set(community, scope.add(visitor));
    }
    await Promise.all([...scopes].map(([scope, members]) => live.countVisitors(day, scope, [...members])));
  }

  async function fill(): Promise<void> {
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
    filledAt = performance.now();
    logger.info({ online: seen.length, today: visitors.length }, 'live numbers are restored from raw');
  }

  async function restore(): Promise<void> {
    const toCatchUp = behind && performance.now() - filledAt >= RESTORE_PAUSE_MS;
    if (toCatchUp) behind = false;
    try {
      const restored = await live.restoreIfLost(fill);
      if (toCatchUp && !restored) await fill();
    } catch (error) {
      if (toCatchUp) behind = true;
      throw error;
    }
  }

  async function update(entries: Entry[]): Promise<void> {
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
  }

  return {
    async restore() {
      begin('restore', restore);
      await underWay.get('restore');
    },
    async update(entries) {
      if (!begin('update', () => update(entries))) {
        behind = true;
        onFailure('update');
      }
      await atMost(PATIENCE_MS, underWay.get('update'));
    },
    async sweep() {
      begin('sweep', async () => tracker.sweep(now()));
      await underWay.get('sweep');
    },
  };
}

async function atMost(ms: number, work: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, patience]);
  clearTimeout(timer);
}
