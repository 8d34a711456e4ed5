/**
 * Who is online, in this process.
 *
 * Every (scope, visitor) online is one entry. For expiry each entry stands in exactly one bucket of one second, never
 * later than the one of its `until`. A new sign of life only moves `until`: the entry stays where it is and is put
 * further back when its bucket comes up, so a heartbeat costs one look-up and a second of silence costs nothing.
 * A leave brings `until` forward and moves the entry at once.
 *
 * Who comes stays for an hour, so there are millions where there is much to do. An entry is therefore a number, and what is known of it
 * stands in arrays under that number: a third of the memory of objects in maps, and little that the garbage collector has to follow.
 */
import type { PresenceChange, SignOfLife } from './port.ts';
import { LEAVE_GRACE_MS } from './port.ts';

const BUCKET_MS = 1_000;
const FIRST_CAPACITY = 1_024;
/** Instead of an entry. */
const NONE = -1;
/** Entries of a visitor that are looked through one by one. Nobody is in more communities, unless by intent. */
const FEW = 8;

interface Scope {
  readonly name: string;
  online: number;
}

export class MemoryPresence {
  readonly #scopes = new Map<string, Scope>();
  /** Entries of each visitor: the first of a few, or many by scope. */
  readonly #entriesOf = new Map<string, number | Map<string, number>>();
  /** First entry of each bucket. */
  readonly #buckets = new Map<number, number>();
  readonly #visitor: string[] = [];
  readonly #scope: Scope[] = [];
  /** When the latest sign or leave was. */
  #at = new Float64Array(FIRST_CAPACITY);
  #until = new Float64Array(FIRST_CAPACITY);
  #bucket = new Float64Array(FIRST_CAPACITY);
  /** Of the few of a visitor; of entries that are free, the next free one. */
  #next = new Int32Array(FIRST_CAPACITY);
  #before = new Int32Array(FIRST_CAPACITY);
  #after = new Int32Array(FIRST_CAPACITY);
  #firstFree = NONE;

