/** What fingerprints are hashed with: one secret for good, or another every day. */
import { createHmac } from 'node:crypto';
import type { Calendar } from './reporting-day.ts';

export interface VisitorKey {
  readonly secret: string;
  /** What visitors may be known by, since it was the secret until lately. */
  readonly previous?: string | undefined;
  /** Whether ids of sessions and users are hashed as well, so that nothing tells who a visitor was under another key. */
  readonly hidesIds: boolean;
}

export interface VisitorKeys {
  /** @param instant ms since the epoch. Undefined while the key of that day is not known. */
  at(instant: number): VisitorKey | undefined;
}

/** `VISITOR_SALT`: `none`, the same visitor on all days; `daily`, another one each day. */
export const VISITOR_SALTS = ['none', 'daily'] as const;
export type VisitorSalt = (typeof VISITOR_SALTS)[number];

export function oneKey(secret: string, previous?: string): VisitorKeys {
  const key: VisitorKey = { secret, previous, hidesIds: false };
  return { at: () => key };
}

/**
 * Of history: who imports it has the file, and may import it again, so a day has the same key each time. Live beacons of that day had
 * another one.
 */
export function keysOfHistory(secret: string, calendar: Calendar): VisitorKeys {
  return {
    at: (instant) => ({
      secret: createHmac('sha256', secret)
        .update(`history ${calendar.dayOf(instant)}`)
        .digest('base64url'),
      hidesIds: true,
    }),
  };
}
