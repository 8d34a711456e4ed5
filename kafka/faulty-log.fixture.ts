/** A log that refuses, hangs, is slow, or takes a frame and never says so, for tests. Pings follow unless told otherwise. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Backlog, type EventLog, LogError } from './port.ts';

export type Fault =
  /** Appends are rejected. */
  | 'refuses'
  /** Appends are dropped, and never answered. */
  | 'hangs'
  /** Appends reach the log, and are never answered. */
  | 'is_silent';

const HEAD_BYTES = 40;

export class FaultyLog implements EventLog {
  /** None: everything reaches the log and is answered. */
  fault: Fault | undefined;
  /** Partitions that the fault, or the delay, is of; all when it is missing. */
  faulty: ReadonlySet<number> | undefined;
  /** Appends are answered so much later. */
  delayMs = 0;
  /** Answers pings whatever the fault. */
  alwaysAnswersPings = false;
  /** The appends that were called, in order, with how their frames begin: the frames themselves are not held. */
  readonly calls: { partition: number; head: string }[] = [];
  #log: EventLog;

  constructor(log: EventLog) {
    this.#log = log;
  }

  get partitions(): number {
    return this.#log.partitions;
  }

  /** What comes from now on is answered by another handle. */
  reopen(log: EventLog): void {
    this.#log = log;
  }

  async append(partition: number, frame: Buffer): Promise<number | undefined> {
    this.calls.push({ partition, head: frame.toString('latin1', 0, HEAD_BYTES) });
    const isFaulty = this.faulty === undefined || this.faulty.has(partition);
    const fault = isFaulty ? this.fault : undefined;
    if (fault === 'hangs') return new Promise(() => {});
    if (fault === 'refuses') throw new LogError('unavailable', 'the broker is away in a test');
    const appended = this.#log.append(partition, frame);
    if (fault === 'is_silent') return appended.then(() => new Promise(() => {}));
    if (isFaulty && this.delayMs > 0) await delay(this.delayMs);
    return appended;
  }

  async ping(): Promise<void> {
    if (this.fault === undefined || this.alwaysAnswersPings) return this.#log.ping();
    if (this.fault === 'refuses') throw new LogError('unavailable', 'the broker is away in a test');
    return new Promise(() => {});
  }

  identity: EventLog['identity'] = () => this.#log.identity();
  subscribe: EventLog['subscribe'] = (...args) => this.#log.subscribe(...args);
  deadLetter: EventLog['deadLetter'] = (...args) => this.#log.deadLetter(...args);
  deadLetters: EventLog['deadLetters'] = () => this.#log.deadLetters();
  lag: EventLog['lag'] = (...args) => this.#log.lag(...args);
  backlog = (): Backlog => this.#log.backlog();
  close = (): Promise<void> => this.#log.close();
}
