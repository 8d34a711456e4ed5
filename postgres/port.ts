/**
 * The session store: who is who, when they signed up, how far each partition has been counted, and the reference
 * data of the platform (divisions and communities).
 *
 * Every method may be called concurrently. None retries; whoever calls decides by {@link SessionStoreError.retryable}.
 */
import type { DropReason, SetAsideReason } from '../contract/outcome.ts';

export interface SessionStore {
  /**
   * Makes the owner the only one who may count the partition, and answers the last range that was counted of it;
   * undefined before the first. A batch of the owner before is either applied by then, or never will be.
   */
  claim(claim: Claim): Promise<Checkpoint | undefined>;

  /** The last range that was counted, as {@link claim}. Rejects with code `fenced` when somebody else has claimed it since. */
  checkpoint(claim: Claim): Promise<Checkpoint | undefined>;

  /** Rejects with code `fenced` unless all these claims, each of another partition, hold. */
  confirm(claims: Claim[]): Promise<void>;

  /**
   * One transaction: moves the checkpoint of every range, upserts the sessions, sets conversions, adds to the ledger.
   * All of it or nothing. Rejects with code `fenced` when a claim does not hold any more, or when a checkpoint is not
   * where its range begins: somebody else counted it; with code `outdated` when there is an erasure that the batch does not know of.
   *
   * Where the answer to the commit is lost it rejects with code `unavailable` though all of it may stand. A repetition is
   * then `fenced`; the checkpoint says which.
   */
  applyBatch(batch: Batch): Promise<Applied>;

  /** What was counted of the hours that begin in [from, to), by hour, partition and entry. Instants are ms since the epoch. */
  ledger(from: number, to: number): Promise<LedgerEntry[]>;

  /** Deletes what the ledger has of hours before `instant`. */
  forgetLedgerBefore(instant: number): Promise<void>;

  /** How far each partition has been counted, ordered by partition. */
  progress(): Promise<PartitionProgress[]>;

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

  /**
   * Lends every row as of one moment, which {@link Snapshot.take} chooses, for as long as `work` runs. Writers go on. Rejects with code
   * `unavailable` when the connection is lost.
   */
  withSnapshot<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T>;

  /** Whether there is any visitor of whom {@link lookUp} says that it is known as another. */
  hasAliases(): Promise<boolean>;
  /** Of each that is asked for, in any order. */
  lookUp(names: VisitorNames[]): Promise<KnownVisitor[]>;

  /** Deletes sessions last seen before `instant`, and aliases of them. Answers how many. */
  deleteSessionsIdleSince(instant: number): Promise<number>;

  readonly erasures: ErasureStore;

