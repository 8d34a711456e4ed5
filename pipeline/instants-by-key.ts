/**
 * When each of many keys was seen last, in 16 bytes a slot and no objects: at 25,000 events a second the ids of eleven minutes are
 * 16 million, which as a Map of texts are 2 GB that the garbage collector looks through again and again.
 *
 * A table with open addressing. Entries from before an instant are left out when the table is made anew, which it is whenever it
 * is full.
 */
import type { EventKey } from './event-key.ts';

/** Of a slot: a and b of the key, c with the upper 16 bits of the instant, and its lower 32. */
const WORDS = 4;
const SMALLEST = 64;
/** Of the slots that may be taken before the table is made anew, and those that are taken then. */
const FULL = 0.85;
const ROOMY = 0.65;
/** So many values have 32 bits. */
const RANGE = 2 ** 32;

export class InstantsByKey {
  #words: Int32Array;
  #slots: number;
  #size = 0;

  /** @param expected so many keys it takes without being made anew */
  constructor(expected = 0) {
    this.#slots = slotsFor(expected);
    this.#words = new Int32Array(this.#slots * WORDS);
  }

  /** Among them some that were to be left out, and are not yet. */
  get size(): number {
    return this.#size;
  }

  get({ a, b, c }: EventKey): number | undefined {
    const marked = markedAt(this.#words, this.#placeOf(a, b, c));
    return marked === 0 ? undefined : marked - 1;
  }

  /**
   * Notes an instant of less than 48 bits, unless the key has a later one.
   *
   * @param keptFrom entries from before this instant are of no use any more
   */
  note({ a, b, c }: EventKey, instant: number, keptFrom: number): void {
    if (this.#size >= this.#slots * FULL) this.#makeAnew(keptFrom);
    this.#put(a, b, c, instant + 1);
  }

  /** Where the words of the entry are, or are to be. */
  #placeOf(a: number, b: number, c: number): number {
    const words = this.#words;
    let at = Math.floor(((a >>> 0) / RANGE) * this.#slots) * WORDS;
    while (markedAt(words, at) !== 0) {
      if (words[at] === a && words[at + 1] === b && read(words, at + 2) >>> 16 === c) break;
      at = at + WORDS === words.length ? 0 : at + WORDS;
    }
    return at;
  }

  #put(a: number, b: number, c: number, marked: number): void {
    const words = this.#words;
    const at = this.#placeOf(a, b, c);
    const before = markedAt(words, at);
    if (before === 0) this.#size += 1;
    if (marked <= before) return;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = (c << 16) | Math.floor(marked / RANGE);
    words[at + 3] = marked;
  }

  #makeAnew(keptFrom: number): void {
    const words = this.#words;
    let kept = 0;
    for (let at = 0; at < words.length; at += WORDS) if (markedAt(words, at) > keptFrom) kept += 1;
    this.#slots = slotsFor(kept);
    this.#words = new Int32Array(this.#slots * WORDS);
    this.#size = 0;
    for (let at = 0; at < words.length; at += WORDS) {
      const marked = markedAt(words, at);
      if (marked > keptFrom)
        this.#put(read(words, at), read(words, at + 1), read(words, at + 2) >>> 16, marked);
    }
  }
}

/** One more than the instant; 0 where the slot is free. */
function markedAt(words: Int32Array, at: number): number {
  return (read(words, at + 2) & 0xffff) * RANGE + (read(words, at + 3) >>> 0);
}

function read(words: Int32Array, at: number): number {
  return words[at] ?? 0;
}

function slotsFor(keys: number): number {
  return Math.max(SMALLEST, Math.ceil(keys / ROOMY));
}
