/** What this process tells of itself: there is no other here, but the parts of it speak as several. */
import type { Report } from './port.ts';

export class MemoryReports {
  readonly #told = new Map<string, { facts: string; until: number }>();

  report({ instance, facts }: Report, ttlMs: number, now: number): void {
    this.#told.set(instance, { facts, until: now + ttlMs });
  }

  reports(now: number): Report[] {
    for (const [instance, { until }] of this.#told) if (until <= now) this.#told.delete(instance);
    return [...this.#told].map(([instance, { facts }]) => ({ instance, facts }));
  }
}
