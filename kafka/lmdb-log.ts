/**
 * The embedded event log: an LMDB environment and segments in one folder, used by several processes of one machine at once.
 *
 * Why. A single machine should need no broker, yet an acknowledged beacon must survive `kill -9` and a power cut.
 * LMDB is a copy-on-write B+tree: a transaction is made durable by one synced write of a meta page and is otherwise
 * as if it had never been, so there is no log to replay at the start and no torn tail to cut off. Its write lock is a
 * robust mutex in shared memory: when its holder is killed, the next writer takes it over.
 *
 * What it trades. One writer at a time on the machine; throughput comes from group commit ({@link AppendQueue}).
 * Readers of other processes poll. The file keeps its largest size: removed pages are used again, not given back.
 * `maxBytes` counts bodies; rows, and segments of which a part is still needed, come on top.
 *
 * Bodies of more than a KiB lie in segments: files that one process appends to, and that go as a whole when none of their frames is
 * left. In LMDB such a body has pages of its own, and once frames are removed at the rate at which they come, every commit pays for the
 * list of all free pages, which grows: 2.7 times the processor time of an append within a minute (`npm run bench:retention`).
 *
 * Layout. The databases in `data.mdb` (numbers in keys are big-endian, so that they sort):
 *   frames   partition, offset, stored at, size -> the body,    starts   partition -> first offset there
 *            or where it lies in which segment                  segments segment -> frames ever appended to it
 *   letters  partition, offset, index, stored at, size -> body  ends     partition -> offset after the last
 *   offsets  [partition, group] -> offset to read next          totals   frames and bytes ever stored
 *   layout   version, partitions, segments there were           removed  bytes ever removed, versioned
 *   probes   what a ping writes after a failed append           leases   duty -> holder, until when
 *   released segment -> frames removed from it
 *   head     changes -> nothing, versioned: rises whenever `ends` or `totals` change, or a segment is dropped
 *   identity what tells this log and its copies from any other; made by chance
 * and the files in `segments/`, named by their numbers. A body is durable there before the transaction with its row begins.
 * Offsets are allotted from `ends`, and the transaction is void where `head` has risen since those were read: processes that
 * append at once never share one.
 * `totals` belongs to those who append, `removed` to retention, so that neither needs the other's lock to count.
 *
 * States of a frame: appended (durable, acknowledged) -> consumed (every known group has committed past it) -> removed
 * (by age or size). One that some group has yet to read is never removed: a log that nobody empties becomes full and
 * says so. A group is known from its first subscription on, for ever.
 *
 * Processes. Any number may append. A group has one subscriber on the machine at a time: within a process the second
 * is refused; across processes it is the operator's rule, as there is no lock that a killed process could leave
 * behind. Were it broken, both would read every frame. Only a process with a subscription removes frames.
 */
import { AppendQueue } from './lmdb-append.ts';
import { putLetter, readLetters } from './lmdb-dead-letters.ts';
import { giveBackLease, takeLease } from './lmdb-lease.ts';
import { lagOf } from './lmdb-offsets.ts';
import { Retention } from './lmdb-retention.ts';
import { type LmdbStore, openStore } from './lmdb-store.ts';
import { startSubscription } from './lmdb-subscription.ts';
import {
  type Backlog,
  type DeadLetter,
  type EventLog,
  type LogConsumer,
  LogError,
  type LogOptions,
  type LogTrouble,
  NO_BACKLOG,
  type PartitionLag,
  type Subscription,
  warnOfTrouble,
} from './port.ts';

const POLL_MS = 10;
/**
 * Of the batches of all partitions, however many there are: 45,000 events, a unit of the pipeline. More would make it no cheaper, and is
 * memory while counting is behind.
 */
const OFFERED_BYTES = 15 * 1024 ** 2;
const LEAST_BATCH_BYTES = 128 * 1024;
const RETENTION_INTERVAL_MS = 5_000;
const WRITE_TIMEOUT_MS = 10_000;

/** Path and group of every subscription of this process. */
const subscribed = new Set<string>();

/** What the embedded log can do beyond the port, for whoever uses it as a spool. */
export interface EmbeddedLog extends EventLog {
  /** Frames that `group` has yet to read, and the bytes of all that is there, which `maxBytes` limits. */
  holds(group: string): { frames: number; bytes: number; maxBytes: number };
  /**
   * Takes a duty that one process on the machine may have at a time, or keeps it: says whether it is `holder`'s for
   * the next `forMs`. A holder that was killed blocks the others no longer than that.
   *
   * @throws LogError `unavailable`
   */
  lease(duty: string, holder: string, forMs: number): Promise<boolean>;
  /** @throws LogError `unavailable` */
  giveBack(duty: string, holder: string): Promise<void>;
}

/**
 * @param path absolute; made when missing
 * @throws RangeError, LogError `wrong_partitions`, `newer_layout`, `unavailable`
 */
export function openLmdbLog(path: string, options: LogOptions): EmbeddedLog {
  checkOptions(options);
  return new LmdbLog(openStore(path, options.partitions), options);
}