  arrive(signs: readonly SignOfLife[], now: number): PresenceChange[] {
    const joined: PresenceChange[] = [];
    for (const { visitor, scope, until, at } of signs) {
      if (until <= now) continue;
      const entry = this.#find(visitor, scope);
      if (entry === NONE) {
        this.#add(visitor, scope, at, until);
        joined.push({ visitor, scope, at });
      } else if (at >= read(this.#at, entry)) {
        this.#renew(entry, at, until);
      }
    }
    return joined;
  }

  leave(visitors: readonly { visitor: string; at: number }[]): void {
    for (const { visitor, at } of visitors) {
      for (const entry of this.#allOf(visitor)) {
        if (at < read(this.#at, entry)) continue;
        this.#renew(entry, at, Math.min(read(this.#until, entry), at + LEAVE_GRACE_MS));
      }
    }
  }

  expire(now: number): PresenceChange[] {
    const left: PresenceChange[] = [];
    const due = [...this.#buckets.keys()].filter((bucket) => bucket <= bucketOf(now)).sort((a, b) => a - b);
    for (const bucket of due) {
      let entry = this.#buckets.get(bucket) ?? NONE;
      this.#buckets.delete(bucket);
      while (entry !== NONE) {
        const after = read(this.#after, entry);
        const until = read(this.#until, entry);
        if (until <= now) left.push({ ...this.#remove(entry), at: until });
        else this.#enterBucket(entry);
        entry = after;
      }
    }
    return left;
  }

  online(scope: string): number {
    return this.#scopes.get(scope)?.online ?? 0;
  }

  onlineByScope(): Map<string, number> {
    return new Map([...this.#scopes].map(([scope, { online }]) => [scope, online]));
  }

  #allOf(visitor: string): Iterable<number> {
    const entries = this.#entriesOf.get(visitor) ?? NONE;
    return typeof entries === 'number' ? this.#chain(entries) : entries.values();
  }

  #chain(first: number): number[] {
    const entries: number[] = [];
    for (let entry = first; entry !== NONE; entry = read(this.#next, entry)) entries.push(entry);
    return entries;
  }

  #find(visitor: string, scope: string): number {
    let entry = this.#entriesOf.get(visitor) ?? NONE;
    if (typeof entry !== 'number') return entry.get(scope) ?? NONE;
    while (entry !== NONE && this.#scope[entry]?.name !== scope) entry = read(this.#next, entry);
    return entry;
  }

  #renew(entry: number, at: number, until: number): void {
    this.#at[entry] = at;
    this.#until[entry] = until;
    if (bucketOf(until) >= read(this.#bucket, entry)) return;
    this.#leaveBucket(entry);
    this.#enterBucket(entry);
  }

  #add(visitor: string, name: string, at: number, until: number): void {
    const scope = this.#scopes.get(name) ?? { name, online: 0 };
    if (scope.online === 0) this.#scopes.set(name, scope);
    scope.online += 1;
    const entry = this.#take();
    this.#visitor[entry] = visitor;
    this.#scope[entry] = scope;
    this.#at[entry] = at;
    this.#until[entry] = until;
    this.#giveTo(visitor, entry);
    this.#enterBucket(entry);
  }

  #giveTo(visitor: string, entry: number): void {
    const entries = this.#entriesOf.get(visitor) ?? NONE;
    if (typeof entries !== 'number') {
      entries.set(this.#scopeNameOf(entry), entry);
      return;
    }
    this.#next[entry] = entries;
    this.#entriesOf.set(visitor, entry);
    let others = 0;
    for (let other = entries; other !== NONE; other = read(this.#next, other)) others += 1;
    if (others < FEW) return;
    const byScope = new Map(this.#chain(entry).map((each) => [this.#scopeNameOf(each), each]));
    this.#entriesOf.set(visitor, byScope);
  }

  /** Its bucket does not have it any more. */
  #remove(entry: number): { visitor: string; scope: string } {
    const [visitor, scope] = [this.#visitor[entry], this.#scope[entry]];
    if (visitor === undefined || scope === undefined) throw new Error(`there is no entry ${entry}`);
    scope.online -= 1;
    if (scope.online === 0) this.#scopes.delete(scope.name);
    this.#takeFrom(visitor, entry);
    this.#visitor[entry] = '';
    this.#next[entry] = this.#firstFree;
    this.#firstFree = entry;
    return { visitor, scope: scope.name };
  }

  #takeFrom(visitor: string, entry: number): void {
    const entries = this.#entriesOf.get(visitor) ?? NONE;
    const next = read(this.#next, entry);
    if (typeof entries !== 'number') {
      entries.delete(this.#scopeNameOf(entry));
      if (entries.size === 0) this.#entriesOf.delete(visitor);
    } else if (entries !== entry) {
      let before = entries;
      while (read(this.#next, before) !== entry) before = read(this.#next, before);
      this.#next[before] = next;
    } else if (next === NONE) this.#entriesOf.delete(visitor);
    else this.#entriesOf.set(visitor, next);
  }

  #scopeNameOf(entry: number): string {
    const scope = this.#scope[entry];
    if (scope === undefined) throw new Error(`there is no entry ${entry}`);
    return scope.name;
  }

  /** A free entry. */
  #take(): number {
    const free = this.#firstFree;
    if (free !== NONE) {
      this.#firstFree = read(this.#next, free);
      return free;
    }
    const entry = this.#visitor.length;
    if (entry === this.#at.length) this.#grow();
    return entry;
  }

  #grow(): void {
    const capacity = Math.ceil(this.#at.length * 1.5);
    this.#at = copied(this.#at, new Float64Array(capacity));
    this.#until = copied(this.#until, new Float64Array(capacity));
    this.#bucket = copied(this.#bucket, new Float64Array(capacity));
    this.#next = copied(this.#next, new Int32Array(capacity));
    this.#before = copied(this.#before, new Int32Array(capacity));
    this.#after = copied(this.#after, new Int32Array(capacity));
  }

  #enterBucket(entry: number): void {
    const bucket = bucketOf(read(this.#until, entry));
    const first = this.#buckets.get(bucket) ?? NONE;
    this.#bucket[entry] = bucket;
    this.#before[entry] = NONE;
    this.#after[entry] = first;
    if (first !== NONE) this.#before[first] = entry;
    this.#buckets.set(bucket, entry);
  }

  #leaveBucket(entry: number): void {
    const [before, after] = [read(this.#before, entry), read(this.#after, entry)];
    if (after !== NONE) this.#before[after] = before;
    if (before !== NONE) this.#after[before] = after;
    else if (after !== NONE) this.#buckets.set(read(this.#bucket, entry), after);
    else this.#buckets.delete(read(this.#bucket, entry));
  }
}

function read(column: Float64Array | Int32Array, entry: number): number {
  const value = column[entry];
  if (value === undefined) throw new Error(`there is no entry ${entry}`);
  return value;
}

function copied<Column extends Float64Array | Int32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

function bucketOf(instant: number): number {
  return Math.floor(instant / BUCKET_MS);
}
