/** What the role of Footfall may do, and what the server itself may do where root starts it. */
import { mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Account, serverAccount } from './account.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { capabilityFor } from './capability.ts';
import { type Cluster, clusterHome, ensureCluster } from './cluster.ts';
import { Postmaster } from './postmaster.ts';

const ROLE = 'footfall';
const NOT_ALLOWED = { code: '42501' };
const AS_ROOT = process.platform === 'linux' && process.getuid?.() === 0;
const BITS = { dac_override: 0b010, dac_read_search: 0b100 };

/** A server of its own, in a folder which only its owner may enter. */
class Scratch {
  readonly folder: string;
  readonly binaries: Binaries;
  readonly account: Account;
  readonly cluster: Cluster;
  readonly #postmaster: Postmaster;

  private constructor(folder: string, binaries: Binaries, account: Account, cluster: Cluster) {
    this.folder = folder;
    this.binaries = binaries;
    this.account = account;
    this.cluster = cluster;
    this.#postmaster = new Postmaster(cluster, binaries, account);
  }

  static async make(besides: string[] = []): Promise<Scratch> {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'footfall-cluster-')));
    for (const name of besides) await writeFile(join(folder, name), '');
    const binaries = await findBinaries();
    const account = await serverAccount(clusterHome(folder));
    return new Scratch(folder, binaries, account, await ensureCluster(folder, binaries, account));
  }

  async start(): Promise<void> {
    await this.#postmaster.start();
  }

  async stop(): Promise<void> {
    await this.#postmaster.stop();
  }

  async connect(user: string, database: string): Promise<pg.Client> {
    const state = await this.#postmaster.state();
    const client = new pg.Client({
      host: '127.0.0.1',
      port: state.at === 'ready' ? state.port : 0,
      user,
      password: this.cluster.password,
      database,
    });
    await client.connect();
    return client;
  }

  /** The effective capabilities of the server, a bit each. */
  async capabilities(): Promise<number> {
    const pid = Number.parseInt(await readFile(join(this.cluster.data, 'postmaster.pid'), 'utf8'), 10);
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number.parseInt(/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '', 16);
  }
}

describe('a new cluster', () => {
  let scratch: Scratch;
  let client: pg.Client;

  beforeAll(async () => {
    scratch = await Scratch.make();
    await scratch.start();
    client = await scratch.connect(ROLE, ROLE);
  });
  afterAll(async () => {
    await client.end();
    await scratch.stop();
    await rm(scratch.folder, { recursive: true });
  });

  it('has a database in which the role may do as it likes', async () => {
    await client.query('create table visit (id integer)');
    await client.query('drop table visit');
  });

  it('lets the role run no program and read no file of the server', async () => {
    for (const statement of [
      "copy (select 1) to program 'true'",
      "copy (select 1) to '/tmp/footfall-must-not-be'",
      "select pg_read_file('postgresql.conf')",
      "alter system set fsync = 'off'",
      'create role other superuser',
      'set role postgres',
    ]) {
      await expect(client.query(statement), statement).rejects.toMatchObject(NOT_ALLOWED);
    }
  });

  it('lets the role see who else is connected', async () => {
    const { rows } = await client.query<{ granted: boolean }>(
      "select pg_has_role('pg_read_all_stats', 'usage') as granted",
    );
    expect(rows).toEqual([{ granted: true }]);
  });

  it('lets nobody log in as the superuser', async () => {
    const { rows } = await client.query<{ name: string }>(
      'select rolname as name from pg_roles where rolsuper and rolcanlogin',
    );
    expect(rows).toEqual([]);
    await expect(scratch.connect('postgres', 'postgres')).rejects.toMatchObject({
      code: expect.stringMatching(/^28/),
    });
  });

  it('keeps no password but that of the role', async () => {
    expect((await readdir(scratch.cluster.home)).sort()).toEqual(['data', 'password', 'start.log']);
  });
});

describe.runIf(AS_ROOT)('a server that root starts', () => {
  it.each([
    { folder: 'of its own may be passed through', besides: [], mode: 0o701 },
    { folder: 'that is shared stays closed', besides: ['something'], mode: 0o700 },
  ])('has what it needs to reach its files, no more: a folder $folder', async ({ besides, mode }) => {
    const scratch = await Scratch.make(besides);
    const { folder, account, binaries } = scratch;
    expect((await stat(folder)).mode & 0o777).toBe(mode);
    onTestFinished(() => rm(folder, { recursive: true }));
    await scratch.start();
    onTestFinished(() => scratch.stop());
    const owner = account.owner ?? { uid: 0, gid: 0 };
    const needed = await capabilityFor(owner, clusterHome(folder), binaries.postgres);
    expect(await scratch.capabilities()).toBe(needed === undefined ? 0 : BITS[needed]);
  });
});
