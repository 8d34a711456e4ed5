/**
 * Who is online, in this process.
 *
 * Every (scope, visitor) online is one entry. For expiry each entry stands in exactly one bucket of one second, never
 * later than the one of its `until`. A new sign of life only moves `until`: the entry stays where it is and is put
 * further back when its bucket comes up, so a heartbeat costs two look-ups and a second of silence costs nothing.
 * A leave brings `until` forward and moves the entry at once. Entries know their place in the bucket, and a visitor's are few:
 * so neither has to be a set, which hashes an object at each change.
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
  /** In the bucket. */
  place: number;
}

export class MemoryPresence {
  readonly #scopes = new Map<string, Map<string, Entry>>();
  readonly #visitors = new Map<string, Entry[]>();
  readonly #buckets = new Map<number, Entry[]>();

  arrive(signs: readonly SignOfLife[], now: number): PresenceChange[] {
    const joined: PresenceChange[] = [];
    for (const { visitor, scope, until, at } of signs) {
      if (until <= now) continue;
      const entry = this.#scopes.get(scope)?.get(visitor);
      if (entry === undefined) {
        this.#add({ visitor, scope, at, until, bucket: bucketOf(until), place: 0 });
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
      // A copy: who goes, or is put further back, leaves a place to another.
      for (const entry of [...(this.#buckets.get(bucket) ?? [])]) {
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
    emplace(this.#visitors, entry.visitor, () => []).push(entry);
    this.#enterBucket(entry);
  }

  #remove(entry: Entry): void {
    const scope = this.#scopes.get(entry.scope);
    scope?.delete(entry.visitor);
    if (scope?.size === 0) this.#scopes.delete(entry.scope);
    const entries = this.#visitors.get(entry.visitor) ?? [];
    if (entries.length === 1) this.#visitors.delete(entry.visitor);
    else entries.splice(entries.indexOf(entry), 1);
    this.#leaveBucket(entry);
  }

  #move(entry: Entry): void {
    this.#leaveBucket(entry);
    entry.bucket = bucketOf(entry.until);
    this.#enterBucket(entry);
  }

  #enterBucket(entry: Entry): void {
    const bucket = emplace(this.#buckets, entry.bucket, () => []);
    entry.place = bucket.length;
    bucket.push(entry);
  }

  /** The last one of the bucket takes the place. */
  #leaveBucket(entry: Entry): void {
    const bucket = this.#buckets.get(entry.bucket);
    const last = bucket?.pop();
    if (bucket === undefined || last === undefined) return;
    if (last !== entry) {
      bucket[entry.place] = last;
      last.place = entry.place;
    }
    if (bucket.length === 0) this.#buckets.delete(entry.bucket);
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
