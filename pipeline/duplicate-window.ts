/**
 * The event ids of one partition over the last minutes, by the collector's clock.
 *
 * A sender that got no answer sends again with the same id; the repeat is in the same partition, since that
 * follows from the visitor. Whether an event is a repeat depends only on the log, never on when it is read: so a
 * batch that is read again, or cut otherwise, comes out the same. Ids are added once their batch is counted. What the
 * window does not cover (frames that waited in a spool, a clock that was set, beacons marked late), raw is asked for.
 */
import { type EventKey, eventKey } from './event-key.ts';
import { InstantsByKey } from './instants-by-key.ts';

export const WINDOW_MS = 10 * 60_000;
/** Raw keeps ids that long. */
export const MEMORY_MS = 7 * 24 * 60 * 60_000;
/** Collectors' clocks differ a little, and frames overtake each other. */
const SLACK_MS = 60_000;

export class DuplicateWindow {
  #seenAt = new InstantsByKey();
  /** Every id received at this instant or later is here, and none from before it has to be. */
  #completeSince = Number.POSITIVE_INFINITY;

  get isLoaded(): boolean {
    return this.#completeSince !== Number.POSITIVE_INFINITY;
  }

  /** Whether it can tell of an event that was received then. */
  covers(receivedAt: number): boolean {
    return receivedAt - WINDOW_MS >= this.#completeSince;
  }

  /** Takes over what the store knows: every id received at {@link loadSince} or later. */
  load(seen: { eventId: string; visitor: string; receivedAt: number }[], since: number): void {
    this.#seenAt = new InstantsByKey(seen.length);
    this.#completeSince = since;
    for (const { eventId, visitor, receivedAt } of seen)
      this.#seenAt.note(eventKey(visitor, eventId), receivedAt, since);
  }

  has(key: EventKey, receivedAt: number): boolean {
    return isRepeat(this.#seenAt.get(key), receivedAt);
  }

  add(key: EventKey, receivedAt: number): void {
    if (receivedAt < this.#completeSince) return;
    this.#seenAt.note(key, receivedAt, this.#completeSince);
    this.#completeSince = Math.max(this.#completeSince, loadSince(receivedAt));
  }

  /** Those that may still be asked for, and at most as many that are too old. */
  get size(): number {
    return this.#seenAt.size;
  }
}

/** From when on ids are needed to tell of events received at an instant, or little earlier, or later. */
export function loadSince(receivedAt: number, reachMs = WINDOW_MS): number {
  return receivedAt - reachMs - SLACK_MS;
}

/**
 * What was received first may stand later in the log, after a spool: then its sender has sent it again meanwhile, maybe late.
 *
 * @param seenAt when the same event that stands before in the log was received, undefined when there is none
 * @param reachMs how long before an event its first sending may have been received
 */
export function isRepeat(seenAt: number | undefined, receivedAt: number, reachMs = WINDOW_MS): boolean {
  return seenAt !== undefined && receivedAt - seenAt <= reachMs && seenAt - receivedAt <= MEMORY_MS;
}
