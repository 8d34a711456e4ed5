/**
 * Whether Redis still has all that it was given.
 *
 * Markers lie in slots all over a cluster; each names the run of the server that it was written on. So a flush, an
 * eviction, an empty restart, a restart from an old snapshot and a failover to a replica are all seen, at any node.
 * A restore first puts its own name into each marker and at its end replaces that by the run, where it is still there:
 * what is lost while it restores is seen as well. One instance at a time restores, as long as its lock lasts.
 */
import { randomUUID } from 'node:crypto';
import type { RedisClient, RedisConnection } from './redis-connection.ts';

const MARKERS = 16;
/** When an instance dies while it restores, the next one begins after so long. */
const LOCK_MS = 30_000;

export class RedisLosses {
  readonly #connection: RedisConnection;
  readonly #markers: string[];
  readonly #lock: string;

  constructor(connection: RedisConnection, prefix: string) {
    this.#connection = connection;
    this.#markers = Array.from({ length: MARKERS }, (_, n) => `${prefix}marker:${n}`);
    this.#lock = `${prefix}restoring`;
  }

  async restoreIfLost(restore: () => Promise<void>): Promise<boolean> {
    const intact = await this.#each((client, marker) => client.footfallIsIntact(marker));
    if (intact.every((answer) => answer === 1)) return false;
    const name = randomUUID();
    const locked = await this.#connection.call((client) => client.set(this.#lock, name, 'PX', LOCK_MS, 'NX'));
    if (locked === null) return false;
    try {
      await this.#each((client, marker) => client.footfallBeginRestore(marker, name));
      await restore();
      await this.#each((client, marker) => client.footfallEndRestore(marker, name));
    } finally {
      await this.#connection.call((client) => client.footfallUnlock(this.#lock, name));
    }
    return true;
  }

  /** Loses what `empty` removes: before it, so that a break in between is seen; and after it, so that a restore meanwhile is no longer enough. */
  async losing(empty: () => Promise<void>): Promise<void> {
    await this.#forgetRun();
    await empty();
    await this.#forgetRun();
  }

  /** Asks every part of a cluster. */
  async ping(): Promise<void> {
    await this.#each((client, marker) => client.exists(marker));
  }

  async #forgetRun(): Promise<void> {
    await this.#each((client, marker) => client.del(marker));
  }

  #each<Answer>(work: (client: RedisClient, marker: string) => Promise<Answer>): Promise<Answer[]> {
    return this.#connection.call((client) =>
      Promise.all(this.#markers.map((marker) => work(client, marker))),
    );
  }
}
