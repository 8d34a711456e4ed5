/**
 * What processes tell of themselves: a key each, which expires, and the set of those who have told something. A name
 * whose key has expired is taken out of the set by whoever reads it; should its process report just then, the next
 * report puts it back.
 */
import type { Report } from './port.ts';
import type { RedisConnection } from './redis-connection.ts';

export class RedisReports {
  readonly #connection: RedisConnection;
  readonly #instances: string;

  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection;
    this.#instances = `${prefix}{reports}`;
  }

  async report({ instance, facts }: Report, ttlMs: number): Promise<void> {
    await this.#connection.call((client) =>
      Promise.all([
        client.set(this.#factsKey(instance), facts, 'PX', Math.ceil(ttlMs)),
        client.sadd(this.#instances, instance),
      ]),
    );
  }

  async reports(): Promise<Report[]> {
    const instances = await this.#connection.call((client) => client.smembers(this.#instances));
    if (instances.length === 0) return [];
    const keys = instances.map((instance) => this.#factsKey(instance));
    const told = await this.#connection.call((client) => client.mget(keys));
    const gone = instances.filter((_, i) => (told[i] ?? null) === null);
    if (gone.length > 0) await this.#connection.call((client) => client.srem(this.#instances, ...gone));
    return instances.flatMap((instance, i) => {
      const facts = told[i] ?? null;
      return facts === null ? [] : [{ instance, facts }];
    });
  }

  #factsKey(instance: string): string {
    return `${this.#instances}:${instance}`;
  }
}