class LmdbLog implements EmbeddedLog {
  readonly partitions: number;
  readonly #store: LmdbStore;
  readonly #options: LogOptions;
  readonly #now: () => number;
  readonly #appends: AppendQueue;
  readonly #subscriptions = new Set<Subscription>();
  #retention: Retention | undefined;
  readonly #pendingCalls = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(store: LmdbStore, options: LogOptions) {
    this.partitions = store.partitions;
    this.#store = store;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#appends = new AppendQueue(store, {
      maxBytes: options.maxBytes,
      writeTimeoutMs: options.writeTimeoutMs ?? WRITE_TIMEOUT_MS,
      now: this.#now,
    });
  }

  async identity(): Promise<string> {
    this.#mustBeOpen();
    return this.#store.identity;
  }

  async append(partition: number, frame: Buffer): Promise<number> {
    this.#mustBeOpen();
    this.#mustExist(partition);
    return this.#track(this.#appends.append(partition, frame));
  }

  async subscribe(group: string, consumer: LogConsumer): Promise<Subscription> {
    this.#mustBeOpen();
    const { path } = this.#store;
    const name = `${path}\n${group}`;
    if (subscribed.has(name)) {
      const message = `${path}: group ${group} has a subscriber in this process`;
      throw new LogError('already_subscribed', message);
    }
    subscribed.add(name);
    try {
      return await this.#track(this.#start(group, consumer, name));
    } catch (error) {
      subscribed.delete(name);
      throw error;
    }
  }

  async deadLetter(letter: DeadLetter): Promise<void> {
    this.#mustBeOpen();
    this.#mustExist(letter.partition);
    await this.#track(putLetter(this.#store, letter, this.#now()));
  }

  async *deadLetters(): AsyncIterable<DeadLetter> {
    this.#mustBeOpen();
    for await (const letter of readLetters(this.#store)) {
      yield letter;
      this.#mustBeOpen();
    }
  }

  async lag(group: string): Promise<PartitionLag[]> {
    this.#mustBeOpen();
    return lagOf(this.#store, group);
  }

  async ping(): Promise<void> {
    this.#mustBeOpen();
    await this.#track(this.#appends.check());
  }

  backlog(): Backlog {
    return NO_BACKLOG;
  }

  holds(group: string): { frames: number; bytes: number; maxBytes: number } {
    this.#mustBeOpen();
    const rows = lagOf(this.#store, group);
    const frames = rows.reduce((sum, { committed, end }) => sum + end - committed, 0);
    return { frames, bytes: this.#store.storedBytes(), maxBytes: this.#options.maxBytes };
  }

  async lease(duty: string, holder: string, forMs: number): Promise<boolean> {
    this.#mustBeOpen();
    return this.#track(takeLease(this.#store, { duty, holder, forMs, now: this.#now() }));
  }

  async giveBack(duty: string, holder: string): Promise<void> {
    this.#mustBeOpen();
    await this.#track(giveBackLease(this.#store, duty, holder));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #start(group: string, consumer: LogConsumer, name: string): Promise<Subscription> {
    const started = await startSubscription({
      store: this.#store,
      group,
      consumer,
      pollMs: this.#options.pollMs ?? POLL_MS,
      batchBytes:
        this.#options.batchBytes ?? Math.max(LEAST_BATCH_BYTES, Math.floor(OFFERED_BYTES / this.partitions)),
      report: this.#report,
    });
    this.#retention ??= this.#startRetention();
    const leave = this.#store.bodies.join();
    let ended: Promise<void> | undefined;
    const subscription: Subscription = {
      close: () => {
        ended ??= this.#end(started, subscription, name).finally(leave);
        return ended;
      },
    };
    this.#subscriptions.add(subscription);
    return subscription;
  }

  async #end(started: Subscription, subscription: Subscription, name: string): Promise<void> {
    await started.close();
    this.#subscriptions.delete(subscription);
    subscribed.delete(name);
    if (this.#subscriptions.size > 0) return;
    const retention = this.#retention;
    this.#retention = undefined;
    await retention?.stop();
  }

  #startRetention(): Retention {
    const {
      retentionMs,
      retentionBytes,
      retentionIntervalMs: intervalMs = RETENTION_INTERVAL_MS,
    } = this.#options;
    return new Retention(
      this.#store,
      { retentionMs, retentionBytes, intervalMs, now: this.#now },
      this.#report,
    );
  }

  async #close(): Promise<void> {
    await Promise.allSettled(this.#pendingCalls);
    await Promise.all([...this.#subscriptions].map((subscription) => subscription.close()));
    await this.#appends.close();
    await this.#store.close();
  }

  /** Closing waits for the call. */
  async #track<T>(call: Promise<T>): Promise<T> {
    this.#pendingCalls.add(call);
    try {
      return await call;
    } finally {
      this.#pendingCalls.delete(call);
    }
  }

  readonly #report = (trouble: LogTrouble): void => {
    const { onTrouble = warnOfTrouble } = this.#options;
    onTrouble(trouble);
  };

  #mustBeOpen(): void {
    if (this.#closing !== undefined) throw new LogError('closed', `${this.#store.path} is closed`);
  }

  #mustExist(partition: number): void {
    if (Number.isInteger(partition) && partition >= 0 && partition < this.partitions) return;
    throw new RangeError(`there is no partition ${partition}; there are ${this.partitions}, from 0`);
  }
}

function checkOptions({ partitions, retentionMs, retentionBytes, maxBytes }: LogOptions): void {
  if (!Number.isInteger(partitions) || partitions < 1) {
    throw new RangeError(`partitions: ${partitions} is not a whole number from 1`);
  }
  if (!(retentionMs >= 0)) throw new RangeError(`retentionMs: ${retentionMs} is not 0 or more`);
  // Otherwise a log full of consumed frames would neither take new ones nor let go of the old.
  if (!(retentionBytes >= 0 && retentionBytes < maxBytes)) {
    throw new RangeError(`retentionBytes: ${retentionBytes} is not from 0 to below maxBytes, ${maxBytes}`);
  }
}
