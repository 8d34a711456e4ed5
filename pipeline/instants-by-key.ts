/** The latest instant of each of some keys, without an object for each. */
import type { EventKey } from './event-key.ts';
import { KeyTable } from './key-table.ts';

export class InstantsByKey {
  readonly #keys: KeyTable;
  /** By the key's slot. */
  readonly #instants: Float64Array;

  /** @param capacity keys */
  constructor(capacity: number) {
    this.#keys = new KeyTable(Math.max(1, capacity));
    this.#instants = new Float64Array(this.#keys.slots).fill(Number.NEGATIVE_INFINITY);
  }

  get(key: EventKey): number | undefined {
    const slot = this.#keys.find(key);
    return slot === undefined ? undefined : this.#instants[slot];
  }

  /** @throws RangeError where there are more keys than it has room for */
  note(key: EventKey, instant: number): void {
    const slot = this.#keys.add(key);
    this.#instants[slot] = Math.max(instant, this.#instants[slot] ?? instant);
  }
}
