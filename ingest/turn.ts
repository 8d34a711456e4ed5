/**
 * A turn of the event loop: all that clients had sent when the loop looked. When more comes than can be done, turns grow, and with
 * them the time that everyone waits. So a turn has a budget; who comes after it is used up is refused at once, which is cheap.
 */
export class Turn {
  readonly #budgetMs: number;
  #usedMs = 0;
  #isNew = true;

  constructor(budgetMs: number) {
    this.#budgetMs = budgetMs;
  }

  get isOver(): boolean {
    return this.#usedMs > this.#budgetMs;
  }

  /** Does a piece of work, which counts. */
  use(work: () => void): void {
    if (this.#isNew) {
      this.#isNew = false;
      setImmediate(() => {
        this.#isNew = true;
        this.#usedMs = 0;
      });
    }
    const began = performance.now();
    try {
      work();
    } finally {
      this.#usedMs += performance.now() - began;
    }
  }
}
