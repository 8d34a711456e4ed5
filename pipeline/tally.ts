/** What became of the lines of a portion, by the hour in which they were received: the portion's share of the ledger. */
import type { LedgerEntry } from '../postgres/port.ts';

const HOUR = 3_600_000;

export class Tally {
  readonly #amounts = new Map<LedgerEntry['name'], Map<number, number>>();

  /** @param receivedAt ms since the epoch */
  add(name: LedgerEntry['name'], receivedAt: number, amount = 1): void {
    if (amount === 0) return;
    const hour = Math.floor(receivedAt / HOUR) * HOUR;
    const hours = this.#amounts.get(name) ?? new Map<number, number>();
    this.#amounts.set(name, hours.set(hour, (hours.get(hour) ?? 0) + amount));
  }

  total(name: LedgerEntry['name']): number {
    let total = 0;
    for (const amount of this.#amounts.get(name)?.values() ?? []) total += amount;
    return total;
  }

  entries(partition: number): LedgerEntry[] {
    return [...this.#amounts].flatMap(([name, hours]) =>
      [...hours].map(([hour, amount]) => ({ hour, partition, name, amount })),
    );
  }
}
