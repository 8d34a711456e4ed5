/** Redis servers of a test's own, to be stopped, killed and started again. `redis-server` has to be installed. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { expect, vi } from 'vitest';
import { freePort } from '../free-port.fixture.ts';

const CLUSTER_NODES = 3;

export class RedisServer {
  readonly port: number;
  readonly #folder: string;
  readonly #options: string[];
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: string, options: string[]) {
    this.port = port;
    this.#folder = folder;
    this.#options = options;
  }

  static async start(...options: string[]): Promise<RedisServer> {
    const folder = await mkdtemp(join(tmpdir(), 'footfall-redis-'));
    const server = new RedisServer(await freePort(), folder, options);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** On the port it had before. */
  async start(): Promise<void> {
    const own = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.#folder, '--save', ''];
    this.#process = spawn('redis-server', [...own, ...this.#options], { stdio: 'ignore' });
    await vi.waitFor(async () => expect(await this.ask('PING')).toBe('PONG'), { timeout: 20_000 });
  }

  signal(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  async kill(): Promise<void> {
    const process = this.#process;
    if (process === undefined) return;
    this.#process = undefined;
    const ended = once(process, 'exit');
    process.kill('SIGKILL');
    await ended;
  }

  /** By a connection of its own. */
  async ask(command: string, ...args: string[]): Promise<unknown> {
    const client = new Redis({ host: '127.0.0.1', port: this.port, retryStrategy: null, lazyConnect: true });
    client.on('error', () => {});
    try {
      await client.connect();
      return await client.call(command, ...args);
    } finally {
      client.disconnect();
    }
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A cluster of masters without replicas. */
export async function startCluster(): Promise<{ nodes: RedisServer[]; url: string }> {
  const nodes: RedisServer[] = [];
  for (let i = 0; i < CLUSTER_NODES; i++) {
    const options = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '1000'];
    nodes.push(await RedisServer.start(...options, '--cluster-port', `${await freePort()}`));
  }
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await promisify(execFile)('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes']);
  for (const node of nodes) {
    await vi.waitFor(async () => expect(await node.ask('CLUSTER', 'INFO')).toContain('cluster_state:ok'), {
      timeout: 20_000,
    });
  }
  return { nodes, url: `redis+cluster://${addresses.join(',')}` };
}
