/** nginx with our configuration, in front of services of this machine. Where it is missing, tests say so. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, it } from 'vitest';
import { readHere } from './compose.fixture.ts';

const NGINX = process.env.NGINX_PATH ?? '/usr/sbin/nginx';
const START_TIMEOUT_MS = 10_000;

export interface Edge {
  /** Where nginx listens for beacons and for the API. */
  ingest: string;
  api: string;
  close(): Promise<void>;
}

export function describeWithNginx(name: string, define: () => void): void {
  if (existsSync(NGINX)) describe(name, define);
  else if (process.env.REQUIRE_STACK === '1') {
    it(`${name}: needs nginx`, () => {
      throw new Error(`REQUIRE_STACK=1, but there is no nginx at ${NGINX}: set NGINX_PATH`);
    });
  } else it.skip(`${name} (no nginx at ${NGINX}: install it, or set NGINX_PATH)`, () => {});
}

/** @param upstreams port of this machine, by name of the service */
export async function startEdge(upstreams: { ingest: number; 'query-api': number }): Promise<Edge> {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-nginx-'));
  let nginx: ChildProcess | undefined;
  const close = async () => {
    if (nginx !== undefined && nginx.exitCode === null) {
      const ended = once(nginx, 'exit');
      nginx.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [ingestPort, apiPort] = await freePorts();
    const file = join(folder, 'nginx.conf');
    await writeFile(file, placedIn(folder, upstreams, { 8080: ingestPort, 8000: apiPort }));
    const options = ['-p', folder, '-c', file, '-e', 'stderr'];
    await promisify(execFile)(NGINX, ['-t', ...options]);
    nginx = spawn(NGINX, [...options, '-g', 'daemon off; master_process off;'], { stdio: 'inherit' });
    const edge = { ingest: `http://127.0.0.1:${ingestPort}`, api: `http://127.0.0.1:${apiPort}`, close };
    await listening(nginx, edge.ingest);
    return edge;
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * What belongs to the container is replaced: Docker's name server and the names that it knows, which a free nginx before
 * 1.27.3 does not look up again either, ports, folders, and the account.
 */
function placedIn(
  folder: string,
  upstreams: Record<string, number>,
  listens: Record<string, number>,
): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return readHere('deploy/nginx.conf')
    .replace(/^user .*$/m, '')
    .replace(/^pid .*$/m, `pid ${folder}/nginx.pid;`)
    .replace(/^ *resolver .*$/m, temporary.map((what) => `  ${what}_temp_path ${folder}/${what};`).join('\n'))
    .replace(/server (\S+):\d+ resolve;/g, (_, name: string) => `server 127.0.0.1:${upstreams[name]};`)
    .replace(/listen (\d+);/g, (_, port: string) => `listen 127.0.0.1:${listens[port]};`);
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    if (typeof address === 'object' && address !== null) ports.push(address.port);
  }
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  const [first = 0, second = 0] = ports;
  return [first, second];
}

async function listening(nginx: ChildProcess, origin: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      await (await fetch(`${origin}/healthz`)).arrayBuffer();
      return;
    } catch (cause) {
      if (nginx.exitCode !== null || Date.now() > deadline)
        throw new Error('nginx does not start', { cause });
    }
  }
}
