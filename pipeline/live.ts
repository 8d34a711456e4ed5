/**
 * Live numbers: who is online, noted as soon as it is in the log, and how many came today, once they are counted. Raw has all
 * that they are made of, so they are restored from it when the live store has lost them, or was away when they were to
 * be updated; and their errors stop nothing.
 */
import { setImmediate as endOfTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type AnalyticsStore, NIL_UUID } from '../clickhouse/port.ts';
import { happenedAt } from '../contract/event.ts';
import type { Calendar } from '../contract/reporting-day.ts';
import { type LiveStore, SITE } from '../redis/port.ts';
import type { VisitorSign, VisitorTracker } from '../redis/visitor-tracker.ts';
import { seldom } from '../seldom.ts';
import { RecentLeaves } from './recent-leaves.ts';
import type { Entry } from './work.ts';

/** Raw may not have those who left so lately, and would bring them back. */
const LEAVES_KEPT_MS = 60_000;
/** While the live store takes none; more are left out, and made up for from raw. */
const MAX_WAITING_SIGNS = 100_000;
/** How long counting, and reading for live numbers, wait for an update; what it has begun goes on. */
const PATIENCE_MS = 2_000;
/** A live store that comes and goes does not have raw read without a pause. */
const RESTORE_PAUSE_MS = 10_000;

/** Raw needs its time to have what the live store did not take. */
const CATCH_UP_AFTER_MS = 2_000;

export const LIVE_WORK = ['update', 'sweep', 'restore'] as const;
export type LiveWork = (typeof LIVE_WORK)[number];

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
  /** Notes signs of life and leaves, in order. Never rejects; waits for the live store for seconds at most. */
  note(signs: VisitorSign[]): Promise<void>;
  /** Adds to the visitors of today. */
  update(entries: Entry[]): Promise<void>;
  /** Lets those go who left or fell silent. */
  sweep(): Promise<void>;
}

export function liveNumbers(options: LiveOptions): LiveNumbers {
  const { live, tracker, analytics, calendar, realtimeTtlMs, logger, now, onFailure } = options;
  const underWay = new Map<LiveWork, Promise<void>>();
  /** An update has failed or was left out, so there is more in raw than in the live store. */
  let behind = false;
  let failedAt = Number.NEGATIVE_INFINITY;
  let waiting: VisitorSign[] = [];
  let noting: Promise<void> | undefined;
  const leaves = new RecentLeaves(LEAVES_KEPT_MS);
  let filledAt = Number.NEGATIVE_INFINITY;
  const warn = seldom((err, unsaid) =>
    logger.warn({ err, unsaid }, 'live numbers stand still, nothing else is touched'),
  );

  function failed(work: LiveWork, error: unknown): void {
    if (work === 'update') {
      behind = true;
      failedAt = performance.now();
    }
    onFailure(work);
    warn(error);
  }

  /** Only one of its kind at a time: answers false where one is under way. */
  function begin(work: LiveWork, run: () => Promise<void>): boolean {
    if (underWay.has(work)) return false;
    const running = run()
      .catch((error: unknown) => {
        failed(work, error);
      })
      .finally(() => underWay.delete(work));
    underWay.set(work, running);
    return true;
  }

  async function countToday(day: string, { scopes }: VisitorsOfDay): Promise<void> {
    await Promise.all([...scopes].map(([scope, visitors]) => live.countVisitors(day, scope, [...visitors])));
  }

  async function fill(): Promise<void> {
    const today = calendar.dayOf(now());
    const visitors = await analytics.read('visitors_of_day', { day: today });
    const counted = new VisitorsOfDay();
    for (const { visitor, community_id } of visitors) counted.add(visitor, community_id);
    await countToday(today, counted);
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
    // Of these raw may know the visit and not the end.
    await tracker.track(leaves.signs());
    filledAt = performance.now();
    logger.info({ online: seen.length, today: visitors.length }, 'live numbers are restored from raw');
  }

  async function restore(): Promise<void> {
    const quiet = performance.now() - failedAt >= CATCH_UP_AFTER_MS;
    const toCatchUp = behind && quiet && performance.now() - filledAt >= RESTORE_PAUSE_MS;
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
    const visitors = new VisitorsOfDay();
    for (const { event, visitor } of entries) {
      if (event.type === 'leave' || calendar.dayOf(happenedAt(event)) !== today) continue;
      visitors.add(visitor, event.community_id ?? NIL_UUID);
    }
    await countToday(today, visitors);
  }

  /** All that waits at once, and then what has come meanwhile; those of the same turn together. */
  async function noteAll(): Promise<void> {
    while (waiting.length > 0) {
      await endOfTurn();
      const signs = waiting;
      waiting = [];
      for (const { visitor, at, leaving } of signs) if (leaving) leaves.add(visitor, at, now());
      await tracker.track(signs).catch((error: unknown) => failed('update', error));
    }
  }

  /** One at a time; again for what has come when it was about to end. */
  function startNoting(): Promise<void> {
    noting ??= noteAll().then(() => {
      noting = undefined;
      return waiting.length > 0 ? startNoting() : undefined;
    });
    return noting;
  }

  return {
    async restore() {
      begin('restore', restore);
      await underWay.get('restore');
    },
    async note(signs) {
      if (waiting.length >= MAX_WAITING_SIGNS) {
        failed('update', new Error('the live store is too slow: signs of life are left out'));
      } else {
        waiting = waiting.length === 0 ? signs : [...waiting, ...signs];
        void startNoting();
      }
      await atMost(PATIENCE_MS, noting);
    },
    async update(entries) {
      // Of another unit.
      await atMost(PATIENCE_MS, underWay.get('update'));
      if (begin('update', () => update(entries))) {
        await atMost(PATIENCE_MS, underWay.get('update'));
        return;
      }
      behind = true;
      onFailure('update');
    },
    async sweep() {
      begin('sweep', async () => tracker.sweep(now()));
      await underWay.get('sweep');
    },
  };
}

/** Each once in the site, and in every community. */
class VisitorsOfDay {
  readonly #site = new Set<string>();
  readonly scopes = new Map([[SITE, this.#site]]);

  /** @param community the nil UUID for none */
  add(visitor: string, community: string): void {
    this.#site.add(visitor);
    if (community === NIL_UUID) return;
    let members = this.scopes.get(community);
    if (members === undefined) {
      members = new Set();
      this.scopes.set(community, members);
    }
    members.add(visitor);
  }
}

async function atMost(ms: number, work: Promise<void> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, patience]);
  clearTimeout(timer);
}
