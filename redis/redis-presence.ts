/**
 * Who is online, in Redis. What one script touches lies in one slot of a cluster:
 *
 *     PREFIX{SCOPE}:until        sorted set of the visitors online by the end of their time; its size is who is online
 *     PREFIX{SCOPE}:at           hash visitor -> instant of the latest sign or leave; changes together with the former
 *     PREFIX{visitors:N}:VISITOR set of the scopes where a visitor gave a sign, for a leave; N is one of 16
 *     PREFIX{scopes}             sorted set of the scopes that have visitors by when they are to be swept
 *
 * Whoever sweeps first takes the scopes that are due and puts them off by {@link LEASE_MS}, so that instances share the
 * scopes instead of sweeping each of them all. A sweep that dies is thereby repeated. Whoever moves an end forward
 * moves its scope forward after that: were it before, a sweep in between could put the scope off without having seen it.
 */
import type { PresenceChange, SignOfLife } from './port.ts';
import { LEAVE_GRACE_MS, SITE } from './port.ts';
import { chunks, chunksBy, inTurns } from './redis-batches.ts';
import type { RedisClient, RedisConnection } from './redis-connection.ts';

/** What a script takes at once: some milliseconds of Redis' time. */
const MEMBERS_A_CALL = 500;
const SCOPES_A_CLAIM = 100;
const SCOPES_A_SCAN = 500;
/** A count costs Redis microseconds. */
const COUNTS_AT_ONCE = 100;
const CALLS_AT_ONCE = 4;
const SCOPES_AT_ONCE = 8;
const LEASE_MS = 5_000;
const VISITOR_SLOTS = 16;
/** Clocks differ: it is better to know too many scopes of a visitor than too few. */
const SCOPES_KEPT_LONGER_MS = 60_000;