  /** What fingerprints of a day (`YYYY-MM-DD`) are hashed with: the same for all who ask, made for the first. */
  visitorSalt(day: string): Promise<string>;
  /** Those that are not destroyed, the latest day first. */
  visitorSalts(): Promise<string[]>;
  /** Destroys those of days before `day`. Answers how many. */
  destroySaltsBefore(day: string): Promise<number>;

  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Hashes of a visitor's fingerprint. */
export interface VisitorNames {
  visitor: string;
  /** Under the secret before, while that is known; null else. */
  before: string | null;
}

export interface KnownVisitor {
  visitor: string;
  /** By the alias that there is; null where there is none. */
  knownAs: string | null;
  /** What there is by either hash: null where there is an alias, and where the one before was not given. */
  either: {
    hasSession: boolean;
    /** The hash of before, or what that in turn is an alias of. */
    before: string;
    beforeHasSession: boolean;
  } | null;
}

/** A visitor's hash, and the one that sessions and raw know them by, since they came before the secret was changed. */
export interface Alias {
  visitor: string;
  knownAs: string;
}

/** What was erased on somebody's request, and what is still to be. Instants are ms since the epoch. */
export interface ErasureStore {
  /**
   * Deletes the sessions of the subjects, by all hashes that they have had, and notes how far every partition has been counted by then: batches that do not know of this
   * erasure are refused from now on.
   */
  begin(request: ErasureRequest): Promise<Erasure>;
  /** What those who count have to know. */
  known(): Promise<KnownErasures>;
  /** In the order in which they were begun. */
  unfinished(): Promise<UnfinishedErasure[]>;
  /** Notes what raw has, and adds it to the ledger as `erased`: once, though it may be told again. */
  noteFound(id: string, found: Found): Promise<void>;
  complete(id: string, receipt: Receipt, at: number): Promise<void>;
  /** Forgets whose erasures those were that were completed before `instant`. */
  forgetSubjectsBefore(instant: number): Promise<void>;
  get(id: string): Promise<Erasure | undefined>;
  /** The latest first. */
  list(limit: number): Promise<Erasure[]>;
  sessionsOf(subjects: Subjects): Promise<VisitorSession[]>;
}

export interface Subjects {
  /** Keys: the first 16 hex digits of hashes. */
  visitors: string[];
  userId: string | null;
}

export interface ErasureRequest extends Subjects {
  id: string;
  kind: 'visitor' | 'user';
  requestedBy: string;
  requestedAt: number;
}

export interface Erasure extends Omit<ErasureRequest, keyof Subjects> {
  /** Each has a higher one than those before. */
  number: number;
  /** That were deleted. */
  sessions: number;
  receipt: Receipt | null;
  completedAt: number | null;
}

/** Whose data was erased, and up to where: partition -> offset after the last that was counted. */
export interface Erased extends Subjects {
  requestedAt: number;
  counted: Map<number, number>;
}

export interface KnownErasures {
  /** Number of the last; 0 before the first. */
  last: number;
  /** Of which events may still come. */
  erased: Erased[];
}

export interface UnfinishedErasure extends Erasure, Erased {
  /** Null before {@link ErasureStore.noteFound}. */
  found: Found | null;
}

/** Events of the subjects in raw. */
export interface Found {
  events: number;
  days: string[];
  /** By hour of receipt (its first instant) and partition. */
  hours: { hour: number; partition: number; events: number }[];
}

/** What was removed, by store; nothing in it says of whom. */
export type Receipt = Record<string, number | string>;

export interface VisitorSession {
  fingerprint: string;
  sessionId: string;
  userId: string | null;
  pageViews: number;
  firstSeen: number;
  lastSeen: number;
  convertedAt: number | null;
}

export interface Snapshot {
  /** To be called first, once. */
  take(): Promise<void>;
  /** Version of the schema. */
  version(): Promise<number>;
  /** Names of the tables. */
  tables(): Promise<string[]>;
  /** Every row of a table as JSON, by column, without line breaks. One table at a time. */
  rows(table: string): AsyncIterable<string>;
  progress(): Promise<PartitionProgress[]>;
}

export const LOCKS = { ingest: 1, cleanup: 2, intervals: 3, presence: 4, erasures: 5, backup: 6 } as const;
export type LockName = keyof typeof LOCKS;

/** Offsets [firstOffset, nextOffset) of a partition of the log. */
export interface OffsetRange {
  partition: number;
  firstOffset: number;
  nextOffset: number;
}

/** The last range of a partition that was counted. */
export interface Checkpoint extends OffsetRange {
  /** Which log the offsets are of, as the log says; missing where that is not known. */
  logIdentity?: string | undefined;
}

/** Who counts a partition. Each time a partition is taken over, it is by an owner of another name. */
export interface Claim {
  partition: number;
  owner: string;
}

export interface Batch {
  ranges: CountedRange[];
  sessions: SessionDelta[];
  /** To be noted: those that are there stay as they are. */
  aliases?: Alias[];
  /** Distinct by hour, partition and name. */
  ledger: LedgerEntry[];
  /** Number of the last erasure that was known when the batch was made. */
  lastErasure: number;
}

export interface Applied {
  /**
   * Visitors who signed in for the first time in this batch, having come without a user. Not those of whom older history
   * shows only now that they had. Sessions have them all.
   */
  conversions: number;
}

interface CountedRange extends Checkpoint, Claim {
  /** Latest receipt in the range, ms since the epoch; null when nothing in it can be read. */
  receivedUntil: number | null;
}

/** How many lines of the log came out so, of those received in an hour. */
export interface LedgerEntry {
  /** Its first instant, ms since the epoch. */
  hour: number;
  partition: number;
  /** `accepted`: events in the log. The others: why some of them are not counted, or why beacons are not in the log. */
  name: 'accepted' | SetAsideReason | DropReason;
  amount: number;
}

export interface PartitionProgress extends Pick<Checkpoint, 'logIdentity'> {
  partition: number;
  nextOffset: number;
  /** Latest receipt that was counted, ms since the epoch; null before the first. */
  receivedUntil: number | null;
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
  readonly code: 'unavailable' | 'conflict' | 'fenced' | 'outdated' | 'invalid' | 'newer_schema' | 'failed';
  readonly retryable: boolean;

  constructor(code: SessionStoreError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'unavailable' || code === 'conflict';
  }
}
