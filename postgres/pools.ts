/** The two bounded pools of a session store, and how long anything on their connections may take. */
import pg from 'pg';
import type { DatabaseParts } from './database.ts';
import { sql } from './sql.ts';

export interface PoolSizes {
  maxConnections: number;
  maxLockConnections: number;
}

const SECOND = 1_000;
const CONNECT_WITHIN_MS = 10 * SECOND;
/** A probe each second after this much silence; the tenth without an answer ends the connection. */
const KEEPALIVE_AFTER_MS = 10 * SECOND;

/** 0: no limit. */
interface Limits {
  statementMs: number;
  lockMs: number;
  answerMs: number;
}

/**
 * The server gives up first and says why. The client waits a little longer, and then takes the connection for
 * half-open: nothing will ever come back on it.
 */
const LIMITS: Record<'queries' | 'locks', Limits> = {
  queries: { statementMs: 30 * SECOND, lockMs: 10 * SECOND, answerMs: 40 * SECOND },
  /** One slice of waiting for an advisory lock, which `advisory-lock.ts` repeats for as long as it takes. */
  locks: { statementMs: 0, lockMs: 15 * SECOND, answerMs: 25 * SECOND },
};
const IDLE_IN_TRANSACTION_MS = 30 * SECOND;

const CONFIGURE = sql('configure_connection');

export function openPools(
  config: pg.ClientConfig,
  sizes: PoolSizes,
  limits = LIMITS,
): Pick<DatabaseParts, 'pool' | 'lockPool'> {
  return {
    pool: openPool(config, limits.queries, {
      max: sizes.maxConnections,
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
    }),
    // No limit here: it would also end the wait for a connection, and who waits for a lock waits until it is there.
    lockPool: openPool(config, limits.locks, { max: sizes.maxLockConnections }),
  };
}

function openPool(config: pg.ClientConfig, limits: Limits, pool: pg.PoolConfig): pg.Pool {
  const settings = [limits.statementMs, limits.lockMs, IDLE_IN_TRANSACTION_MS].map(String);
  const options: pg.PoolConfig = {
    ...config,
    ...pool,
    fallback_application_name: 'footfall',
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEPALIVE_AFTER_MS,
    query_timeout: limits.answerMs,
    // Not as parameters of the start, which poolers between here and the server refuse.
    onConnect: async (client) => {
      await client.query(CONFIGURE, settings);
    },
    Client: ImpatientClient,
  };
  return new pg.Pool(options);
}

/** A connection is there in time, or not at all. */
class ImpatientClient extends pg.Client {
  constructor(config: pg.ClientConfig = {}) {
    // The pool hides the password from copies.
    super({ ...config, password: config.password, connectionTimeoutMillis: CONNECT_WITHIN_MS });
  }
}
