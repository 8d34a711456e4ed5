/**
 * The live store: who is online, how many came today, who listens, who asks too often. All of it may be lost at any
 * moment and is rebuilt from traffic and from the other stores; nothing that must last is kept here.
 *
 * A store that is away rejects with {@link LiveStoreError} `unavailable`, within a second or two and mostly at once, and
 * comes back by itself. What a call that rejected has done is not known.
 *
 * Every method may be called concurrently and repeated without harm, but for {@link LiveStore.take}.
 * Instants are ms since the epoch. A scope is a community id, or {@link SITE} for the whole site.
 */

export const SITE = 'site';
/** A visitor who leaves is gone this long after, so that going from page to page is not a leave and a join. */
export const LEAVE_GRACE_MS = 1_000;

export interface LiveStore {
  /** Notes signs of life, in order. Answers the visitors who were not online in that scope before. */
  arrive(signs: SignOfLife[]): Promise<PresenceChange[]>;
  /** Marks visitors as going in every scope: {@link expire} announces them after {@link LEAVE_GRACE_MS}. */
  leave(visitors: { visitor: string; at: number }[]): Promise<void>;
  /**
   * Removes who has given no sign of life until `now`. Each is answered once, whoever asks; where an answer is lost on
   * its way, to nobody.
   */
  expire(now: number): Promise<PresenceChange[]>;
  /** Visitors whose time is not over; those whose time is over may count until {@link expire} removes them. */
  online(scope: string): Promise<number>;
  /** The same of every scope that has visitors, by scope. A scope that somebody comes to or leaves meanwhile may be missing. */
  onlineByScope(): Promise<Map<string, number>>;

  /** Adds visitors to the HyperLogLog counter of a day (`YYYY-MM-DD`) and scope. Counters live for two days. */
  countVisitors(day: string, scope: string, visitors: string[]): Promise<void>;
  visitorsOf(day: string, scope: string): Promise<number>;
  /** Empties the counters of a day, of every scope. It then no longer has what it was given: {@link restoreIfLost} restores. */
  emptyCounters(day: string): Promise<void>;

  /**
   * Runs `restore` where the store does not have, or no longer has, what it was given: after a start, a flush, a
   * restart. Of all who ask at the same time one does, and answers true. Where `restore` rejects, so does this, and the
   * next who asks tries again.
   */
  restoreIfLost(restore: () => Promise<void>): Promise<boolean>;

  publish(channel: string, message: string): Promise<void>;
  /**
   * Answers a function that ends the subscription. A listener must not throw. While the store is away it resolves all
   * the same: the subscription begins, and goes on, when the store is back. Messages in between are missed.
   */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>;

  /** Takes `points` of `limit` a window from `key`'s allowance. */
  take(key: string, points: number, limit: number, windowMs: number): Promise<Allowance>;

  /** Tells the others what only this process knows. Forgotten after `ttlMs`, so it has to be told again before. */
  report(report: Report, ttlMs: number): Promise<void>;
  /** What has been told and is not forgotten, the latest of each instance, in no order. */
  reports(): Promise<Report[]>;

  /** A small cache. Values expire after `ttlMs`; some go earlier when it is full, and too large ones are not kept. */
  cached(key: string): Promise<string | undefined>;
  cache(key: string, value: string, ttlMs: number): Promise<void>;

  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface SignOfLife {
  visitor: string;
  scope: string;
  /** When the visitor is gone unless another sign comes. Signs whose time is over change nothing. */
  until: number;
  at: number;
}

export interface PresenceChange {
  visitor: string;
  scope: string;
  at: number;
}

export interface Allowance {
  allowed: boolean;
  remaining: number;
  /** Until the window ends. */
  resetMs: number;
}

export interface Report {
  /** Which process tells it: a name that no other has. */
  instance: string;
  /** JSON text. */
  facts: string;
}

export interface LiveOptions {
  /** The clock that decides whether a sign's time is over. ms since the epoch. */
  now?: () => number;
  /** Told of what has no caller: a listener that threw. Default: a process warning. */
  onError?: (error: Error) => void;
  /** PEM of authorities to trust, beside those that come with Node, where the URL says TLS. */
  ca?: string | undefined;
}

export class LiveStoreError extends Error {
  override readonly name = 'LiveStoreError';
  readonly code: 'unavailable' | 'closed';
  readonly retryable: boolean;

  constructor(code: LiveStoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'unavailable';
  }
}
