/**
 * The live store: who is online, how many came today, who listens, who asks too often. All of it may be lost at any
 * moment and is rebuilt from traffic and from the other stores; nothing that must last is kept here.
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
  /** Removes who has given no sign of life until `now`. Each is answered once, whoever asks. */
  expire(now: number): Promise<PresenceChange[]>;
  online(scope: string): Promise<number>;

  /** Adds visitors to the HyperLogLog counter of a day (`YYYY-MM-DD`) and scope. Counters live for two days. */
  countVisitors(day: string, scope: string, visitors: string[]): Promise<void>;
  visitorsOf(day: string, scope: string): Promise<number>;

  publish(channel: string, message: string): Promise<void>;
  /** Answers a function that ends the subscription. A listener must not throw. */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>;

  /** Takes `points` of `limit` a window from `key`'s allowance. */
  take(key: string, points: number, limit: number, windowMs: number): Promise<Allowance>;

  /** A small cache. Values expire after `ttlMs`; the oldest go first when it is full. */
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

export interface LiveOptions {
  /** The clock that decides whether a sign's time is over. ms since the epoch. */
  now?: () => number;
  /** Told of what has no caller: a listener that threw. Default: a process warning. */
  onError?: (error: Error) => void;
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
