/**
 * Who left lately, in 16 bytes each: at 20,000 events a second that are hundreds of thousands, which as objects were half of what the
 * garbage collector had to look through.
 */
import type { VisitorSign } from '../redis/visitor-tracker.ts';

const FIRST_CAPACITY = 1_024;

export class RecentLeaves {
  readonly #keptMs: number;
  #visitors = new BigUint64Array(FIRST_CAPACITY);
  #at = new Float64Array(FIRST_CAPACITY);
  #size = 0;

  /** @param keptMs for how long a leave is remembered at least */
  constructor(keptMs: number) {
    this.#keptMs = keptMs;
  }

  /** Among them some that were to be forgotten, and are not yet. */
  get size(): number {
    return this.#size;
  }

  /** @param visitor decimal, of 64 bits */
  add(visitor: string, at: number, now: number): void {
    if (this.#size === this.#at.length) this.#makeRoom(now - this.#keptMs);
    this.#visitors[this.#size] = BigInt(visitor);
    this.#at[this.#size] = at;
    this.#size += 1;
  }

  /** In the order in which they were added. */
  signs(): VisitorSign[] {
    return Array.from(this.#at.subarray(0, this.#size), (at, n) => ({
      visitor: String(this.#visitors[n]),
      communityId: undefined,
      at,
      leaving: true,
    }));
  }

  /** Not at each leave: it looks through all of them. */
  #makeRoom(since: number): void {
    const [visitors, at] = [this.#visitors, this.#at];
    const kept = at.reduce((count, instant) => count + (instant >= since ? 1 : 0), 0);
    const capacity = Math.max(FIRST_CAPACITY, 2 * kept);
    this.#visitors = new BigUint64Array(capacity);
    this.#at = new Float64Array(capacity);
    this.#size = 0;
    for (const [n, instant] of at.entries()) {
      if (instant < since) continue;
      this.#visitors[this.#size] = visitors[n] ?? 0n;
      this.#at[this.#size] = instant;
      this.#size += 1;
    }
  }
}
