/** The keys of late: at least the last `count` different ones, and less than twice as many. */
import type { EventKey } from './event-key.ts';
import { KeySet } from './key-set.ts';

export class LastKeys {
  readonly #count: number;
  #newer: KeySet;
  #older: KeySet;

  constructor(count: number) {
    this.#count = count;
    this.#newer = new KeySet(count);
    this.#older = new KeySet(0);
  }

  /** Says whether the key is new. */
  add(key: EventKey): boolean {
    if (this.#newer.size >= this.#count) {
      this.#older = this.#newer;
      this.#newer = new KeySet(this.#count);
    }
    return !this.#older.has(key) && this.#newer.add(key);
  }
}
