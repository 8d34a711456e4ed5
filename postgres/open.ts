/** Opens the session store that a URL names, with its schema up to date. */
import { isAbsolute } from 'node:path';
import { EngineUrlError, pickEngine } from '../engine.ts';
import { Database, type Warn } from './database.ts';
import { EmbeddedServer } from './embedded.ts';
import { migrate } from './migrate.ts';
import { openNetworked } from './networked.ts';
import { openPools } from './pools.ts';
import type { SessionStore } from './port.ts';
import { PostgresSessionStore } from './session-store.ts';

export interface SessionsOptions {
  /** After so much silence a visitor's session id is replaced. */
  sessionTimeoutMs: number;
  /** Most connections for queries; default 10. */
  maxConnections?: number;
  /** Most connections for holders of locks and those who wait for one; default 8. */
  maxLockConnections?: number;
  /** How long a server in the network that is not up yet is waited for, since it may start at the same time; default 30 s. */
  reachWithinMs?: number;
  /** PEM of authorities to trust beside those that come with Node. */
  ca?: string | undefined;
  /** Told of what heals by itself: a lost connection, a server that went away. */
  warn?: Warn;
}

type CompleteOptions = Required<Omit<SessionsOptions, 'ca'>> & Pick<SessionsOptions, 'ca'>;
type Connect = (url: string, options: CompleteOptions) => Promise<Database>;

const ENGINES: Record<string, Connect> = {
  'embedded-postgres': openEmbedded,
  postgres: openNetworked,
  postgresql: openNetworked,
};

const DEFAULTS = { maxConnections: 10, maxLockConnections: 8, reachWithinMs: 30_000, warn: () => {} };

/**
 * @param url `embedded-postgres:///absolute/folder`, or `postgresql://user:password@host:port/database?parameters` as
 *   `networked.ts` says
 * @throws EngineUrlError, SessionStoreError
 */
export async function openSessions(url: string, options: SessionsOptions): Promise<SessionStore> {
  const complete = { ...DEFAULTS, ...options };
  const database = await pickEngine('session store', url, ENGINES)(url, complete);
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  return new PostgresSessionStore(database, complete.sessionTimeoutMs);
}

/** Of a server of our own, whatever its schema is. */
export async function openEmbedded(
  url: string,
  options: Pick<Required<SessionsOptions>, 'maxConnections' | 'maxLockConnections' | 'warn'> = DEFAULTS,
): Promise<Database> {
  const server = await EmbeddedServer.open(folderOf(url), options.warn);
  const pools = openPools(await server.connection(), options);
  return new Database({
    ...pools,
    beforeConnect: async () => {
      // A server that was started again has another port.
      const { port } = await server.connection();
      pools.pool.options.port = port;
      pools.lockPool.options.port = port;
    },
    afterClose: () => server.stop(),
    warn: options.warn,
  });
}

function folderOf(url: string): string {
  const folder = url.slice(url.indexOf('://') + '://'.length);
  if (isAbsolute(folder) && !folder.includes('?')) return folder;
  throw new EngineUrlError(`${url}: must be embedded-postgres:///ABSOLUTE/FOLDER, without parameters`);
}
