/**
 * The spool: takes the frames that the log does not take, on local disk, and gives them to the log when it is back.
 *
 * Why. An acknowledged beacon must never be lost, and beacons must be taken while every broker is away. So there are two
 * durable places behind one port, and whoever appends knows nothing of it.
 *
 * What it trades. A frame whose append the log did not answer may be in both places: the log may have it twice, and
 * who reads the log drops repeats. Frames that come after an outage overtake those that waited: order holds within
 * what was never spooled and within what was, not between them. Space on disk is used again, not given back.
 *
 * States of a partition
 * - direct: frames go to the log. Left for `spooling` when the log rejects a frame of it and a repeat may help, or
 *   when a frame of any partition has waited for `stallMs`: then what waits goes to the spool, and all that come.
 * - spooling: frames go to the spool, at once. Meanwhile the replay offers the log the oldest, after growing pauses.
 *   Left for `direct` with evidence that the log takes frames ({@link Trust}), whatever the spool still holds.
 * States of the whole, as {@link EventLog.backlog} says: `spooling` while a partition is, `replaying` while frames wait in
 * the spool though none is, `direct` when none wait.
 *
 * States of a frame in the spool: durable, acknowledged -> offered to the log -> in the log -> committed by the
 * replay -> removed. Any end of the process leaves it in one of these, and the next start goes on from there.
 *
 * Full (`maxBytes` of the spool): appends reject with `full`; what was taken stays.
 *
 * Processes. Any number of collectors may share a spool; one of them replays for all ({@link Replay}).
 * Everything but appends is the log's own: subscriptions, lag, dead letters.
 */
import type { EmbeddedLog } from './lmdb-log.ts';
import {
  type Backlog,
  type DeadLetter,
  type EventLog,
  type LogConsumer,
  LogError,
  type LogTrouble,
  type PartitionLag,
  type Subscription,
} from './port.ts';
import { Attempts } from './spool-attempts.ts';
import { REPLAY_GROUP, Replay } from './spool-replay.ts';
import { Trust } from './spool-trust.ts';
import { within } from './within.ts';

const STALL_MS = 2_000;
const SLOW_MS = 250;
const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 5_000;
const LEASE_MS = 10_000;
const WATCH_MS = 500;
const MAX_HANGING_BYTES = 64 * 1024 ** 2;

/** Times in milliseconds. */
export interface SpoolOptions {
  /** A log that has not answered for so long stalls; default 2,000. */
  stallMs?: number;
  /** The replay waits while a live frame waits for longer; default 250. */
  slowMs?: number;
  /** Before the log is tried again, doubling; defaults 250 and 5,000. */
  firstPauseMs?: number;
  maxPauseMs?: number;
  /** How long a process that was killed may keep others from replaying; default 10,000. */
  leaseMs?: number;
  /** How often the spool is looked at; default 500. */
  watchMs?: number;
  /** The log is not tried while it owes answers to this many bytes that were given up; default 64 MiB. */
  maxHangingBytes?: number;
  onTrouble(trouble: LogTrouble): void;
}

/** @param spool of as many partitions as the log; both are closed with the result */
export function spooled(log: EventLog, spool: EmbeddedLog, options: SpoolOptions): EventLog {
  if (log.partitions !== spool.partitions) {
    throw new RangeError(`the log has ${log.partitions} partitions, its spool ${spool.partitions}`);
  }
  return new SpooledLog(log, spool, options);
}

class SpooledLog implements EventLog {
  readonly partitions: number;
  readonly #log: EventLog;
  readonly #spool: EmbeddedLog;
  readonly #report: (trouble: LogTrouble) => void;
  readonly #stallMs: number;
  readonly #watchMs: number;
  readonly #trust: Trust;
  readonly #attempts: Attempts;
  readonly #replay: Replay;
  readonly #pendingAppends = new Set<Promise<unknown>>();
  #toldState: Backlog['state'] = 'direct';
  #toldFailure: string | undefined;
  #lastFailure: LogError | undefined;
  #held: ReturnType<EmbeddedLog['holds']>;
  #spooled = 0;
  /** Frames on their way to the spool, which does not show them yet. */
  #spooling = 0;
  #probe: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void>;
  #closing: Promise<void> | undefined;

  constructor(log: EventLog, spool: EmbeddedLog, options: SpoolOptions) {
    const { firstPauseMs = FIRST_PAUSE_MS, maxPauseMs = MAX_PAUSE_MS, slowMs = SLOW_MS } = options;
    const { leaseMs = LEASE_MS, maxHangingBytes = MAX_HANGING_BYTES } = options;
    this.partitions = log.partitions;
    this.#log = log;
    this.#spool = spool;
    this.#report = options.onTrouble;
    this.#stallMs = options.stallMs ?? STALL_MS;
    this.#watchMs = options.watchMs ?? WATCH_MS;
    const trust = new Trust(log.partitions, { firstPauseMs, maxPauseMs });
    const attempts = new Attempts(log, {
      stallMs: this.#stallMs,
      maxHangingBytes,
      onTaken: () => trust.noteTaken(),
      onGivingUp: (partition, error) => {
        this.#lastFailure = error;
        trust.withdraw(partition);
      },
    });
    this.#trust = trust;
    this.#attempts = attempts;
    this.#replay = new Replay({ spool, attempts, trust, leaseMs, slowMs });
    this.#held = spool.holds(REPLAY_GROUP);
    this.#looking = this.#look();
  }

