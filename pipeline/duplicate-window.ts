/**
 * The event ids of one partition over the last minutes, by the collector's clock.
 *
 * A sender that got no answer sends again with the same id; the repeat is in the same partition, since that
 * follows from the visitor. Whether an event is a repeat depends only on the log, never on when it is read: so a
 * batch that is read again, or cut otherwise, comes out the same. Ids are added once their batch is counted. What the
 * window does not cover (frames that waited in a spool, a clock that was set, beacons marked late), raw is asked for.
 */
import { type EventKey, eventKey } from './event-key.ts';
import { KeySet } from './key-set.ts';

export const WINDOW_MS = 10 * 60_000;
/** Raw keeps ids that long. */
export const MEMORY_MS = 7 * 24 * 60 * 60_000;
/** Collectors' clocks differ a little, and frames overtake each other. */
const SLACK_MS = 60_000;
/** Ids are kept and left out by so much time at once: with the instant of each they would take twice the memory. */
export const SLICE_MS = 3 * 60_000;
/** For so many times the ids of the slice before there is room in one. */
const ROOM = 1.05;

export type Told = 'new' | 'repeat' | 'unsure';

export class DuplicateWindow {
  /** By the slice of time in which they were received, in the order in which the first of them came. */
  readonly #slices = new Map<number, KeySet>();
  /** Every id received at this instant or later is here, and none from before it has to be. */
  #completeSince = Number.POSITIVE_INFINITY;

  get isLoaded(): boolean {
    return this.#completeSince !== Number.POSITIVE_INFINITY;
  }

  /** Whether it can tell of any event that was received then. */
  covers(receivedAt: number): boolean {
    return receivedAt - WINDOW_MS >= this.#completeSince;
  }

  /** Takes over what the store knows: every id received at {@link loadSince} or later. */
  load(seen: { eventId: string; visitor: string; receivedAt: number }[], since: number): void {
    this.#slices.clear();
    this.#completeSince = since;
    const expected = (seen.length * SLICE_MS) / (WINDOW_MS + SLACK_MS);
    let newest = Number.NEGATIVE_INFINITY;
    for (const { eventId, visitor, receivedAt } of seen) {
      if (receivedAt < since) continue;
      const slice = sliceAt(receivedAt);
      (this.#slices.get(slice) ?? this.#begin(slice, expected)).add(eventKey(visitor, eventId));
      newest = Math.max(newest, slice);
    }
    this.#forgetBefore(newest);
  }

  /** By the ids that are here. Where it is unsure, raw knows. */
  tell(key: EventKey, receivedAt: number): Told {
    let told: Told = 'new';
    for (const [slice, keys] of this.#slices) {
      const [first, end] = [slice * SLICE_MS, (slice + 1) * SLICE_MS];
      const isFirst = isRepeat(first, receivedAt);
      const isLast = isRepeat(end - 1, receivedAt);
      if (!(isFirst || isLast) || !keys.has(key)) continue;
      if (isFirst && isLast && !keys.isFaded) return 'repeat';
      told = 'unsure';
    }
    return told;
  }

  add(key: EventKey, receivedAt: number): void {
    if (receivedAt < this.#completeSince) return;
    this.#completeSince = Math.max(this.#completeSince, loadSince(receivedAt));
    const slice = sliceAt(receivedAt);
    let keys = this.#slices.get(slice);
    if (keys === undefined) {
      this.#forgetBefore(slice);
      keys = this.#begin(slice, (this.#slices.get(slice - 1)?.size ?? 0) * ROOM);
    }
    keys.add(key);
  }

  /** Those that may still be asked for, and some that are too old. */
  get size(): number {
    return [...this.#slices.values()].reduce((sum, { size }) => sum + size, 0);
  }

  #begin(slice: number, expected: number): KeySet {
    const keys = new KeySet(expected);
    this.#slices.set(slice, keys);
    return keys;
  }

  /** Most repeats come within seconds: of what is older than the slice that begins, half an id is enough, since raw is asked then. */
  #forgetBefore(slice: number): void {
    const oldest = sliceAt(this.#completeSince);
    for (const [each, keys] of this.#slices) {
      if (each < oldest) this.#slices.delete(each);
      else if (each < slice) keys.fade();
    }
  }
}

function sliceAt(instant: number): number {
  return Math.floor(instant / SLICE_MS);
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
