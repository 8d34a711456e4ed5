/**
 * A salt for each day, which all collectors share and nobody keeps: who has every store cannot tell that a visitor of today came yesterday.
 *
 * The session store makes the salt of a day when it is first asked for, and the pipeline's cleanup destroys it two days after. A collector
 * asks hours before a day begins, so the session store may be away then. Without the salt of the day nothing can be taken.
 */

import { addDays, type Calendar } from '../contract/reporting-day.ts';
import type { VisitorKey, VisitorKeys } from '../contract/visitor-key.ts';

const LOOK_MS = 600_000;
const AFTER_FAILURE_MS = 10_000;

export interface DailyKeysOptions {
  /** The salt of a day (`YYYY-MM-DD` of the reporting zone), the same for all who ask. */
  saltOf(day: string): Promise<string>;
  calendar: Calendar;
  /** ms since the epoch */
  now(): number;
  /** Days whose salt could not be had: it is tried again. */
  onFailure(error: unknown): void;
}

export interface DailyKeys extends VisitorKeys {
  close(): Promise<void>;
}

interface DayKey extends VisitorKey {
  /** Instants [from, to), ms since the epoch. */
  from: number;
  to: number;
}

/** Rejects where the salt of today cannot be had. */
export async function openDailyKeys(options: DailyKeysOptions): Promise<DailyKeys> {
  const { saltOf, calendar, now, onFailure } = options;
  let keys: DayKey[] = [];
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  let closed = false;

  async function look(): Promise<void> {
    const today = calendar.dayOf(now());
    const begin = calendar.startOf(today);
    keys = keys.filter(({ to }) => to > begin);
    for (const day of [today, addDays(today, 1)]) {
      const from = calendar.startOf(day);
      if (keys.some((key) => key.from === from)) continue;
      const secret = await saltOf(day);
      keys = [...keys, { secret, hidesIds: true, from, to: calendar.startOf(addDays(day, 1)) }];
    }
  }

  function schedule(ms: number): void {
    if (closed) return;
    timer = setTimeout(() => {
      looking = look().then(
        () => schedule(LOOK_MS),
        (error: unknown) => {
          onFailure(error);
          schedule(AFTER_FAILURE_MS);
        },
      );
    }, ms);
  }

  await look();
  schedule(LOOK_MS);
  return {
    at: (instant) => keys.find(({ from, to }) => instant >= from && instant < to),
    async close() {
      closed = true;
      clearTimeout(timer);
      await looking;
    },
  };
}
