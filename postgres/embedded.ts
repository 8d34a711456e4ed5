/**
 * A PostgreSQL server of our own on local disk, shared by every process that opens the same folder.
 *
 * Each opener holds one connection as its lease, with a shared advisory lock on it. Who closes gives the lease up and
 * asks for the same lock exclusively: only the last one gets it, and stops the server unless some other client is
 * connected. Meanwhile newcomers are refused the lease and wait for the server to be down, so that nobody is given a
 * server about to stop. The locks die with their holders: a server whose owner was killed is simply adopted.
 *
 * States: `leased` (the server runs, calls go on at once) -> the lease's connection ends -> `lost` -> the next call
 * looks for the server, starts it where it is down, takes a lease -> `leased`. `stop` ends it from either.
 */
import { mkdir, realpath } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { EngineUrlError } from '../engine.ts';
import { LOCK_SPACE } from './advisory-lock.ts';
import type { Warn } from './database.ts';
import { SessionStoreError } from './port.ts';
import { serverAccount } from './server/account.ts';
import { findBinaries } from './server/binaries.ts';
import { clusterHome, ensureCluster, ROLE } from './server/cluster.ts';
import { Postmaster } from './server/postmaster.ts';
import { sql } from './sql.ts';
import { toStoreError } from './store-error.ts';

/** Beyond the numbers of `LOCKS`; held in the database `postgres`. */
const LEASE_LOCK = 2_000;

const REACH_WITHIN_MS = 180_000;
const CONNECT_WITHIN_MS = 10_000;
const MAX_STARTS = 7;
const FIRST_PAUSE_MS = 50;
const OTHERS_LEAVE_WITHIN_MS = 1_000;

const SQL = {
  tryShared: sql('try_lock_shared'),
  tryExclusive: sql('try_lock_exclusive'),
  unlockAll: sql('unlock_all'),
  countOtherClients: sql('count_other_clients'),
};

interface ConnectionConfig {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  ssl: false;
}

interface Lease {
  client: pg.Client;
  port: number;
}

export class EmbeddedServer {
  readonly #postmaster: Postmaster;
  readonly #password: string;
  readonly #warn: Warn;
  #lease: Lease | undefined;
  #reaching: Promise<Lease> | undefined;
  #stopped = false;

  private constructor(postmaster: Postmaster, password: string, warn: Warn) {
    this.#postmaster = postmaster;
    this.#password = password;
    this.#warn = warn;
  }

  /** @param folder absolute; made where it is missing. @throws EngineUrlError, SessionStoreError */
  static async open(folder: string, warn: Warn): Promise<EmbeddedServer> {
    if (/["$`\\\n]/.test(folder)) {
      throw new EngineUrlError(`${folder}: a quote, $, backquote or backslash cannot stand in the path`);
    }
    try {
      const binaries = await findBinaries();
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const home = await realpath(folder);
      const account = await serverAccount(clusterHome(home));
      const cluster = await ensureCluster(home, binaries, account);
      const server = new EmbeddedServer(new Postmaster(cluster, binaries, account), cluster.password, warn);
      await server.#reach();
      return server;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  /** How to connect now: at once while the server runs, after it has been started again otherwise. */
  async connection(): Promise<ConnectionConfig> {
    const { port } = this.#lease ?? (await this.#reach());
    return this.#config(port, ROLE);
  }

  /** Gives the lease up; the last one out stops the server. Close every other connection before. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#reaching?.catch((error) => this.#warn('the embedded PostgreSQL could not be reached', error));
    const client = this.#lease?.client;
    if (client === undefined) return;
    try {
      if (await this.#isLastOne(client)) await this.#postmaster.stop();
    } finally {
      await client.end();
    }
  }

  async #isLastOne(client: pg.Client): Promise<boolean> {
    try {
      return await isLastOne(client);
    } catch (error) {
      this.#warn('the embedded PostgreSQL went away while it was being closed', error);
      return false;
    }
  }

  #config(port: number, database: string): ConnectionConfig {
    return { host: '127.0.0.1', port, user: ROLE, password: this.#password, database, ssl: false };
  }

  /** Callers at the same time share one search. */
  #reach(): Promise<Lease> {
    if (this.#stopped) throw new SessionStoreError('failed', 'the embedded PostgreSQL is closed');
    this.#reaching ??= this.#search().finally(() => {
      this.#reaching = undefined;
    });
    return this.#reaching;
  }

  async #search(): Promise<Lease> {
    const deadline = Date.now() + REACH_WITHIN_MS;
    let starts = 0;
    let pauseMs = FIRST_PAUSE_MS;
    let cause: unknown;
    while (!this.#stopped && starts < MAX_STARTS && Date.now() < deadline) {
      try {
        const state = await this.#postmaster.state();
        if (state.at === 'down') {
          starts += 1;
          await this.#postmaster.start();
        } else if (state.at === 'ready') {
          const lease = await this.#takeLease(state.port);
          if (lease !== undefined) return lease;
        }
        if (state.at !== 'down') await delay(FIRST_PAUSE_MS);
      } catch (error) {
        if (isRefused(error)) throw toStoreError(error);
        // Somebody else may have started it first, or processes of a killed server still hold its memory.
        cause = error;
        await delay(pauseMs);
        pauseMs *= 2;
      }
    }
    throw new SessionStoreError('unavailable', `no embedded PostgreSQL: ${toStoreError(cause).message}`, {
      cause,
    });
  }

  /** Undefined while the server is about to stop. */
  async #takeLease(port: number): Promise<Lease | undefined> {
    const client = new pg.Client({
      ...this.#config(port, 'postgres'),
      application_name: 'footfall lease',
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      keepAlive: true,
    });
    client.on('error', (error) => {
      if (!this.#stopped) this.#warn('the embedded PostgreSQL went away', error);
    });
    await client.connect();
    const lease = { client, port };
    client.on('end', () => {
      if (this.#lease === lease) this.#lease = undefined;
    });
    if (!(await ask(client, SQL.tryShared))) {
      await client.end();
      return undefined;
    }
    this.#lease = lease;
    return lease;
  }
}

/** Class 28: the password or the user is wrong, and stays so. */
function isRefused(error: unknown): boolean {
  return error instanceof pg.DatabaseError && error.code?.startsWith('28') === true;
}

async function ask(client: pg.Client, statement: string): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>(statement, [LOCK_SPACE, LEASE_LOCK]);
  return rows[0]?.taken === true;
}

async function isLastOne(client: pg.Client): Promise<boolean> {
  await client.query(SQL.unlockAll);
  if (!(await ask(client, SQL.tryExclusive))) return false;
  // Connections that have just been closed take a moment to go.
  const deadline = Date.now() + OTHERS_LEAVE_WITHIN_MS;
  for (;;) {
    const { rows } = await client.query<{ clients: number }>(SQL.countOtherClients);
    if (rows[0]?.clients === 0) return true;
    if (Date.now() > deadline) return false;
    await delay(FIRST_PAUSE_MS);
  }
}
