/** The keys of late: at least the last `count` different ones. */
import type { EventKey } from './event-key.ts';
import { InstantsByKey } from './instants-by-key.ts';

export class LastKeys {
  readonly #count: number;
  /** When each came, counted in keys. */
  readonly #seen: InstantsByKey;
  #added = 0;

  constructor(count: number) {
    this.#count = count;
    this.#seen = new InstantsByKey(count);
  }

  /** Says whether the key is new. */
  add(key: EventKey): boolean {
    if (this.#seen.get(key) !== undefined) return false;
    this.#added += 1;
    this.#seen.note(key, this.#added, Math.max(1, this.#added - this.#count));
    return true;
  }
}
