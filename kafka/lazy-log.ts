/**
 * A log that is opened in the background, for whoever must go on while it cannot be: a collector that starts while every
 * broker is away. Until it is open every call rejects with `unavailable`, and says why.
 *
 * States: opening -> open, or waiting (it could not be opened; after a pause that doubles, opening again). There is no
 * limit to the tries, as a broker may be away for any time: each failure is reported, and closing ends them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Backlog,
  type DeadLetter,
  type EventLog,
  type LogConsumer,
  LogError,
  type LogTrouble,
  NO_BACKLOG,
  type PartitionLag,
  type Subscription,
} from './port.ts';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;

export interface LazyOptions {
  /** As the log will have. */
  partitions: number;
  /** Before it is opened again, doubling; defaults 500 and 15,000. */
  firstPauseMs?: number;
  maxPauseMs?: number;
  onTrouble(trouble: LogTrouble): void;
}

export class LazyLog implements EventLog {
  readonly partitions: number;
  readonly #open: () => Promise<EventLog>;
  readonly #options: LazyOptions;
  readonly #stop = new AbortController();
  readonly #firstTry: Promise<EventLog>;
  #log: EventLog | undefined;
  #why = 'it is being opened';
  #closing: Promise<void> | undefined;

  constructor(open: () => Promise<EventLog>, options: LazyOptions) {
    this.partitions = options.partitions;
    this.#open = open;
    this.#options = options;
    this.#firstTry = this.#try();
    this.#firstTry.catch((error: unknown) => this.#tryAgain(error));
  }

  /** Resolves when the first try to open it has ended well. Rejects with why not; it is tried again all the same. */
  async opened(): Promise<void> {
    await this.#firstTry;
  }

  async identity(): Promise<string | undefined> {
    return this.#mustBeOpen().identity();
  }

  async append(partition: number, frame: Buffer): Promise<number | undefined> {
    return this.#mustBeOpen().append(partition, frame);
  }

  async subscribe(group: string, consumer: LogConsumer): Promise<Subscription> {
    return this.#mustBeOpen().subscribe(group, consumer);
  }

  async deadLetter(letter: DeadLetter): Promise<void> {
    await this.#mustBeOpen().deadLetter(letter);
  }

  async *deadLetters(): AsyncIterable<DeadLetter> {
    yield* this.#mustBeOpen().deadLetters();
  }

  async lag(group: string): Promise<PartitionLag[]> {
    return this.#mustBeOpen().lag(group);
  }

  async ping(): Promise<void> {
    await this.#mustBeOpen().ping();
  }

  backlog(): Backlog {
    return this.#log?.backlog() ?? NO_BACKLOG;
  }

  /** A try that is under way is not waited for: what it opens is closed when it is there. */
  close(): Promise<void> {
    this.#stop.abort();
    this.#closing ??= this.#log?.close() ?? Promise.resolve();
    return this.#closing;
  }

  async #try(): Promise<EventLog> {
    const log = await this.#open();
    if (this.#stop.signal.aborted) await log.close();
    this.#log = log;
    return log;
  }

  async #tryAgain(error: unknown): Promise<void> {
    const { firstPauseMs = FIRST_PAUSE_MS, maxPauseMs = MAX_PAUSE_MS, onTrouble } = this.#options;
    let cause = error;
    for (
      let pauseMs = firstPauseMs;
      !this.#stop.signal.aborted;
      pauseMs = Math.min(2 * pauseMs, maxPauseMs)
    ) {
      this.#why = cause instanceof Error ? cause.message : String(cause);
      onTrouble({ kind: 'unopened', message: `the log cannot be opened: ${this.#why}`, cause });
      if (!(await this.#paused(pauseMs))) return;
      try {
        await this.#try();
        return;
      } catch (again) {
        cause = again;
      }
    }
  }

  /** Says whether it was waited to the end. */
  async #paused(ms: number): Promise<boolean> {
    try {
      await delay(ms, undefined, { signal: this.#stop.signal });
      return true;
    } catch (error) {
      if (!this.#stop.signal.aborted) throw error;
      return false;
    }
  }

  #mustBeOpen(): EventLog {
    if (this.#stop.signal.aborted) throw new LogError('closed', 'the log is closed');
    if (this.#log === undefined) throw new LogError('unavailable', `the log is not open: ${this.#why}`);
    return this.#log;
  }
}
