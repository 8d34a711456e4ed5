/** The connections of a session store: queries, transactions and lock holders, with every error mapped once. */
import type { Pool, PoolClient, QueryConfig, QueryResultRow } from 'pg';
import { SessionStoreError } from './port.ts';
import { toStoreError } from './store-error.ts';

export type Warn = (message: string, cause?: unknown) => void;

export interface DatabaseParts {
  pool: Pool;
  /** Apart from `pool`, so that holders of locks and those who wait for one never starve queries. */
  lockPool: Pool;
  /** Awaited before a connection is taken: brings an embedded server back. */
  beforeConnect?: () => Promise<void>;
  /** Runs after the last connection has been closed. */
  afterClose?: () => Promise<void>;
  warn: Warn;
}

const ROLLBACK_WITHIN_MS = 1_000;

export class Database {
  readonly #parts: DatabaseParts;
  #closed: Promise<void> | undefined;

  constructor(parts: DatabaseParts) {
    this.#parts = parts;
    for (const pool of [parts.pool, parts.lockPool]) {
      // Without listeners a connection that breaks would end the process; the pool has already dropped it by then.
      pool.on('error', (error) => parts.warn('an idle database connection was lost', error));
      pool.on('connect', (client) => client.on('error', ignoreHereAsTheQueryRejects));
    }
  }

  /** @throws SessionStoreError */
  async query<Row extends QueryResultRow>(text: string, values: unknown[] = []): Promise<Row[]> {
    return await this.#using(this.#parts.pool, async (client) => {
      try {
        return (await client.query<Row>(text, values)).rows;
      } catch (error) {
        throw toStoreError(error);
      }
    });
  }

  /**
   * Runs `work` between BEGIN and COMMIT; whatever it throws rolls everything back.
   * @param mode By default the statements count on it that what another transaction committed while they waited for a row is seen.
   * @throws SessionStoreError
   */
  async transaction<T>(
    work: (client: PoolClient) => Promise<T>,
    mode: 'read committed' | 'repeatable read, read only' = 'read committed',
  ): Promise<T> {
    return await this.#using(this.#parts.pool, async (client) => {
      try {
        await client.query(`begin isolation level ${mode}`);
        const result = await work(client);
        await client.query('commit');
        return result;
      } catch (error) {
        // Locks shall be free when this rejects. Where the connection is lost, the server rolls back by itself.
        await client
          .query(within(ROLLBACK_WITHIN_MS, 'rollback'))
          .catch((cause) => this.#parts.warn('a rollback did not arrive', cause));
        throw toStoreError(error);
      }
    });
  }

  /** Lends a connection of the lock pool to `work`, and waits for one as long as it takes. */
  async dedicated<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    return await this.#using(this.#parts.lockPool, work);
  }

  /** Waits for calls that are under way. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all([this.#parts.pool.end(), this.#parts.lockPool.end()]);
    await this.#parts.afterClose?.();
  }

  async #using<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
    if (this.#closed !== undefined) throw new SessionStoreError('failed', 'the session store is closed');
    const client = await this.#connect(pool);
    let discard = true;
    try {
      const result = await work(client);
      discard = false;
      return result;
    } finally {
      client.release(discard);
    }
  }

  async #connect(pool: Pool): Promise<PoolClient> {
    try {
      await this.#parts.beforeConnect?.();
      return await pool.connect();
    } catch (error) {
      throw toStoreError(error);
    }
  }
}

/** A statement that the client waits for as long as said here, instead of as the pool says. */
export function within(ms: number, text: string, values: unknown[] = []): QueryConfig<unknown[]> {
  const query: QueryConfig<unknown[]> & { query_timeout: number } = { text, values, query_timeout: ms };
  return query;
}

function ignoreHereAsTheQueryRejects(): void {}
