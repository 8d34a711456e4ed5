/** The servers that are compared: each in a fresh process on one core, in a fresh folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../free-port.fixture.ts';
import { onCore } from '../load/cores.ts';

const READY_TIMEOUT_MS = 60_000;
const COMMANDS = {
  footfall: [process.execPath, path('../../bin/footfall.js'), 'ingest'],
  bare: [process.execPath, '--import', 'tsx', path('./bare.child.ts')],
  fastify: [process.execPath, '--import', 'tsx', path('./fastify.child.ts')],
} as const satisfies Record<string, string[]>;

export type ServerName = keyof typeof COMMANDS;
export const SERVERS = Object.keys(COMMANDS) as ServerName[];

export interface Server {
  readonly pid: number;
  readonly port: number;
  /** Where it has its log. */
  readonly folder: string;
  /** Ends it; its folder stays. */
  terminate(): Promise<void>;
  stop(): Promise<void>;
}

export async function startServer(
  name: ServerName,
  core: number | undefined,
  environment: Record<string, string> = {},
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'footfall-bench-'));
  const port = Number(environment.INGEST_PORT ?? (await freePort()));
  const [command = '', ...args] = onCore(core, [...COMMANDS[name]]);
  const child = spawn(command, args, {
    env: {
      ...process.env,
      NODE_ENV: 'production',
      DATA_DIR: folder,
      INGEST_PORT: String(port),
      // Visitors come by a proxy on this machine, and their addresses are limited as by default.
      TRUSTED_PROXIES: '127.0.0.1',
      LOG_LEVEL: 'warn',
      ...environment,
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  async function terminate(): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill();
    await once(child, 'exit');
  }
  async function stop(): Promise<void> {
    await terminate();
    rmSync(folder, { recursive: true, force: true });
  }
  try {
    await ready(child, port);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid ?? 0, port, folder, terminate, stop };
}

async function ready(child: ChildProcess, port: number): Promise<void> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  while (performance.now() < deadline) {
    if (child.exitCode !== null) throw new Error(`the server has ended with ${child.exitCode}`);
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined);
    if (answer?.ok) return;
    await pause(50);
  }
  throw new Error('the server is not ready');
}

function path(relative: string): string {
  return fileURLToPath(new URL(relative, import.meta.url));
}
