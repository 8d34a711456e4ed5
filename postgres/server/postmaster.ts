/** Starts, stops and watches the server process of a cluster; `postmaster.pid` is PostgreSQL's own word on it. */
import { execFile } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { isCode } from '../../file-system.ts';
import { SessionStoreError } from '../port.ts';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { Cluster } from './cluster.ts';

/** Recovery after a crash replays at most `max_wal_size`. */
const START_TIMEOUT_SECONDS = 120;
const STOP_TIMEOUT_SECONDS = 60;
const STOP_POLL_MS = 20;
const SECOND = 1_000;

/** For a small machine that shares its memory with an analytics engine; durability is PostgreSQL's full one. */
const SETTINGS: Record<string, string | number> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 50,
  // Nobody logs in as one.
  superuser_reserved_connections: 0,
  // The rest of the memory is the analytics engine's, and the system's cache has what is not here.
  shared_buffers: '128MB',
  max_wal_size: '2GB',
  fsync: 'on',
  synchronous_commit: 'on',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // A ring of seven files, one a day of the week.
  logging_collector: 'on',
  log_directory: 'log',
  log_filename: 'postgresql-%a.log',
  log_rotation_age: '1d',
  log_rotation_size: 0,
  log_truncate_on_rotation: 'on',
};

type ServerState = { at: 'down' } | { at: 'between' } | { at: 'ready'; port: number };

export class Postmaster {
  readonly #cluster: Cluster;
  readonly #binaries: Binaries;
  readonly #account: Account;

  constructor(cluster: Cluster, binaries: Binaries, account: Account) {
    this.#cluster = cluster;
    this.#binaries = binaries;
    this.#account = account;
  }

  /** `between` while it starts or stops. A file that a reset left behind counts as `down`. */
  async state(): Promise<ServerState> {
    const text = await readIfThere(this.#pidFile);
    if (text === undefined) return { at: 'down' };
    // https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/utils/pidfile.h
    const [pid, , , port, , , , status] = text.split('\n');
    if (!(await this.#isOurs(Number(pid)))) return { at: 'down' };
    if (status?.trim() !== 'ready') return { at: 'between' };
    return { at: 'ready', port: Number(port) };
  }

  /** @throws SessionStoreError `failed`, also when somebody else started it first */
  async start(): Promise<void> {
    await this.#forgetReusedPid();
    const log = join(this.#cluster.home, 'start.log');
    await rm(log, { force: true });
    const options = Object.entries({ ...SETTINGS, port: await freePort() });
    try {
      await this.#pgCtl(
        [
          ...['start', '-w', '-t', String(START_TIMEOUT_SECONDS), '-l', log],
          ...['-o', options.map(([name, value]) => `-c ${name}=${value}`).join(' ')],
        ],
        START_TIMEOUT_SECONDS,
      );
    } catch (cause) {
      const said = (await readIfThere(log))?.trim() ?? '';
      throw new SessionStoreError('failed', `the embedded PostgreSQL did not start: ${said}`, { cause });
    }
  }

  /** @throws SessionStoreError `failed` when it still runs after a minute */
  async stop(): Promise<void> {
    const pid = await this.#pid();
    // Without -w: pg_ctl would take the next server for this one when somebody starts it at once.
    await this.#pgCtl(['stop', '-m', 'fast', '-W'], STOP_TIMEOUT_SECONDS);
    const deadline = Date.now() + STOP_TIMEOUT_SECONDS * SECOND;
    while ((await this.#pid()) === pid && isAlive(pid)) {
      if (Date.now() > deadline) {
        throw new SessionStoreError('failed', `the embedded PostgreSQL, process ${pid}, does not stop`);
      }
      await delay(STOP_POLL_MS);
    }
  }

  /** What the file says; NaN when there is none. */
  async #pid(): Promise<number> {
    return Number.parseInt((await readIfThere(this.#pidFile)) ?? '', 10);
  }

  get #pidFile(): string {
    return join(this.#cluster.data, 'postmaster.pid');
  }

  async #pgCtl(args: string[], timeoutSeconds: number): Promise<void> {
    await this.#account.run(this.#binaries.pg_ctl, ['-D', this.#cluster.data, ...args], {
      timeoutMs: (timeoutSeconds + 10) * SECOND,
    });
  }

  /** PostgreSQL refuses to start while any process has the pid of the file, as happens in a restarted container. */
  async #forgetReusedPid(): Promise<void> {
    const pid = await this.#pid();
    if (isAlive(pid) && !(await this.#isOurs(pid))) await rm(this.#pidFile, { force: true });
  }

  /** Whether the process lives and is the server of this cluster. One that cannot be looked at is taken to be. */
  async #isOurs(pid: number): Promise<boolean> {
    if (!isAlive(pid)) return false;
    const command = await commandOf(pid);
    if (command === undefined) return true;
    const words = `${command.replaceAll('\0', ' ')} `;
    return basename(words.split(' ')[0] ?? '') === 'postgres' && words.includes(` ${this.#cluster.data} `);
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return isCode(error, 'EPERM');
  }
}

/** The command line of a process; undefined where the system does not show it. */
async function commandOf(pid: number): Promise<string | undefined> {
  try {
    if (process.platform === 'linux') return await readFile(`/proc/${pid}/cmdline`, 'utf8');
    return (await promisify(execFile)('ps', ['-ww', '-o', 'args=', '-p', String(pid)])).stdout;
  } catch {
    return undefined;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
