/**
 * Keys in 8 bytes a slot and no objects, with open addressing. Where a key stands follows from a third of its bits, and the other two
 * are kept there: so keys can neither be moved to a larger table nor be removed. What is compared can be halved, and with it the memory.
 */
import type { EventKey } from './event-key.ts';

/** Of the slots, so many are taken at most. */
const FULL = 7 / 8;
/** So many values have 32 bits. */
const RANGE = 2 ** 32;

export class KeyTable {
  readonly slots: number;
  readonly #capacity: number;
  /** Of a slot: b and c of the key, or b alone; b is 0 where it is free. */
  #words: Int32Array;
  #wordsASlot: 1 | 2 = 2;
  #size = 0;

  /** @param capacity keys, at least one */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.slots = Math.ceil(capacity / FULL);
    this.#words = new Int32Array(this.slots * this.#wordsASlot);
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#wordsASlot === 1 || this.#size >= this.#capacity;
  }

  /** The slot of a key; undefined where it has none. */
  find(key: EventKey): number | undefined {
    const slot = this.#slotFor(key);
    return this.#isFree(slot) ? undefined : slot;
  }

  /** The slot of a key from now on. @throws RangeError where the key is new and the table is full */
  add(key: EventKey): number {
    const slot = this.#slotFor(key);
    if (!this.#isFree(slot)) return slot;
    if (this.isFull) throw new RangeError(`a table of ${this.#capacity} keys is full`);
    this.#words[slot * 2] = key.b;
    this.#words[slot * 2 + 1] = key.c;
    this.#size += 1;
    return slot;
  }

  /** From here on 32 bits are compared: one of 200 million keys that are not in the table is found all the same. It takes no more. */
  fade(): void {
    if (this.#wordsASlot === 1) return;
    const words = this.#words;
    this.#words = new Int32Array(this.slots).map((_, slot) => words[slot * 2] ?? 0);
    this.#wordsASlot = 1;
  }

  /** Where the key is, or is to be. */
  #slotFor({ a, b, c }: EventKey): number {
    const words = this.#words;
    const wide = this.#wordsASlot;
    const { slots } = this;
    let slot = Math.floor(((a >>> 0) / RANGE) * slots);
    for (let at = slot * wide; words[at] !== 0; at = slot * wide) {
      if (words[at] === b && (wide === 1 || words[at + 1] === c)) break;
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
    return slot;
  }

  #isFree(slot: number): boolean {
    return this.#words[slot * this.#wordsASlot] === 0;
  }
}
