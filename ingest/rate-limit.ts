/**
 * How many beacons a minute an address may send. Decided at once, from what this collector has counted: to ask the live store about each
 * request would cost more than all else that is done with it. Whoever sends much is counted together with what the other collectors
 * saw of them: once they have used up a {@link SHARE} of the limit here, it is reported, and the answer says what the others reported.
 * So with several collectors an address can be ahead of its limit by that share at each of the others, and by what comes
 * while a report is under way.
 */
import { addressHash } from '../contract/visitor.ts';
import type { LiveStore } from '../redis/port.ts';
import type { Sender } from './senders.ts';

const MINUTE = 60_000;
/** Of the limit. */
const SHARE = 1 / 16;
/** Under way at a time; what would be one more is reported with a later request of its address. */
const MAX_REPORTS = 1_000;

export interface RateLimitOptions {
  live: LiveStore;
  /** Beacons a minute an address; 0: no limit. */
  limit: number;
  /** Hashes the addresses that the live store is told of. */
  secret: string;
  now(): number;
  /** A report that the live store did not take: the address is limited by what this collector counts. */
  onUnshared(error: unknown): void;
}

/** Counts beacons of a sender; over the limit, answers in how many seconds it may send again. */
export type TakeBeacons = (sender: Sender, beacons: number, instant: number) => number | undefined;

export function rateLimit({ live, limit, secret, now, onUnshared }: RateLimitOptions): TakeBeacons {
  if (limit === 0) return () => undefined;
  let reports = 0;

  function report(sender: Sender): void {
    const { address, unreported } = sender;
    sender.unreported = 0;
    reports += 1;
    live
      .take(`ingest:${addressHash(address, secret)}`, unreported, limit, MINUTE)
      .then(({ allowed, remaining, resetMs }) => {
        const ofAll = allowed ? limit - remaining : limit + 1;
        sender.beacons = Math.max(sender.beacons, ofAll + sender.unreported);
        sender.endsAt = now() + resetMs;
      })
      .catch(onUnshared)
      .finally(() => {
        reports -= 1;
      });
  }

  return (sender, beacons, instant) => {
    if (sender.endsAt <= instant) {
      sender.beacons = 0;
      sender.unreported = 0;
      sender.endsAt = instant + MINUTE;
    }
    sender.beacons += beacons;
    sender.unreported += beacons;
    if (sender.unreported >= limit * SHARE && reports < MAX_REPORTS) report(sender);
    return sender.beacons <= limit ? undefined : Math.max(1, Math.ceil((sender.endsAt - instant) / 1_000));
  };
}
