/**
 * Locks across all instances: PostgreSQL's advisory locks, held by a connection. The server frees them by itself when
 * the connection goes, so that a killed holder blocks nobody.
 *
 * A holder whose connection dies is told when its work has ended, not before: until then others may hold the lock too.
 */
import type { PoolClient } from 'pg';
import type { Database } from './database.ts';
import { LOCKS, type LockName, SessionStoreError } from './port.ts';
import { sql } from './sql.ts';
import { isLockTimeout, toStoreError } from './store-error.ts';

/** First half of every key, so that other users of the same database are not met. */
export const LOCK_SPACE = 0x466f6f74;

const TAKE = { shared: sql('lock_shared'), exclusive: sql('lock_exclusive') };
const RELEASE = sql('unlock_all');

/**
 * Waits for the lock, runs `work`, frees the lock whatever `work` does.
 * @throws what `work` throws
 * @throws SessionStoreError `unavailable` when the lock was lost before `work` ended
 */
export async function holdAdvisoryLock<T>(
  database: Database,
  lock: LockName,
  mode: 'shared' | 'exclusive',
  work: () => Promise<T>,
): Promise<T> {
  return await database.dedicated(async (connection) => {
    let lost = false;
    const onEnd = () => {
      lost = true;
    };
    connection.on('end', onEnd);
    try {
      await take(connection, lock, mode);
      const result = await work();
      if (lost) throw lockLost(lock);
      await release(connection, lock);
      return result;
    } finally {
      connection.off('end', onEnd);
    }
  });
}

/**
 * Waits in slices of the connection's lock timeout, so that a connection on which no answer comes any more is told from
 * one on which the lock is not free. A new slice begins at the end of the queue.
 */
async function take(connection: PoolClient, lock: LockName, mode: 'shared' | 'exclusive'): Promise<void> {
  for (;;) {
    try {
      await wrapped(connection.query(TAKE[mode], [LOCK_SPACE, LOCKS[lock]]));
      return;
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
    }
  }
}

/** A connection that breaks here may have been broken for a while: the server frees the lock before we hear of it. */
async function release(connection: PoolClient, lock: LockName): Promise<void> {
  try {
    await connection.query(RELEASE);
  } catch (cause) {
    throw lockLost(lock, toStoreError(cause));
  }
}

function lockLost(lock: LockName, cause?: Error): SessionStoreError {
  return new SessionStoreError('unavailable', `the lock ${lock} was lost while it was in use`, { cause });
}

async function wrapped<T>(query: Promise<T>): Promise<T> {
  try {
    return await query;
  } catch (error) {
    throw toStoreError(error);
  }
}
