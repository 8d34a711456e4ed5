/**
 * The event ids of one partition over the last ten minutes, by the collector's clock.
 *
 * A sender that got no answer sends again with the same id; the repeat is in the same partition, since that
 * follows from the visitor. Whether an event is a repeat depends only on the log, never on when it is read: so a
 * batch that is read again comes out the same. Ids are added once their batch is counted.
 */
export const WINDOW_MS = 10 * 60_000;

export class DuplicateWindow {
  /** In order of arrival, so that the oldest come first. */
  readonly #seenAt = new Map<string, number>();
  #loaded = false;

  get loaded(): boolean {
    return this.#loaded;
  }

  /** Takes over what the store knows from before this process read the partition. */
  load(seen: { eventId: string; visitor: string; receivedAt: number }[]): void {
    for (const { eventId, visitor, receivedAt } of seen.toSorted((a, b) => a.receivedAt - b.receivedAt)) {
      this.#seenAt.set(windowKey(visitor, eventId), receivedAt);
    }
    this.#loaded = true;
  }

  has(key: string, receivedAt: number): boolean {
    const seenAt = this.#seenAt.get(key);
    return seenAt !== undefined && Math.abs(receivedAt - seenAt) <= WINDOW_MS;
  }

  add(key: string, receivedAt: number): void {
    this.#seenAt.delete(key);
    this.#seenAt.set(key, receivedAt);
    for (const [oldest, seenAt] of this.#seenAt) {
      if (seenAt >= receivedAt - WINDOW_MS) break;
      this.#seenAt.delete(oldest);
    }
  }

  get size(): number {
    return this.#seenAt.size;
  }
}

/** @param visitor first 64 bits of the HMAC, decimal */
export function windowKey(visitor: string, eventId: string): string {
  return `${visitor} ${eventId}`;
}
