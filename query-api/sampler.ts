/** Lets through so many a second, and says when it leaves some out. */

const SECOND = 1_000;

export class Sampler {
  readonly #limit: number;
  readonly #now: () => number;
  #second = Number.NEGATIVE_INFINITY;
  #seen = 0;
  #passed = 0;
  /** Whether the second before was over the limit: this one is likely to be, and its first should say so. */
  #wasOver = false;

  /** @param now ms since the epoch */
  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  take<T>(all: readonly T[]): { some: readonly T[]; sampled: boolean } {
    const second = Math.floor(this.#now() / SECOND);
    if (second !== this.#second) {
      this.#wasOver = second === this.#second + 1 && this.#seen > this.#limit;
      this.#second = second;
      this.#seen = 0;
      this.#passed = 0;
    }
    this.#seen += all.length;
    const some = all.slice(0, this.#limit - this.#passed);
    this.#passed += some.length;
    return { some, sampled: this.#wasOver || this.#seen > this.#limit };
  }
}
