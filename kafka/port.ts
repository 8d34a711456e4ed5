/**
 * The event log: what stands between the collector and the stores, so that neither waits for the other.
 *
 * Rules for every engine
 * - A frame is NDJSON, one event a line, at most {@link MAX_FRAME_BYTES}. The log never looks inside.
 * - Offsets of a partition rise by one a frame. `nextOffset` is always the offset after the last one.
 * - Engines do not retry. Whoever calls decides by {@link LogError.retryable}.
 */

/** The group on whose behalf pipelines read. */
export const PIPELINE_GROUP = 'footfall-pipeline';
/** On whose behalf they read for live numbers: who is online is known before the stores have counted it. */
export const LIVE_GROUP = 'footfall-live';

export const MAX_FRAME_BYTES = 1024 * 1024;
/** How long a dead letter is kept: somebody may look at it, and it may name a person. */
export const LETTER_RETENTION_MS = 14 * 86_400_000;

export interface EventLog {
  readonly partitions: number;

  /**
   * Which log this is, so that offsets of one are never taken for those of another: every handle on a log answers the same, also on a
   * copy of it, and one that was removed and made again answers something else. Asked anew each time, since that may happen while the
   * handle is open. Undefined where the engine cannot tell. Rejects with a {@link LogError}.
   */
  identity(): Promise<string | undefined>;

  /**
   * Resolves with the frame's offset once it is durable; without one where it waits in a spool and gets its offset
   * later. May be called concurrently; frames of one partition keep the order of the calls. The frame must not change
   * until then. Rejects with a {@link LogError}: then the frame may or may not be in the log.
   */
  append(partition: number, frame: Buffer): Promise<number | undefined>;

  /**
   * Reads on behalf of `group` until the subscription is closed. Partitions are shared between the
   * subscribers of a group; one partition has one reader at a time.
   */
  subscribe(group: string, consumer: LogConsumer): Promise<Subscription>;

  /** Keeps, durably, what could not be read. The same (partition, offset, index) again replaces the first. */
  deadLetter(letter: DeadLetter): Promise<void>;

  /** The dead letters that are kept, ordered by partition, offset, index. Those that arrive meanwhile may be missing. */
  deadLetters(): AsyncIterable<DeadLetter>;

  /** How far `group` is behind, a row a partition. */
  lag(group: string): Promise<PartitionLag[]>;

  /** Rejects with a {@link LogError} that says in words why the log cannot take a frame now. */
  ping(): Promise<void>;

  /** What was acknowledged and waits in a spool; {@link NO_BACKLOG} of an engine that has none. */
  backlog(): Backlog;

  /** Waits for pending appends, ends the subscriptions, releases everything. Idempotent. */
  close(): Promise<void>;
}

export interface LogConsumer {
  /**
   * A consumer that can do with what it has had offered again says how much later than its batch an offset may be
   * committed, while more batches follow: each commit is a synced write, which appends wait for. Default 0: every batch is
   * committed before the next.
   */
  commitWithinMs?: number;

  /**
   * Called before the first batch of a partition. Answers the offset to read from; `committed` where the consumer
   * has no better knowledge. Rejects: tried again after a back-off, reading does not start.
   */
  assigned(partition: number, committed: number): Promise<number>;

  /**
   * The next frames of a partition, oldest first, never empty. One call at a time a partition, partitions side by
   * side. Once it resolves, `batch.nextOffset` is committed. Rejects: the same frames come again after a back-off.
   * `signal` aborts when the partition is taken away: the work is to be dropped, nothing will be committed.
   */
  batch(batch: LogBatch, signal: AbortSignal): Promise<void>;

  /** Told of every offset that was committed, with how long that took. Must not throw. */
  committed?(commit: OffsetCommit): void;

  /** The partition is no longer ours. No call for it is running. */
  revoked(partition: number): void;
}

export interface OffsetCommit {
  partition: number;
  nextOffset: number;
  /** Repeats included. */
  seconds: number;
}

export interface LogBatch {
  partition: number;
  firstOffset: number;
  nextOffset: number;
  frames: Frame[];
}

export interface Frame {
  offset: number;
  /** Not to be changed: another group may have the same. */
  body: Buffer;
}

