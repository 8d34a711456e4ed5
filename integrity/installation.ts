/** An installation of its own for a test: real processes, a folder under the system's temporary one, free ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { VisitorStats } from '../contract/query.ts';
import { freePort } from '../free-port.fixture.ts';

const CLI = fileURLToPath(new URL('../bin/footfall.js', import.meta.url));
const READY_TIMEOUT_MS = 60_000;
const EXIT_TIMEOUT_MS = 40_000;

export type Kill = 'collector' | 'pipeline' | 'everything';

export class Installation {
  readonly folder: string;
  readonly collector: string;
  readonly api: string;
  /** What its processes and jobs are told. */
  readonly environment: Record<string, string>;
  #root: ChildProcess | undefined;
  #output = '';
  #token = '';

  private constructor(
    folder: string,
    ingestPort: number,
    apiPort: number,
    environment: Record<string, string>,
  ) {
    this.folder = folder;
    this.collector = `http://127.0.0.1:${ingestPort}`;
    this.api = `http://127.0.0.1:${apiPort}`;
    this.environment = {
      DATA_DIR: folder,
      INGEST_PORT: String(ingestPort),
      API_PORT: String(apiPort),
      INGEST_RATE_LIMIT: '0',
      RATE_LIMIT_USER: '0',
      RATE_LIMIT_ANON: '0',
      LOG_LEVEL: 'info',
      ...environment,
    };
  }

  static async create(environment: Record<string, string> = {}): Promise<Installation> {
    const folder = await mkdtemp(join(tmpdir(), 'footfall-'));
    const [ingestPort, apiPort] = [await freePort(), await freePort()];
    return new Installation(folder, ingestPort, apiPort, environment);
  }

  /** All that the processes have printed. */
  get output(): string {
    return this.#output;
  }

  /** Starts everything, as `npm start` does, and waits until it says that it is ready. */
  async start(...options: string[]): Promise<void> {
    const root = spawn(process.execPath, [CLI, 'all', ...options], {
      env: { ...process.env, ...this.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#root = root;
    let printed = '';
    const listen = (chunk: Buffer) => {
      printed += chunk;
      this.#output += chunk;
    };
    root.stdout.on('data', listen);
    root.stderr.on('data', listen);
    await until('Footfall is ready', READY_TIMEOUT_MS, () => {
      if (root.exitCode !== null) throw new Error(`it ended with ${root.exitCode}:\n${printed}`);
      return printed.includes('Footfall is ready') && printed.includes('visitors/today/');
    });
    this.#token = /Bearer ([^']+)'/.exec(printed)?.[1] ?? '';
  }

  get token(): string {
    return this.#token;
  }

  /** SIGTERM, then waits. Answers the exit code. */
  async stop(): Promise<number | null> {
    const root = this.#root;
    this.#root = undefined;
    if (root === undefined || root.exitCode !== null) return root?.exitCode ?? null;
    root.kill('SIGTERM');
    await until('the end', EXIT_TIMEOUT_MS, () => root.exitCode !== null || root.signalCode !== null);
    return root.exitCode;
  }

  /**
   * SIGKILL. Answers whether there was anybody to kill. A single service is started again by its supervisor; after
   * everything, PostgreSQL included, call {@link start}.
   */
  async kill(what: Kill): Promise<boolean> {
    const root = this.#root;
    if (root?.pid === undefined) throw new Error('it does not run');
    if (what === 'everything') {
      const pids = [root.pid, ...descendants(root.pid), ...postmaster(this.folder)];
      for (const pid of pids) signal(pid);
      await until('the end', EXIT_TIMEOUT_MS, () => pids.every((pid) => !isAlive(pid)));
      this.#root = undefined;
      return true;
    }
    const child = this.pidOf(what);
    if (child === undefined) return false;
    signal(child);
    return true;
  }

  /** All that run and name its folder on their command line, as the database server does, whoever has started them. */
  get servers(): number[] {
    const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
    return pids.filter((pid) => commandLine(pid).some((argument) => argument.startsWith(this.folder)));
  }

  /** Of the process that `npm start` is, which has started the others. */
  get pid(): number | undefined {
    return this.#root?.pid;
  }

  /** The pipeline's process is that of the query API, too. */
  pidOf(service: 'collector' | 'pipeline'): number | undefined {
    const argument = service === 'collector' ? 'ingest' : 'pipeline';
    return children(this.#root?.pid ?? 0).find((pid) => commandLine(pid).includes(argument));
  }

  /** Asks the query API; any answer but 200 is an error. */
  async query<T>(path: string): Promise<T> {
    const answer = await fetch(`${this.api}/api/analytics/${path}`, {
      headers: { Authorization: `Bearer ${this.#token}` },
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Runs a command of the command line against this installation. */
  async run(...args: string[]): Promise<{ code: number | null; output: string }> {
    const child = spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ...this.environment } });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.stderr.on('data', (chunk) => {
      output += chunk;
    });
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, output };
  }

  async remove(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Asks until `condition` is true. */
export async function until(
  what: string,
  timeoutMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What `visitors/` says once the return intervals have all page views, or after a minute in which they do not. */
export async function statsOnceUpToDate(
  query: (path: string) => Promise<VisitorStats>,
  pageViews: number,
): Promise<VisitorStats> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const stats = await query('visitors/');
    if (stats.total_page_views === pageViews || Date.now() > deadline) return stats;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function children(pid: number): number[] {
  try {
    const list = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return list.trim().split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

function descendants(pid: number): number[] {
  return children(pid).flatMap((child) => [child, ...descendants(child)]);
}

/** The database server has left the tree: it is found by the file that it writes. */
function postmaster(folder: string): number[] {
  const file = join(folder, 'postgres', 'cluster', 'data', 'postmaster.pid');
  return existsSync(file) ? [Number(readFileSync(file, 'utf8').split('\n', 1)[0])] : [];
}

function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function signal(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
