/** Databases of their own on the server of the test stack, and what is done to them from outside. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { openSessions, type SessionsOptions } from './open.ts';
import type { SessionStore } from './port.ts';
import { type Account, serverAccount } from './server/account.ts';
import { type Binaries, findBinaries } from './server/binaries.ts';
import { type Cluster, clusterHome, ensureCluster, ROLE } from './server/cluster.ts';
import { Postmaster } from './server/postmaster.ts';

/** A new database with those who opened it; `drop` closes them all. */
export class ScratchDatabase {
  readonly name: string;
  readonly url: string;
  /** A look at the tables, and hands on the server. */
  readonly pool: pg.Pool;
  readonly #address: string;
  #stores: SessionStore[] = [];

  private constructor(address: string, name: string) {
    this.#address = address;
    this.name = name;
    const url = new URL(address);
    url.pathname = `/${name}`;
    this.url = url.href;
    this.pool = new pg.Pool({ connectionString: this.url, max: 2, application_name: 'test' });
    this.pool.on('error', () => {});
  }

  static async create(address: string): Promise<ScratchDatabase> {
    const name = `footfall_test_${randomBytes(6).toString('hex')}`;
    await execute(address, `create database ${name}`);
    return new ScratchDatabase(address, name);
  }

  async open(options: Partial<SessionsOptions> & { url?: string } = {}): Promise<SessionStore> {
    const { url = this.url, ...rest } = options;
    const store = await openSessions(url, { sessionTimeoutMs: 1, ...rest });
    this.#stores.push(store);
    return store;
  }

  /** Ends every connection but those of `pool`, as a restart of the server does. */
  async severAll(): Promise<void> {
    await this.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and application_name <> 'test'`,
    );
  }

  async drop(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
    await this.pool.end();
    await execute(this.#address, `drop database ${this.name} with (force)`);
  }
}

async function execute(address: string, statement: string): Promise<void> {
  const client = new pg.Client(address);
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** A server that tests may kill and start again, with a password, on another port after each start. */
export class OwnServer {
  readonly #folder: string;
  readonly #cluster: Cluster;
  readonly #binaries: Binaries;
  readonly #account: Account;
  readonly #postmaster: Postmaster;
  #port = 0;

  private constructor(folder: string, cluster: Cluster, binaries: Binaries, account: Account) {
    this.#folder = folder;
    this.#cluster = cluster;
    this.#binaries = binaries;
    this.#account = account;
    this.#postmaster = new Postmaster(cluster, binaries, account);
  }

  /** Not started yet. */
  static async make(): Promise<OwnServer> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'footfall-server-')));
    const binaries = await findBinaries();
    const account = await serverAccount(clusterHome(folder));
    return new OwnServer(folder, await ensureCluster(folder, binaries, account), binaries, account);
  }

  /** While it is down, an address where nobody listens. */
  url(password = this.#cluster.password): string {
    return `postgresql://${ROLE}:${encodeURIComponent(password)}@127.0.0.1:${this.#port || 1}/${ROLE}`;
  }

  async start(): Promise<void> {
    await this.#postmaster.start();
    const state = await this.#postmaster.state();
    this.#port = state.at === 'ready' ? state.port : 0;
  }

  /** As `kill -9` of all its processes, but for the memory that it gives back. */
  async crash(): Promise<void> {
    this.#port = 0;
    const args = ['-D', this.#cluster.data, 'stop', '-m', 'immediate', '-w'];
    await this.#account.run(this.#binaries.pg_ctl, args, { timeoutMs: 60_000 });
  }

  async remove(): Promise<void> {
    if (this.#port !== 0) await this.#postmaster.stop();
    await rm(this.#folder, { recursive: true });
  }
}
