/** Unique visitors of a day and scope, about: one HyperLogLog each, kept for two days after the last visitor. */
import { HyperLogLog } from './hyperloglog.ts';

const KEPT_MS = 2 * 24 * 60 * 60 * 1_000;

interface Day {
  expiresAt: number;
  readonly scopes: Map<string, HyperLogLog>;
}

export class MemoryCounters {
  readonly #days = new Map<string, Day>();

  add(day: string, scope: string, visitors: readonly string[], now: number): void {
    if (visitors.length === 0) return;
    this.#dropExpired(now);
    const counters = this.#days.get(day) ?? { expiresAt: 0, scopes: new Map<string, HyperLogLog>() };
    counters.expiresAt = now + KEPT_MS;
    this.#days.set(day, counters);
    const counter = counters.scopes.get(scope) ?? new HyperLogLog();
    counters.scopes.set(scope, counter);
    for (const visitor of visitors) counter.add(visitor);
  }

  count(day: string, scope: string, now: number): number {
    this.#dropExpired(now);
    return this.#days.get(day)?.scopes.get(scope)?.count() ?? 0;
  }

  empty(day: string): void {
    this.#days.delete(day);
  }

  #dropExpired(now: number): void {
    for (const [day, { expiresAt }] of this.#days) if (expiresAt <= now) this.#days.delete(day);
  }
}
