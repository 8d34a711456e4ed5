/** The scheduled jobs, each done by one instance at a time. */
import type { Logger } from 'pino';
import type { Config } from '../config.ts';
import { calendar, DAY } from '../contract/reporting-day.ts';
import type { SessionStore } from '../postgres/port.ts';

const HOUR = 3_600_000;
/** After an erasure, for events that wait in a spool. As long as dead letters are kept. */
const SUBJECTS_KEPT_DAYS = 14;
/** Of a day that is over: 48 hours after it began. */
const SALTS_KEPT_DAYS = 1;

/**
 * Deletes sessions that were idle for `ANALYTICS_CLEANUP_DAYS`, and what the ledger says of days whose raw events are
 * no longer kept, whose data was erased long ago, and the salts of days before yesterday. Answers how many sessions.
 */
export function cleanup(
  config: Pick<Config, 'cleanupDays' | 'rawDays' | 'timeZone'>,
  sessions: Pick<
    SessionStore,
    'withLock' | 'deleteSessionsIdleSince' | 'forgetLedgerBefore' | 'erasures' | 'destroySaltsBefore'
  >,
  now: number,
): Promise<number> {
  return sessions.withLock('cleanup', 'exclusive', async () => {
    await sessions.forgetLedgerBefore(now - config.rawDays * DAY);
    await sessions.erasures.forgetSubjectsBefore(now - SUBJECTS_KEPT_DAYS * DAY);
    await sessions.destroySaltsBefore(calendar(config.timeZone).dayOf(now - SALTS_KEPT_DAYS * DAY));
    return await sessions.deleteSessionsIdleSince(now - config.cleanupDays * DAY);
  });
}

export interface Jobs {
  /** Waits for the job under way. */
  close(): Promise<void>;
}

export function startJobs(options: {
  config: Pick<Config, 'cleanupDays' | 'rawDays' | 'timeZone'>;
  sessions: SessionStore;
  logger: Logger;
  now?: () => number;
}): Jobs {
  const { config, sessions, logger, now = Date.now } = options;
  let underWay: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    try {
      const sessionsDeleted = await cleanup(config, sessions, now());
      logger.info({ sessionsDeleted }, 'cleanup');
    } catch (error) {
      logger.warn({ err: error }, 'cleanup failed, it runs again in an hour');
    }
  }

  const timer = setInterval(() => {
    underWay = underWay.then(run);
  }, HOUR);
  return {
    async close() {
      clearInterval(timer);
      await underWay;
    },
  };
}
