/** The live store in Redis 7 or later, or in a cluster of them: shared by all processes, and allowed to be away. */
import { trusting } from '../trust.ts';
import type { Allowance, LiveOptions, LiveStore, PresenceChange, Report, SignOfLife } from './port.ts';
import { chunks, inTurns } from './redis-batches.ts';
import { RedisChannels } from './redis-channels.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisLosses } from './redis-losses.ts';
import { RedisPresence } from './redis-presence.ts';
import { RedisReports } from './redis-reports.ts';
import { parseRedisUrl, type RedisAddress } from './redis-url.ts';

const COUNTERS_KEPT_MS = 2 * 24 * 60 * 60 * 1_000;
const VISITORS_A_CALL = 1_000;
const CALLS_AT_ONCE = 4;
/** The memory of all values is bounded by Redis' own `maxmemory`. */
const LARGEST_CACHED_CHARACTERS = 1024 ** 2;

/** Resolves though Redis is away: calls reject then, until it is there. */
export async function openRedis(url: string, options: LiveOptions = {}): Promise<LiveStore> {
  const parsed = parseRedisUrl(url);
  const address = parsed.tls ? { ...parsed, trust: trusting(options.ca) } : parsed;
  return new RedisLiveStore(address, await RedisConnection.open(address), options);
}

class RedisLiveStore implements LiveStore {
  readonly #connection: RedisConnection;
  readonly #prefix: string;
  readonly #now: () => number;
  readonly #presence: RedisPresence;
  readonly #losses: RedisLosses;
  readonly #reports: RedisReports;
  readonly #channels: RedisChannels;

  constructor(address: RedisAddress, connection: RedisConnection, options: LiveOptions) {
    this.#connection = connection;
    this.#prefix = address.prefix;
    this.#now = options.now ?? Date.now;
    this.#presence = new RedisPresence(connection, address.prefix);
    this.#losses = new RedisLosses(connection, address.prefix);
    this.#reports = new RedisReports(connection, address.prefix);
    const onError = options.onError ?? ((error) => process.emitWarning(error));
    this.#channels = new RedisChannels(address, connection, onError);
  }

  arrive(signs: SignOfLife[]): Promise<PresenceChange[]> {
    return this.#presence.arrive(signs, this.#now());
  }

  leave(visitors: { visitor: string; at: number }[]): Promise<void> {
    return this.#presence.leave(visitors);
  }

  expire(now: number): Promise<PresenceChange[]> {
    return this.#presence.expire(now);
  }

  online(scope: string): Promise<number> {
    return this.#presence.online(scope, this.#now());
  }

  onlineByScope(): Promise<Map<string, number>> {
    return this.#presence.onlineByScope(this.#now());
  }

  async countVisitors(day: string, scope: string, visitors: string[]): Promise<void> {
    await inTurns(chunks(visitors, VISITORS_A_CALL), CALLS_AT_ONCE, (some) =>
      this.#connection.call((client) =>
        client.footfallCountVisitors(this.#counter(day, scope), COUNTERS_KEPT_MS, some),
      ),
    );
  }

  visitorsOf(day: string, scope: string): Promise<number> {
    return this.#connection.call((client) => client.pfcount(this.#counter(day, scope)));
  }

  emptyCounters(day: string): Promise<void> {
    return this.#losses.losing(async () => {
      await this.#connection.scan(`${literal(this.#prefix)}{*}:visitors:${literal(day)}`, (counters) =>
        inTurns(counters, CALLS_AT_ONCE, (counter) => this.#connection.call((client) => client.del(counter))),
      );
    });
  }

  restoreIfLost(restore: () => Promise<void>): Promise<boolean> {
    return this.#losses.restoreIfLost(restore);
  }

  publish(channel: string, message: string): Promise<void> {
    return this.#channels.publish(channel, message);
  }

  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>> {
    return this.#channels.subscribe(channel, listener);
  }

  async take(key: string, points: number, limit: number, windowMs: number): Promise<Allowance> {
    const [used, resetMs] = await this.#connection.call((client) =>
      client.footfallTake(`${this.#prefix}allowance:${key}`, points, Math.ceil(windowMs)),
    );
    return { allowed: used <= limit, remaining: Math.max(0, limit - used), resetMs };
  }

  report(report: Report, ttlMs: number): Promise<void> {
    return this.#reports.report(report, ttlMs);
  }

  reports(): Promise<Report[]> {
    return this.#reports.reports();
  }

  async cached(key: string): Promise<string | undefined> {
    const value = await this.#connection.call((client) => client.get(this.#cacheKey(key)));
    return value ?? undefined;
  }

  async cache(key: string, value: string, ttlMs: number): Promise<void> {
    const keep = ttlMs > 0 && value.length <= LARGEST_CACHED_CHARACTERS;
    await this.#connection.call<unknown>((client) =>
      keep ? client.set(this.#cacheKey(key), value, 'PX', Math.ceil(ttlMs)) : client.del(this.#cacheKey(key)),
    );
  }

  ping(): Promise<void> {
    return this.#losses.ping();
  }

  async close(): Promise<void> {
    this.#channels.close();
    await this.#connection.close();
  }

  #counter(day: string, scope: string): string {
    return `${this.#prefix}{${scope}}:visitors:${day}`;
  }

  #cacheKey(key: string): string {
    return `${this.#prefix}cached:${key}`;
  }
}

/** For a pattern of keys, in which these mean something. */
function literal(text: string): string {
  return text.replace(/[\\*?[\]^]/g, '\\$&');
}