export class RedisPresence {
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #scopes: string;

  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection;
    this.#prefix = prefix;
    this.#scopes = `${prefix}{scopes}`;
  }

  async arrive(signs: readonly SignOfLife[], now: number): Promise<PresenceChange[]> {
    const valid = signs.filter(({ until }) => until > now).map((sign, place) => ({ ...sign, place }));
    if (valid.length === 0) return [];
    const calls = chunksBy(valid, ({ scope }) => scope, MEMBERS_A_CALL);
    const due = calls.map(({ key, chunk }) => [key, earliest(chunk)] as const);
    // Known before they have members, so that a crash leaves no scope that is never swept.
    await Promise.all([this.#rememberScopes(valid, now), this.#sweepBy(due)]);

    const joined: Placed[] = [];
    await inTurns(calls, CALLS_AT_ONCE, async ({ key, chunk }) => {
      const args = chunk.flatMap(({ visitor, at, until }) => [visitor, at, until]);
      const places = await this.#call((client) => client.footfallArrive(...this.#members(key), args));
      joined.push(...places.flatMap((place) => chunk[place] ?? []));
    });
    await this.#sweepBy(due);
    return joined.sort((a, b) => a.place - b.place).map(({ visitor, scope, at }) => ({ visitor, scope, at }));
  }

  async leave(visitors: readonly { visitor: string; at: number }[]): Promise<void> {
    if (visitors.length === 0) return;
    const scopesOf = await this.#recallScopes(new Set(visitors.map(({ visitor }) => visitor)));
    const leaving = visitors.flatMap(({ visitor, at }) =>
      [SITE, ...(scopesOf.get(visitor) ?? [])].map((scope) => ({ visitor, at, scope })),
    );
    const calls = chunksBy(leaving, ({ scope }) => scope, MEMBERS_A_CALL);
    await inTurns(calls, CALLS_AT_ONCE, async ({ key: scope, chunk }) => {
      const args = [LEAVE_GRACE_MS, ...chunk.flatMap(({ visitor, at }) => [visitor, at])];
      const first = await this.#call((client) => client.footfallLeave(...this.#members(scope), args));
      if (first !== null) await this.#sweepBy([[scope, Number(first)]]);
    });
  }

  /** When Redis goes away meanwhile, those who are known to be gone are answered all the same: they are not found again. */
  async expire(now: number): Promise<PresenceChange[]> {
    const left: PresenceChange[] = [];
    try {
      let due: string[];
      do {
        due = await this.#call((client) =>
          client.footfallClaim(this.#scopes, now, now + LEASE_MS, SCOPES_A_CLAIM),
        );
        await inTurns(due, SCOPES_AT_ONCE, (scope) => this.#sweep(scope, now, left));
      } while (due.length === SCOPES_A_CLAIM);
    } catch (error) {
      if (left.length === 0) throw error;
    }
    return left;
  }

  async online(scope: string, now: number): Promise<number> {
    return this.#call((client) => client.zcount(this.#members(scope)[0], `(${now}`, '+inf'));
  }

  async onlineByScope(now: number): Promise<Map<string, number>> {
    const online = new Map<string, number>();
    let cursor = '0';
    do {
      const [next, found] = await this.#call((client) =>
        client.zscan(this.#scopes, cursor, 'COUNT', SCOPES_A_SCAN),
      );
      cursor = next;
      const scopes = chunks(found, 2).flatMap(([scope]) => scope ?? []);
      await inTurns(scopes, COUNTS_AT_ONCE, async (scope) => {
        const visitors = await this.online(scope, now);
        if (visitors > 0) online.set(scope, visitors);
      });
    } while (cursor !== '0');
    return online;
  }

  async #sweep(scope: string, now: number, left: PresenceChange[]): Promise<void> {
    for (;;) {
      const [gone, next] = await this.#call((client) =>
        client.footfallExpire(...this.#members(scope), now, MEMBERS_A_CALL),
      );
      for (const [visitor, until] of chunks(gone, 2)) {
        if (visitor !== undefined) left.push({ visitor, scope, at: Number(until) });
      }
      if (gone.length === 2 * MEMBERS_A_CALL) continue;
      if (next !== null) await this.#sweepBy([[scope, Number(next)]]);
      else await this.#forget(scope);
      return;
    }
  }

  /** Looks once more after it has forgotten an empty scope: somebody may have come who found it still known. */
  async #forget(scope: string): Promise<void> {
    await this.#call((client) => client.zrem(this.#scopes, scope));
    const [, until] = await this.#call((client) =>
      client.zrange(this.#members(scope)[0], 0, 0, 'WITHSCORES'),
    );
    if (until !== undefined) await this.#sweepBy([[scope, Number(until)]]);
  }

  async #sweepBy(due: readonly (readonly [scope: string, at: number])[]): Promise<void> {
    const args = due.flatMap(([scope, at]) => [at, scope]);
    if (args.length > 0) await this.#call((client) => client.zadd(this.#scopes, 'LT', ...args));
  }

  /** The site is not noted: every visitor is there. */
  async #rememberScopes(signs: readonly SignOfLife[], now: number): Promise<void> {
    const elsewhere = signs.filter(({ scope }) => scope !== SITE);
    await this.#inVisitorSlots(
      elsewhere,
      ({ visitor }) => visitor,
      (client, keys, some) => {
        const args = some.flatMap(({ scope, until }) => [
          scope,
          Math.ceil(until - now) + SCOPES_KEPT_LONGER_MS,
        ]);
        return client.footfallRememberScopes(keys.length, [...keys, ...args]);
      },
    );
  }

  async #recallScopes(visitors: Set<string>): Promise<Map<string, string[]>> {
    const found = new Map<string, string[]>();
    await this.#inVisitorSlots([...visitors], String, async (client, keys, some) => {
      const scopes = await client.footfallRecallScopes(keys.length, keys);
      for (const [i, visitor] of some.entries()) found.set(visitor, scopes[i] ?? []);
    });
    return found;
  }

  async #inVisitorSlots<Item>(
    items: readonly Item[],
    visitorOf: (item: Item) => string,
    work: (client: RedisClient, keys: string[], items: Item[]) => Promise<unknown>,
  ): Promise<void> {
    const calls = chunksBy(items, (item) => slotOf(visitorOf(item)), MEMBERS_A_CALL);
    await inTurns(calls, VISITOR_SLOTS, ({ key: slot, chunk }) => {
      const keys = chunk.map((item) => `${this.#prefix}{visitors:${slot}}:${visitorOf(item)}`);
      return this.#call((client) => work(client, keys, chunk));
    });
  }

  #members(scope: string): [until: string, at: string] {
    return [`${this.#prefix}{${scope}}:until`, `${this.#prefix}{${scope}}:at`];
  }

  #call<Answer>(work: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
    return this.#connection.call(work);
  }
}

/** A sign and its place among those of the call. */
type Placed = SignOfLife & { place: number };

function earliest(signs: readonly SignOfLife[]): number {
  return signs.reduce((instant, { until }) => Math.min(instant, until), Number.POSITIVE_INFINITY);
}

/** FNV-1a; any spread will do, as long as every process has the same. */
function slotOf(visitor: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < visitor.length; i++) hash = Math.imul(hash ^ visitor.charCodeAt(i), 0x01000193);
  return (hash >>> 0) % VISITOR_SLOTS;
}
