/**
 * A PostgreSQL server in the network, 15 or later, named by a URL as the driver understands it.
 *
 * Connect straight to the server, or through a pooler that keeps a client on its connection (`session` mode): locks
 * live on connections.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { EngineUrlError } from '../engine.ts';
import { certificateFault } from '../trust.ts';
import { Database, type Warn } from './database.ts';
import { openPools, type PoolSizes } from './pools.ts';
import { SessionStoreError } from './port.ts';
import { sql } from './sql.ts';
import { TLS_PARAMETERS, tlsOf } from './tls.ts';

interface NetworkedOptions extends PoolSizes {
  reachWithinMs: number;
  ca?: string | undefined;
  warn: Warn;
}

/** Limits of time are not among them: `pools.ts` has those that the session store needs. */
const PARAMETERS = [...TLS_PARAMETERS, 'host', 'application_name', 'options'];
const OLDEST_VERSION = 15;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 2_000;
const READ_VERSION = sql('read_version');

/** @throws EngineUrlError, SessionStoreError */
export async function openNetworked(url: string, options: NetworkedOptions): Promise<Database> {
  const server = serverOf(url);
  const database = new Database({ ...openPools(tlsOf(url, options.ca), options), warn: options.warn });
  try {
    requireVersion(await reach(database, server, options));
  } catch (error) {
    await database.close();
    throw error;
  }
  return database;
}

/** @param version as in server_version_num. @throws SessionStoreError `failed` */
export function requireVersion(version: number): void {
  const major = Math.floor(version / 10_000);
  if (major >= OLDEST_VERSION) return;
  throw new SessionStoreError(
    'failed',
    `PostgreSQL ${major} is too old: ${OLDEST_VERSION} or later is needed`,
  );
}

/** Asks for the version until the server answers. What repeating does not help is thrown at once. */
async function reach(database: Database, server: string, options: NetworkedOptions): Promise<number> {
  const deadline = Date.now() + options.reachWithinMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      const [row] = await database.query<{ version: number }>(READ_VERSION);
      return row?.version ?? 0;
    } catch (error) {
      if (!(error instanceof SessionStoreError)) throw error;
      const { code, retryable, message } = error;
      // A certificate may be renewed while we run; at the start somebody waits for an answer.
      if (!retryable || certificateFault(error) !== undefined)
        throw new SessionStoreError(code, `PostgreSQL at ${server}: ${message}`, { cause: error });
      if (Date.now() + pauseMs > deadline) {
        const seconds = Math.round(options.reachWithinMs / 1_000);
        const waited = `PostgreSQL at ${server} cannot be reached within ${seconds} s: ${message}`;
        throw new SessionStoreError(code, waited, { cause: error });
      }
      if (pauseMs === FIRST_PAUSE_MS)
        options.warn(`PostgreSQL at ${server} does not answer yet: waiting`, error);
      await delay(pauseMs);
    }
  }
}

/** For messages, which must not show the password. @throws EngineUrlError */
function serverOf(url: string): string {
  if (!URL.canParse(url)) {
    throw new EngineUrlError('the URL of PostgreSQL must be postgresql://user:password@host:port/database');
  }
  const { host, pathname, searchParams } = new URL(url);
  for (const name of searchParams.keys()) {
    if (PARAMETERS.includes(name)) continue;
    // It is the rest of a password with a question mark in it.
    if (name.includes('@')) throw new EngineUrlError('the URL of PostgreSQL is not percent-encoded');
    throw new EngineUrlError(
      `the URL of PostgreSQL: unknown parameter ${name}, known: ${PARAMETERS.join(', ')}`,
    );
  }
  return `${searchParams.get('host') ?? host}${pathname}`;
}
