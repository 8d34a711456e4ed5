/**
 * A turn of the event loop: all that clients had sent when the loop looked. When more comes than can be done, turns grow, and with
 * them the time that everyone waits: for the log, too, which needs several of them to say that it has a frame. So a turn has a
 * budget of work; who comes after it is used up is refused at once, which is cheap.
 *
 * A burst, or what gathered while the process stood still, is worked off in long turns. It is when they do not end that the budget
 * becomes short, as CoDel tells a good queue from a standing one (RFC 8289).
 */
export interface TurnBudget {
  /** ms of work, in a burst. */
  burst: number;
  /** ms of work, when turns were longer than this for `patience`. */
  lasting: number;
  /** ms */
  patience: number;
}

export class Turn {
  readonly #budget: TurnBudget;
  #isNew = true;
  #isOver = false;
  #usedMs = 0;
  #processorAtStart = process.cpuUsage();
  #limitMs: number;
  #longSince: number | undefined;

  constructor(budget: TurnBudget) {
    this.#budget = budget;
    this.#limitMs = budget.burst;
  }

  get isOver(): boolean {
    if (!this.#isOver && this.#usedMs > this.#limitMs) this.#isOver = this.#used() > this.#limitMs;
    return this.#isOver;
  }

  /** Does a piece of work, which counts. */
  use(work: () => void): void {
    if (this.#isNew) {
      this.#isNew = false;
      this.#processorAtStart = process.cpuUsage();
      setImmediate(() => this.#end());
    }
    const began = performance.now();
    try {
      work();
    } finally {
      this.#usedMs += performance.now() - began;
    }
  }

  /** Time in which others had the processor is no work: it is known by a call that is too slow for each piece. */
  #used(): number {
    const { user, system } = process.cpuUsage(this.#processorAtStart);
    this.#usedMs = Math.min(this.#usedMs, (user + system) / 1_000);
    return this.#usedMs;
  }

  #end(): void {
    const { burst, lasting, patience } = this.#budget;
    const now = performance.now();
    const isLong = this.#usedMs > lasting && this.#used() > lasting;
    if (isLong) this.#longSince ??= now;
    else this.#longSince = undefined;
    const stands = this.#longSince !== undefined && now - this.#longSince >= patience;
    this.#limitMs = stands ? lasting : burst;
    this.#usedMs = 0;
    this.#isOver = false;
    this.#isNew = true;
  }
}
