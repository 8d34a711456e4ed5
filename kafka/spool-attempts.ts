/**
 * Appends to a log that may refuse, or hang.
 *
 * States of an attempt: waiting (the log has not answered) -> taken, or refused (a rejection that a repeat would not
 * change), or given up. A live one that waits for longer than the limit gives up all that wait; one of the replay, or a
 * rejection that may be tried again, gives up all of its partition: that the others wait for it is not known. They are
 * given up at once and in the order of the calls, so that their frames keep their order wherever they go next.
 *
 * An attempt that was given up may hang for ever, and the log may hold on to its frame: how many bytes hang so is
 * counted, and the log is not {@link Attempts.mayTry tried} while they are too many. Nothing here refers to the frame.
 */
import { type EventLog, LogError } from './port.ts';

/** What an attempt costs beside its frame: bounds the number of small ones. */
const OVERHEAD_BYTES = 256;

interface Outcome {
  /** Whether somebody waits for it; otherwise it comes from the spool. */
  isLive: boolean;
  taken(offset: number | undefined): void;
  /** It may be in the log all the same. */
  givenUp(frame: Buffer, error: LogError): void;
  refused(error: unknown): void;
}

interface Attempt {
  readonly partition: number;
  readonly isLive: boolean;
  readonly bytes: number;
  readonly startedAt: number;
  /** None once it is settled. */
  open: { frame: Buffer; outcome: Outcome } | undefined;
}

interface AttemptRules {
  /** An attempt that takes longer is given up, ms. */
  stallMs: number;
  /** Of attempts that were given up and that the log has not answered yet. */
  maxHangingBytes: number;
  onTaken(): void;
  /** Before the attempts are told: no more is to be tried for this partition; for none when there is no partition. */
  onGivingUp(partition: number | undefined, error: LogError): void;
}

export class Attempts {
  readonly #log: EventLog;
  readonly #rules: AttemptRules;
  /** In the order of the calls. */
  readonly #waiting = new Set<Attempt>();
  #hangingBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(log: EventLog, rules: AttemptRules) {
    this.#log = log;
    this.#rules = rules;
  }

  get mayTry(): boolean {
    return this.#hangingBytes < this.#rules.maxHangingBytes;
  }

  /** How long the oldest live one has waited, ms; 0 when none waits. */
  get longestLiveWaitMs(): number {
    for (const { isLive, startedAt } of this.#waiting) if (isLive) return performance.now() - startedAt;
    return 0;
  }

  append(partition: number, frame: Buffer, outcome: Outcome): void {
    const bytes = frame.length + OVERHEAD_BYTES;
    const { isLive } = outcome;
    const startedAt = performance.now();
    const attempt: Attempt = { partition, isLive, bytes, startedAt, open: { frame, outcome } };
    this.#waiting.add(attempt);
    this.#timer ??= setTimeout(() => this.#giveUpStalled(), this.#rules.stallMs);
    this.#listen(attempt, this.#log.append(partition, frame));
  }

  /** The callbacks live as long as the log hangs: all they hold is the attempt, without its frame in the end. */
  #listen(attempt: Attempt, answer: Promise<number | undefined>): void {
    answer.then(
      (offset) => {
        this.#rules.onTaken();
        this.#settle(attempt)?.outcome.taken(offset);
      },
      (error: unknown) => this.#failed(attempt, error),
    );
  }

  #failed(attempt: Attempt, error: unknown): void {
    if (!(error instanceof LogError && error.retryable)) {
      this.#settle(attempt)?.outcome.refused(error);
    } else if (attempt.open === undefined) {
      this.#settle(attempt);
    } else {
      this.#giveUp(attempt.partition, error);
      this.#hangingBytes -= attempt.bytes;
    }
  }

  /** The log has answered. What there was to settle, if it was not given up before. */
  #settle(attempt: Attempt): Attempt['open'] {
    const { open } = attempt;
    attempt.open = undefined;
    if (open === undefined) this.#hangingBytes -= attempt.bytes;
    this.#waiting.delete(attempt);
    return open;
  }

  #giveUpStalled(): void {
    const { stallMs } = this.#rules;
    const error = new LogError('unavailable', `the log has not answered for ${stallMs} ms`);
    // A step of the loop settles what it looks at; the first one that is young enough ends it.
    for (const { startedAt, isLive, partition } of this.#waiting) {
      const leftMs = startedAt + stallMs - performance.now();
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.#giveUpStalled(), Math.ceil(leftMs));
        return;
      }
      this.#giveUp(isLive ? undefined : partition, error);
    }
    this.#timer = undefined;
  }

  #giveUp(partition: number | undefined, error: LogError): void {
    this.#rules.onGivingUp(partition, error);
    for (const attempt of this.#waiting) {
      const { open } = attempt;
      if (open === undefined || (partition !== undefined && partition !== attempt.partition)) continue;
      attempt.open = undefined;
      this.#waiting.delete(attempt);
      this.#hangingBytes += attempt.bytes;
      open.outcome.givenUp(open.frame, error);
    }
  }
}
