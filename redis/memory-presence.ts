/**
 * Who is online, in this process.
 *
 * Every (scope, visitor) online is one entry. For expiry each entry stands in exactly one bucket of one second, never
 * later than the one of its `until`. A new sign of life only moves `until`: the entry stays where it is and is put
 * further back when its bucket comes up, so a heartbeat costs two look-ups and a second of silence costs nothing.
 * A leave brings `until` forward and moves the entry at once.
 */
import type { PresenceChange, SignOfLife } from './port.ts';
import { LEAVE_GRACE_MS } from './port.ts';

const BUCKET_MS = 1_000;

interface Entry {
  readonly visitor: string;
  readonly scope: string;
  /** Of the latest sign or leave. */
  at: number;
  until: number;
  bucket: number;
}

export class MemoryPresence {
  readonly #scopes = new Map<string, Map<string, Entry>>();
  readonly #visitors = new Map<string, Set<Entry>>();
  readonly #buckets = new Map<number, Set<Entry>>();

  arrive(signs: readonly SignOfLife[], now: number): PresenceChange[] {
    const joined: PresenceChange[] = [];
    for (const { visitor, scope, until, at } of signs) {
      if (until <= now) continue;
      const entry = this.#scopes.get(scope)?.get(visitor);
      if (entry === undefined) {
        this.#add({ visitor, scope, at, until, bucket: bucketOf(until) });
        joined.push({ visitor, scope, at });
      } else if (at >= entry.at) {
        this.#renew(entry, at, until);
      }
    }
    return joined;
  }

  leave(visitors: readonly { visitor: string; at: number }[]): void {
    for (const { visitor, at } of visitors) {
      for (const entry of this.#visitors.get(visitor) ?? []) {
        if (at >= entry.at) this.#renew(entry, at, Math.min(entry.until, at + LEAVE_GRACE_MS));
      }
    }
  }

  expire(now: number): PresenceChange[] {
    const left: PresenceChange[] = [];
    const due = [...this.#buckets.keys()].filter((bucket) => bucket <= bucketOf(now)).sort((a, b) => a - b);
    for (const bucket of due) {
      for (const entry of this.#buckets.get(bucket) ?? []) {
        if (entry.until <= now) {
          this.#remove(entry);
          left.push({ visitor: entry.visitor, scope: entry.scope, at: entry.until });
        } else if (bucketOf(entry.until) !== bucket) {
          this.#move(entry);
        }
      }
    }
    return left;
  }

  online(scope: string): number {
    return this.#scopes.get(scope)?.size ?? 0;
  }

  onlineByScope(): Map<string, number> {
    return new Map([...this.#scopes].map(([scope, entries]) => [scope, entries.size]));
  }

  #renew(entry: Entry, at: number, until: number): void {
    entry.at = at;
    entry.until = until;
    if (bucketOf(until) < entry.bucket) this.#move(entry);
  }

  #add(entry: Entry): void {
    emplace(this.#scopes, entry.scope, () => new Map<string, Entry>()).set(entry.visitor, entry);
    emplace(this.#visitors, entry.visitor, () => new Set<Entry>()).add(entry);
    emplace(this.#buckets, entry.bucket, () => new Set<Entry>()).add(entry);
  }

  #remove(entry: Entry): void {
    const scope = this.#scopes.get(entry.scope);
    scope?.delete(entry.visitor);
    if (scope?.size === 0) this.#scopes.delete(entry.scope);
    const entries = this.#visitors.get(entry.visitor);
    entries?.delete(entry);
    if (entries?.size === 0) this.#visitors.delete(entry.visitor);
    this.#leaveBucket(entry);
  }

  #move(entry: Entry): void {
    this.#leaveBucket(entry);
    entry.bucket = bucketOf(entry.until);
    emplace(this.#buckets, entry.bucket, () => new Set<Entry>()).add(entry);
  }

  #leaveBucket(entry: Entry): void {
    const bucket = this.#buckets.get(entry.bucket);
    bucket?.delete(entry);
    if (bucket?.size === 0) this.#buckets.delete(entry.bucket);
  }
}

function bucketOf(instant: number): number {
  return Math.floor(instant / BUCKET_MS);
}

function emplace<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key);
  if (known !== undefined) return known;
  const value = make();
  map.set(key, value);
  return value;
}
