/**
 * When each of many keys was seen last, in 20 bytes a slot and no objects: at 25,000 events a second the ids of eleven minutes are
 * 16 million, which as a Map of texts are 2 GB that the garbage collector looks through again and again.
 *
 * A table with open addressing. Entries from before an instant are left out when the table is made anew, which it is whenever it
 * is full.
 */
import type { EventKey } from './event-key.ts';

const WORDS = 3;
const SMALLEST = 64;
/** Of the slots that may be taken before the table is made anew, and those that are taken then. */
const FULL = 0.85;
const ROOMY = 0.65;
/** So many values have 32 bits. */
const RANGE = 2 ** 32;

export class InstantsByKey {
  #keys: Int32Array;
  /** One more than the instant; 0 where the slot is free. */
  #instants: Float64Array;
  #size = 0;

  /** @param expected so many keys it takes without being made anew */
  constructor(expected = 0) {
    const slots = slotsFor(expected);
    this.#keys = new Int32Array(slots * WORDS);
    this.#instants = new Float64Array(slots);
  }

  /** Among them some that were to be left out, and are not yet. */
  get size(): number {
    return this.#size;
  }

  get({ a, b, c }: EventKey): number | undefined {
    const instant = this.#instants[this.#slotOf(a, b, c)] ?? 0;
    return instant === 0 ? undefined : instant - 1;
  }

  /**
   * Notes an instant from 0 on, unless the key has a later one.
   *
   * @param keptFrom entries from before this instant are of no use any more
   */
  note({ a, b, c }: EventKey, instant: number, keptFrom: number): void {
    if (this.#size >= this.#instants.length * FULL) this.#makeAnew(keptFrom);
    this.#put(a, b, c, instant + 1);
  }

  /** Where the entry is, or is to be. */
  #slotOf(a: number, b: number, c: number): number {
    const keys = this.#keys;
    const instants = this.#instants;
    const slots = instants.length;
    let slot = Math.floor(((a >>> 0) / RANGE) * slots);
    while (instants[slot] !== 0) {
      const at = slot * WORDS;
      if (keys[at] === a && keys[at + 1] === b && keys[at + 2] === c) break;
      slot = slot + 1 === slots ? 0 : slot + 1;
    }
    return slot;
  }

  #put(a: number, b: number, c: number, instant: number): void {
    const slot = this.#slotOf(a, b, c);
    const noted = this.#instants[slot] ?? 0;
    if (noted === 0) {
      this.#size += 1;
      this.#keys[slot * WORDS] = a;
      this.#keys[slot * WORDS + 1] = b;
      this.#keys[slot * WORDS + 2] = c;
    }
    if (instant > noted) this.#instants[slot] = instant;
  }

  #makeAnew(keptFrom: number): void {
    const [keys, instants] = [this.#keys, this.#instants];
    let kept = 0;
    for (const instant of instants) if (instant > keptFrom) kept += 1;
    const slots = slotsFor(kept);
    this.#keys = new Int32Array(slots * WORDS);
    this.#instants = new Float64Array(slots);
    this.#size = 0;
    for (let slot = 0; slot < instants.length; slot++) {
      const instant = instants[slot] ?? 0;
      const at = slot * WORDS;
      if (instant > keptFrom) this.#put(keys[at] ?? 0, keys[at + 1] ?? 0, keys[at + 2] ?? 0, instant);
    }
  }
}

function slotsFor(keys: number): number {
  return Math.max(SMALLEST, Math.ceil(keys / ROOMY));
}
