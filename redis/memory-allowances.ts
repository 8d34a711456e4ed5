/** Rate limits in this process: fixed windows, counted for the keys that asked most recently. */
import { LRUCache } from 'lru-cache';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Allowance } from './port.ts';

/** When there are more, the key that has not asked for longest starts anew. */
const MAX_KEYS = 100_000;

export class MemoryAllowances {
  // The limit comes with each call, so the limiter itself has none: it only counts.
  readonly #limiter = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: 1, keyPrefix: '' });
  readonly #keys = new LRUCache<string, true>({
    max: MAX_KEYS,
    dispose: (_, key, reason) => {
      if (reason !== 'set') void this.#limiter.delete(key);
    },
  });

  async take(key: string, points: number, limit: number, windowMs: number): Promise<Allowance> {
    if (this.#keys.get(key) === undefined) this.#keys.set(key, true);
    const { consumedPoints, msBeforeNext } = await this.#limiter.consume(key, points, {
      customDuration: windowMs / 1_000,
    });
    return {
      allowed: consumedPoints <= limit,
      remaining: Math.max(0, limit - consumedPoints),
      resetMs: msBeforeNext,
    };
  }

  close(): void {
    this.#keys.clear();
  }
}
