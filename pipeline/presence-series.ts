/**
 * The series of visitors online: one point a minute, of the site and of every community that has visitors, kept in the
 * analytics store.
 *
 * Each instance tries, from the fiftieth second of a minute on, so that a complete minute has its point; under a lock, and
 * only where nobody has kept the minute yet. A try that fails is repeated until the minute ends. A minute without a point
 * stays without: nobody can say later who was there.
 */
import type { Logger } from 'pino';
import { Counter, type Registry } from 'prom-client';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import type { SessionStore } from '../postgres/port.ts';
import { type LiveStore, SITE } from '../redis/port.ts';
import { seldom } from '../seldom.ts';

const MINUTE = 60_000;
const INTO_THE_MINUTE_MS = 50_000;
const LOOK_MS = 1_000;

export interface PresenceSeriesOptions {
  live: Pick<LiveStore, 'onlineByScope'>;
  analytics: Pick<AnalyticsStore, 'read' | 'keepPresence'>;
  sessions: Pick<SessionStore, 'withLock'>;
  metrics: Registry;
  logger: Logger;
  now?: () => number;
}

export interface PresenceSeries {
  /** Waits for the try under way. */
  close(): Promise<void>;
}

export function startPresenceSeries(options: PresenceSeriesOptions): PresenceSeries {
  const { live, analytics, sessions, logger, now = Date.now } = options;
  const failures = new Counter({
    name: 'footfall_presence_series_failures_total',
    help: 'Tries to keep how many visitors are online that failed; a minute in which all fail is missing in the series',
    registers: [options.metrics],
  });
  const warn = seldom((err, unsaid) =>
    logger.warn({ err, unsaid }, 'the visitors online are not in the series, nothing else is touched'),
  );
  let keptThrough = Number.NEGATIVE_INFINITY;
  let underWay: Promise<void> | undefined;

  async function keep(minute: number): Promise<void> {
    await sessions.withLock('presence', 'exclusive', async () => {
      // The lock may have been waited for.
      if (minuteOf(now()) !== minute) throw new Error('the minute was over before its turn came');
      const range = { scope: SITE, from: minute, to: minute + MINUTE, step_minutes: 1 };
      const kept = await analytics.read('presence_history', range);
      if (kept.length > 0) return;
      const online = await live.onlineByScope();
      online.set(SITE, online.get(SITE) ?? 0);
      await analytics.keepPresence(
        minute,
        [...online].map(([scope, visitors]) => ({ scope, visitors })),
      );
    });
    keptThrough = minute;
  }

  function look(): void {
    const minute = minuteOf(now());
    if (underWay !== undefined || minute <= keptThrough || now() - minute < INTO_THE_MINUTE_MS) return;
    underWay = keep(minute)
      .catch((error: unknown) => {
        failures.inc();
        warn(error);
      })
      .finally(() => {
        underWay = undefined;
      });
  }

  const timer = setInterval(look, LOOK_MS);
  return {
    async close() {
      clearInterval(timer);
      await underWay;
    },
  };
}

function minuteOf(instant: number): number {
  return instant - (instant % MINUTE);
}
