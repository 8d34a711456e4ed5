/**
 * The session store: who is who, when they signed up, how far each partition has been counted, and the reference
 * data of the platform (divisions and communities).
 *
 * Every method may be called concurrently. None retries; whoever calls decides by {@link SessionStoreError.retryable}.
 */

export interface SessionStore {
  /**
   * One transaction: moves the checkpoint of every range, upserts the sessions, sets conversions. All of it or
   * nothing. Rejects with code `fenced` when a checkpoint is not where its range begins: somebody else counted it.
   *
   * Where the answer to the commit is lost it rejects with code `unavailable` though all of it may stand. A repetition is
   * then `fenced`; the checkpoint says which.
   */
  applyBatch(ranges: OffsetRange[], sessions: SessionDelta[]): Promise<void>;

  /** The last range that was counted of a partition; undefined before the first. */
  checkpoint(partition: number): Promise<OffsetRange | undefined>;

  /**
   * Holds a lock across all instances while `work` runs. Inserters take `ingest` shared; whoever
   * replaces partitions of derived tables takes it exclusively. Waits until it gets it.
   *
   * The lock lives as long as a connection: when that dies, others may get the lock while `work` still runs. The holder
   * is told only at the end, by a rejection with code `unavailable`. So `work` must not rely on the lock alone for what
   * may never happen twice.
   */
  withLock<T>(lock: LockName, mode: 'shared' | 'exclusive', work: () => Promise<T>): Promise<T>;

  /** Conversions whose instant is in [from, to), by day of `timeZone`. Instants are ms since the epoch. */
  conversions(from: number, to: number, timeZone: string): Promise<ConversionSummary>;

  divisions(): Promise<Division[]>;
  communities(): Promise<Community[]>;
  /** Inserts or replaces by id, in one transaction; nothing is taken when one row is refused. */
  saveDivisions(rows: Division[]): Promise<void>;
  saveCommunities(rows: Community[]): Promise<void>;

  /** Deletes sessions last seen before `instant`. Answers how many. */
  deleteSessionsIdleSince(instant: number): Promise<number>;

  ping(): Promise<void>;
  close(): Promise<void>;
}

export const LOCKS = { ingest: 1, cleanup: 2, migrate: 3 } as const;
export type LockName = keyof typeof LOCKS;

/** Offsets [firstOffset, nextOffset) of a partition of the log. */
export interface OffsetRange {
  partition: number;
  firstOffset: number;
  nextOffset: number;
}

/** What a batch says of one visitor. Instants are ms since the epoch. */
export interface SessionDelta {
  /** HMAC of the fingerprint, 64 hex digits. */
  fingerprint: string;
  firstSeen: number;
  lastSeen: number;
  pageViews: number;
  /** The last one the batch names; empty when it names none. */
  sessionId: string;
  /** The last user the batch names; null when it names none. */
  userId: string | null;
  /** First instant in the batch at which the visitor was signed in; null when never. */
  firstSignedInAt: number | null;
  /** Whether the visitor's first event in the batch had no user. */
  beganAnonymous: boolean;
}

export interface ConversionSummary {
  conversions: number;
  /** Sessions first seen in the range that began without a user. */
  anonymousSessions: number;
  /** Mean of converted_at - first_seen, seconds; 0 when there are none. */
  meanSecondsToConversion: number;
  byDay: { day: string; conversions: number }[];
}

export interface Division {
  id: string;
  name: string;
  type: string;
  parentId: string | null;
  /** ISO 3166-1 alpha-2. */
  country: string;
}

export interface Community {
  id: string;
  name: string;
  divisionId: string | null;
}

export class SessionStoreError extends Error {
  override readonly name = 'SessionStoreError';
  readonly code: 'unavailable' | 'conflict' | 'fenced' | 'invalid' | 'failed';
  readonly retryable: boolean;

  constructor(code: SessionStoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'unavailable' || code === 'conflict';
  }
}