export interface Subscription {
  /** Lets running batches end, commits them, then reads no more. */
  close(): Promise<void>;
}

export interface DeadLetter {
  partition: number;
  offset: number;
  /** Line within the frame, from 0; -1 for the whole frame. */
  index: number;
  reason: string;
  body: Buffer;
}

export interface PartitionLag {
  partition: number;
  committed: number;
  end: number;
}

export interface Backlog {
  /** `direct`: nothing waits. `spooling`: the log does not take frames. `replaying`: it does, and older ones follow. */
  state: 'direct' | 'spooling' | 'replaying';
  /** Frames that are not in the log yet. */
  frames: number;
  /** Bytes that the spool holds. */
  bytes: number;
  /** With so many it refuses; 0 where there is no spool. */
  maxBytes: number;
  /** Frames that this handle put into the spool, and those that it took from there to the log. */
  spooled: number;
  replayed: number;
}

export const NO_BACKLOG: Backlog = {
  state: 'direct',
  frames: 0,
  bytes: 0,
  maxBytes: 0,
  spooled: 0,
  replayed: 0,
};

/** Something a person should know of. The log goes on, unless `kind` says otherwise. */
export interface LogTrouble {
  /**
   * `gap`: the offset asked for was removed by retention, reading starts at the first one there is.
   * `beyond_end`: the offset asked for was never written, so this is not the log that was read before. The
   * partition is not read until the process starts again: going on could skip frames.
   * `consumer_failed`: the consumer rejected; it is offered the same again after a back-off.
   * `store_failed`: the log could not read, commit or remove; it tries again after a back-off.
   * `unopened`: the log could not be opened; it is tried again after a pause.
   * `spooling`: the log does not take frames, they go to the spool.
   * `replaying`: the log takes frames again, those of the spool follow. `replayed`: the spool is empty.
   * `topic_config`: a topic is set up so that it may lose frames or refuse them; names the setting and what to do.
   */
  kind:
    | 'gap'
    | 'beyond_end'
    | 'consumer_failed'
    | 'store_failed'
    | 'unopened'
    | 'spooling'
    | 'replaying'
    | 'replayed'
    | 'topic_config';
  message: string;
  group?: string;
  partition?: number;
  cause?: unknown;
}

/** What is done with trouble that nobody listens to: a warning of the process. */
export function warnOfTrouble({ message, kind }: LogTrouble): void {
  process.emitWarning(message, { type: 'LogTrouble', code: kind });
}

/** How brokers are met; without it plainly, and by nobody in particular. */
export interface BrokerAccess {
  tls?: boolean;
  /** PEM of authorities to trust beside those that come with Node. */
  ca?: string | undefined;
  login?:
    | { mechanism: 'scram-sha-512' | 'scram-sha-256' | 'plain'; username: string; password: string }
    | undefined;
}

/** Ages and intervals in milliseconds. */
export interface LogOptions {
  /** Fixed when the log is created. */
  partitions: number;
  /** Frames that every group has committed are removed when older than this, ... */
  retentionMs: number;
  /** ... or when the log holds more than this; 0 and more, below `maxBytes`. */
  retentionBytes: number;
  /** A log that holds this much refuses appends with `full`: frames that nobody has consumed are never removed. */
  maxBytes: number;
  /** Wall clock; default `Date.now`. */
  now?: () => number;
  /** How often an idle reader looks for news; default 10. */
  pollMs?: number;
  /** A batch ends with the frame that reaches this size; default 4 MiB. */
  batchBytes?: number;
  /** How often frames are removed; default 5,000. */
  retentionIntervalMs?: number;
  /** A write that takes longer fails the appends that wait for it with `unavailable`; default 10,000. */
  writeTimeoutMs?: number;
  /** Default: {@link warnOfTrouble}. */
  onTrouble?: (trouble: LogTrouble) => void;
  /** Of the log on Kafka. */
  access?: BrokerAccess;
}

export class LogError extends Error {
  override readonly name = 'LogError';
  readonly code:
    | 'unavailable'
    | 'full'
    | 'frame_too_large'
    | 'closed'
    | 'wrong_partitions'
    | 'newer_layout'
    | 'already_subscribed';
  readonly retryable: boolean;

  constructor(code: LogError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = code === 'unavailable' || code === 'full';
  }
}
