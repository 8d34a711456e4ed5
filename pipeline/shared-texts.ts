/**
 * One text in place of many that are equal: a parser makes a new one for each line, and as long as events wait for the stores, all of
 * them are copied by the garbage collector, though most events are of few pages and communities.
 */

/** Longer ones come again less often, and so many of them would be megabytes. */
const LONGEST = 128;
const MOST = 10_000;

export class SharedTexts {
  readonly #known = new Map<string, string>();

  /** The value, or an equal text that was given before. */
  of(value: unknown): unknown {
    if (typeof value !== 'string' || value.length > LONGEST) return value;
    const known = this.#known.get(value);
    if (known !== undefined) return known;
    if (this.#known.size === MOST) this.#known.clear();
    this.#known.set(value, value);
    return value;
  }

  get size(): number {
    return this.#known.size;
  }
}
