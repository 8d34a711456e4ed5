/** Lets through so many a second, the latest, and says when it leaves some out. */

const SECOND = 1_000;

export class Sampler {
  readonly #limit: number;
  readonly #now: () => number;
  #second = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #leavesOut = false;
  /** Whether some were left out in the second before: in this one it is likely, and its first should say so. */
  #leftOut = false;

  /** @param now ms since the epoch */
  constructor(limit: number, now: () => number) {
    this.#limit = limit;
    this.#now = now;
  }

  /** @param atMost of these, though the second may have room for more */
  take<T>(all: readonly T[], atMost = this.#limit): { some: readonly T[]; sampled: boolean } {
    const second = Math.floor(this.#now() / SECOND);
    if (second !== this.#second) {
      this.#leftOut = second === this.#second + 1 && this.#leavesOut;
      this.#second = second;
      this.#leavesOut = false;
      this.#passed = 0;
    }
    const some = all.slice(Math.max(0, all.length - Math.min(atMost, this.#limit - this.#passed)));
    this.#passed += some.length;
    this.#leavesOut ||= some.length < all.length;
    return { some, sampled: this.#leftOut || this.#leavesOut };
  }
}
