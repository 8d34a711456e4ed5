/** Many instances on engines in the network: collectors, pipelines and query APIs as processes that an operator would run. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Ledger } from '../contract/ledger.ts';
import { freePort } from '../free-port.fixture.ts';
import { signToken } from '../query-api/auth.ts';
import { until } from './installation.ts';

const CLI = fileURLToPath(new URL('../bin/footfall.js', import.meta.url));
const READY_TIMEOUT_MS = 90_000;
const EXIT_TIMEOUT_MS = 60_000;
const RESTART_PAUSE_MS = 200;
/** Of tokens and of fingerprints. */
export const SECRET = 'a secret of the integrity tests, long enough';

export type Role = 'ingest' | 'pipeline' | 'query-api';

export interface FleetOptions {
  collectors: number;
  pipelines: number;
  apis: number;
  /** KAFKA_BROKERS, CLICKHOUSE_URL, DATABASE_URL, REDIS_URL, and what else they are told. */
  environment: Record<string, string>;
}

export class Instance {
  readonly role: Role;
  readonly name: string;
  readonly url: string;
  readonly #environment: Record<string, string>;
  readonly #output: WriteStream;
  #child: ChildProcess | undefined;
  #stopping = false;
  /** Times that it was started. */
  starts = 0;

  constructor(role: Role, name: string, port: number, environment: Record<string, string>, folder: string) {
    this.role = role;
    this.name = name;
    this.url = `http://127.0.0.1:${port}`;
    this.#environment = environment;
    this.#output = createWriteStream(join(folder, `${name}.log`), { flags: 'a' });
  }

  get isRunning(): boolean {
    return this.#child?.pid !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the process, and starts it again whenever it ends, until {@link stop}. */
  start(): void {
    this.#stopping = false;
    this.starts += 1;
    const child = spawn(process.execPath, [CLI, this.role], {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(this.#output, { end: false });
    child.stderr.pipe(this.#output, { end: false });
    child.once('exit', () => {
      if (!this.#stopping) setTimeout(() => !this.#stopping && this.start(), RESTART_PAUSE_MS);
    });
    this.#child = child;
  }

  async isReady(): Promise<boolean> {
    const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
    await answer?.arrayBuffer();
    return answer?.status === 200;
  }

  /** SIGKILL; it is started again at once. Answers whether there was a process to kill. */
  kill(): boolean {
    return this.isRunning && (this.#child?.kill('SIGKILL') ?? false);
  }

  /** SIGTERM, then waits. Answers the exit code. */
  async stop(): Promise<number | null> {
    this.#stopping = true;
    const child = this.#child;
    if (child === undefined || !this.isRunning) return child?.exitCode ?? null;
    child.kill('SIGTERM');
    await until(`the end of ${this.name}`, EXIT_TIMEOUT_MS, () => !this.isRunning);
    return child.exitCode;
  }

  destroy(): void {
    this.#stopping = true;
    this.#child?.kill('SIGKILL');
    this.#output.end();
  }
}

export class Fleet {
  /** Logs, and a data directory each. */
  readonly folder: string;
  readonly instances: Instance[];
  readonly #environment: Record<string, string>;

  private constructor(folder: string, instances: Instance[], environment: Record<string, string>) {
    this.folder = folder;
    this.instances = instances;
    this.#environment = environment;
  }

  static async create(options: FleetOptions): Promise<Fleet> {
    const folder = await mkdtemp(join(tmpdir(), 'footfall-fleet-'));
    const counts: [Role, number, string][] = [
      ['ingest', options.collectors, 'INGEST_PORT'],
      ['pipeline', options.pipelines, 'PIPELINE_PORT'],
      ['query-api', options.apis, 'API_PORT'],
    ];
    const instances: Instance[] = [];
    const environment = {
      JWT_SECRET: SECRET,
      FINGERPRINT_SECRET: SECRET,
      INGEST_RATE_LIMIT: '0',
      RATE_LIMIT_USER: '0',
      RATE_LIMIT_ANON: '0',
      LOG_LEVEL: 'info',
      UV_THREADPOOL_SIZE: '8',
      ...options.environment,
    };
    for (const [role, count, portVariable] of counts) {
      for (let n = 1; n <= count; n++) {
        const name = `${role}-${n}`;
        const port = await freePort();
        await mkdir(join(folder, name));
        const own = { ...environment, DATA_DIR: join(folder, name), [portVariable]: String(port) };
        instances.push(new Instance(role, name, port, own, folder));
      }
    }
    return new Fleet(folder, instances, environment);
  }

  /** Starts every instance and waits until all are ready. */
  async start(): Promise<void> {
    for (const instance of this.instances) instance.start();
    await this.ready();
  }

  async ready(): Promise<void> {
    for (const instance of this.instances) {
      await until(`${instance.name} to be ready (see ${this.folder})`, READY_TIMEOUT_MS, () =>
        instance.isReady(),
      );
    }
  }

  of(role: Role): Instance[] {
    return this.instances.filter((instance) => instance.role === role);
  }

  /** Asks a query API, whichever answers; any answer but 200 is an error. */
  async query<T>(path: string): Promise<T> {
    const token = await signToken({ staff: true, expiresIn: 600 }, SECRET);
    const [api] = this.of('query-api');
    const answer = await fetch(`${api?.url}/api/analytics/${path}`, {
      headers: { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(30_000),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  /** Waits until the log is counted, no spool holds a frame, and the ledger is in balance; answers the ledger. */
  async counted(timeoutMs: number): Promise<Ledger> {
    let ledger: Ledger | undefined;
    let why: unknown;
    await until('every beacon to be counted', timeoutMs, async () => {
      for (const { url, isRunning } of this.of('ingest')) {
        const metrics = isRunning ? await textOf(`${url}/metrics`) : '';
        if (!/^footfall_spool_frames 0$/m.test(metrics)) return false;
      }
      try {
        ledger = await this.query<Ledger>('pipeline/');
      } catch (error) {
        why = error;
        return false;
      }
      return ledger.balanced && ledger.partitions.every(({ lag_frames }) => lag_frames === 0);
    }).catch((cause: unknown) => {
      const last = JSON.stringify(ledger ?? String(why));
      throw new Error(`not counted; the last ledger: ${last}`, { cause });
    });
    if (ledger === undefined) throw new Error('no ledger');
    return ledger;
  }

  /** Runs a command of the command line against the engines of the fleet. @throws when it does not exit 0 */
  async run(...args: string[]): Promise<string> {
    const environment = { ...process.env, ...this.#environment, DATA_DIR: this.folder };
    const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], { env: environment });
    return stdout;
  }

  /** Lets every instance drain. Answers the exit codes by name. */
  async stop(): Promise<Record<string, number | null>> {
    const codes = await Promise.all(
      this.instances.map(async (instance) => [instance.name, await instance.stop()] as const),
    );
    return Object.fromEntries(codes);
  }

  async remove(): Promise<void> {
    for (const instance of this.instances) instance.destroy();
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function textOf(url: string): Promise<string> {
  return fetch(url).then(
    (answer) => answer.text(),
    () => '',
  );
}