  identity(): Promise<string | undefined> {
    return this.#log.identity();
  }

  append(partition: number, frame: Buffer): Promise<number | undefined> {
    if (this.#closing !== undefined) return Promise.reject(this.#closedError());
    const durable = this.#trust.has(partition)
      ? this.#direct(partition, frame)
      : this.#toSpool(partition, frame);
    return this.#track(durable);
  }

  subscribe(group: string, consumer: LogConsumer): Promise<Subscription> {
    return this.#log.subscribe(group, consumer);
  }

  deadLetter(letter: DeadLetter): Promise<void> {
    return this.#log.deadLetter(letter);
  }

  deadLetters(): AsyncIterable<DeadLetter> {
    return this.#log.deadLetters();
  }

  lag(group: string): Promise<PartitionLag[]> {
    return this.#log.lag(group);
  }

  /** Frames are taken while one of the two can. */
  async ping(): Promise<void> {
    if (this.#closing !== undefined) throw this.#closedError();
    try {
      if (this.#trust.isComplete) return await within(this.#stallMs, 'a ping', this.#log.ping());
    } catch (error) {
      if (!(error instanceof LogError)) throw error;
    }
    await this.#spool.ping();
  }

  backlog(): Backlog {
    if (this.#closing === undefined) this.#held = this.#spool.holds(REPLAY_GROUP);
    return {
      state: this.#state(),
      ...this.#held,
      spooled: this.#spooled,
      replayed: this.#replay.replayed,
    };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #direct(partition: number, frame: Buffer): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      this.#attempts.append(partition, frame, {
        isLive: true,
        taken: resolve,
        givenUp: (untaken) => resolve(this.#toSpool(partition, untaken)),
        refused: reject,
      });
    });
  }

  async #toSpool(partition: number, frame: Buffer): Promise<undefined> {
    this.#spooling += 1;
    try {
      await this.#spool.append(partition, frame);
      this.#spooled += 1;
    } finally {
      this.#spooling -= 1;
    }
  }

  get #nothingWaits(): boolean {
    return this.#spooling === 0 && this.#spool.holds(REPLAY_GROUP).frames === 0;
  }

  #state(): Backlog['state'] {
    if (!this.#trust.isComplete) return 'spooling';
    return this.#held.frames > 0 ? 'replaying' : 'direct';
  }

  /** Looks after the spool, again and again. */
  async #look(): Promise<void> {
    try {
      await this.#tend();
      this.#toldFailure = undefined;
    } catch (cause) {
      this.#tellFailure(cause);
    }
    this.#tell();
    if (this.#closing !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#looking = this.#look();
    }, this.#watchMs);
  }

  async #tend(): Promise<void> {
    this.#trust.review(await this.#spool.lag(REPLAY_GROUP));
    this.#held = this.#spool.holds(REPLAY_GROUP);
    // Also until what was replayed is removed: that is the work of who is subscribed.
    await this.#replay.tend(this.#held.bytes > 0 || this.#held.frames > 0);
    if (!this.#trust.isComplete && this.#attempts.mayTry && this.#nothingWaits) this.#askLog();
  }

  /** One ping at a time, however long it takes. */
  #askLog(): void {
    this.#probe ??= this.#log
      .ping()
      .then(
        () => {
          if (this.#closing === undefined && this.#nothingWaits) this.#trust.restoreAll();
        },
        (error: LogError) => {
          this.#lastFailure = error;
        },
      )
      .finally(() => {
        this.#probe = undefined;
      });
  }

  /** Once, however often it fails in the same way. */
  #tellFailure(cause: unknown): void {
    const message = `spool: ${cause instanceof Error ? cause.message : cause}`;
    if (message !== this.#toldFailure) this.#report({ kind: 'store_failed', message, cause });
    this.#toldFailure = message;
  }

  /** Once a change, however many frames go which way. */
  #tell(): void {
    const state = this.#state();
    if (state === this.#toldState) return;
    this.#toldState = state;
    const waiting = `${this.#held.frames} frames, ${this.#held.bytes} bytes`;
    if (state === 'spooling') {
      const why = this.#lastFailure?.message ?? 'it is away';
      const message = `the log takes no frames, they go to the spool: ${why}`;
      this.#report({ kind: 'spooling', message, cause: this.#lastFailure });
    } else if (state === 'replaying') {
      this.#report({ kind: 'replaying', message: `the log takes frames; the spool still holds ${waiting}` });
    } else {
      this.#report({ kind: 'replayed', message: 'the spool is empty' });
    }
  }

  /** What the log answers in time is there, the rest goes to the spool: whoever waits for an append learns which. */
  async #close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#replay.stop();
    await this.#looking;
    await Promise.allSettled(this.#pendingAppends);
    // Each is closed whatever becomes of the others. What fails here costs nothing that was acknowledged.
    await this.#replay.close().catch((cause: unknown) => this.#tellFailure(cause));
    await this.#spool.close();
    const logClosed = within(this.#stallMs, 'closing the log', this.#log.close());
    await logClosed.catch((cause: unknown) => this.#tellFailure(cause));
  }

  async #track<T>(append: Promise<T>): Promise<T> {
    this.#pendingAppends.add(append);
    try {
      return await append;
    } finally {
      this.#pendingAppends.delete(append);
    }
  }

  #closedError(): LogError {
    return new LogError('closed', 'the log is closed');
  }
}
