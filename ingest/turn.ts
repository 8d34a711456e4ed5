/**
 * A turn of the event loop: all that clients had sent when the loop looked. When more comes than can be done, turns grow, and with
 * them the time that everyone waits: for the log, too, which needs several of them to say that it has a frame. So a turn has a
 * budget of work; who comes after it is used up is refused at once, which is cheap.
 *
 * A burst, or what gathered while the process stood still, is worked off in long turns. It is when they do not end that the budget
 * becomes short, as CoDel tells a good queue from a standing one (RFC 8289). It stays so for a while: under overload a moment without
 * long turns means nothing, and each time long ones were allowed again answers took twice as long.
 */
export interface TurnBudget {
  /** ms of work, in a burst. */
  burst: number;
  /** ms of work, when turns were longer than this for `patience`. */
  lasting: number;
  /** ms */
  patience: number;
  /** ms in which no turn was long, before the budget is that of a burst again. */
  calm: number;
}

export class Turn {
  readonly #budget: TurnBudget;
  #isNew = true;
  #isOver = false;
  #usedMs = 0;
  /** Since `#trustedMs` of work: the system takes too long to tell processor time to be asked in every turn. */
  #processor: NodeJS.CpuUsage | undefined;
  #longSince: number | undefined;
  #longAt = 0;
  #stands = false;

  constructor(budget: TurnBudget) {
    this.#budget = budget;
  }

  /** Asked before every piece of work. */
  get isOver(): boolean {
    if (!this.#isOver && this.#usedMs > this.#trustedMs) {
      const isKnown = this.#processor !== undefined;
      if (!isKnown || this.#usedMs > this.#limitMs) this.#leaveOutOthers();
      this.#isOver = this.#usedMs > this.#limitMs;
    }
    return this.#isOver;
  }

  /** Does a piece of work, which counts. */
  use(work: () => void): void {
    if (this.#isNew) {
      this.#isNew = false;
      setImmediate(() => this.#end());
    }
    const began = performance.now();
    try {
      work();
    } finally {
      this.#usedMs += performance.now() - began;
    }
  }

  get #limitMs(): number {
    return this.#stands ? this.#budget.lasting : this.#budget.burst;
  }

  /** Of work, so much is counted by the clock. */
  get #trustedMs(): number {
    return this.#budget.lasting / 2;
  }

  /** Time in which other processes had the processor is no work of ours. */
  #leaveOutOthers(): void {
    let processorMs = 0;
    if (this.#processor === undefined) this.#processor = process.cpuUsage();
    else {
      const { user, system } = process.cpuUsage(this.#processor);
      processorMs = (user + system) / 1_000;
    }
    this.#usedMs = Math.min(this.#usedMs, this.#trustedMs + processorMs);
  }

  #end(): void {
    const { lasting, patience, calm } = this.#budget;
    const now = performance.now();
    if (this.#usedMs > lasting) this.#leaveOutOthers();
    if (this.#usedMs > lasting) {
      this.#longSince ??= now;
      this.#longAt = now;
    } else if (!this.#stands || now - this.#longAt >= calm) {
      this.#longSince = undefined;
    }
    this.#stands = this.#longSince !== undefined && now - this.#longSince >= patience;
    this.#usedMs = 0;
    this.#processor = undefined;
    this.#isOver = false;
    this.#isNew = true;
  }
}
