/** Keys of which it is known about how many there will be: where there are more, further tables take them. */
import type { EventKey } from './event-key.ts';
import { KeyTable } from './key-table.ts';

const SMALLEST = 256;
/** Of the keys that there are, the first of the further tables takes so many, and each of the others twice as many as that before it. */
const MORE = 1 / 16;

export class KeySet {
  readonly #tables: KeyTable[];
  #last: KeyTable;
  #capacityOfNext = SMALLEST;
  #isFaded = false;

  constructor(expected: number) {
    this.#last = new KeyTable(Math.max(SMALLEST, Math.ceil(expected)));
    this.#tables = [this.#last];
  }

  get size(): number {
    return this.#tables.reduce((sum, { size }) => sum + size, 0);
  }

  /** Where the set {@link isFaded}, maybe of a key that it has not. */
  has(key: EventKey): boolean {
    for (const table of this.#tables) if (table.find(key) !== undefined) return true;
    return false;
  }

  /** Says whether the key is new. */
  add(key: EventKey): boolean {
    if (this.has(key)) return false;
    if (this.#last.isFull) {
      const capacity = Math.max(this.#capacityOfNext, Math.ceil(this.size * MORE));
      this.#last = new KeyTable(capacity);
      this.#tables.push(this.#last);
      this.#capacityOfNext = capacity * 2;
    }
    this.#last.add(key);
    return true;
  }

  /** Keeps half of what there is of each key. */
  fade(): void {
    for (const table of this.#tables) table.fade();
    this.#isFaded = true;
  }

  get isFaded(): boolean {
    return this.#isFaded;
  }
}
