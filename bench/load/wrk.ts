/** As many requests as a server answers, each connection the next one after its answer: wrk, https://github.com/wg/wrk. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onCore } from './cores.ts';

const SCRIPT = fileURLToPath(new URL('./wrk.lua', import.meta.url));

export interface Throughput {
  requests: number;
  seconds: number;
  /** ms */
  p50: number;
  p99: number;
  max: number;
  /** Answered with another status than 2xx or 3xx. */
  refused: number;
  /** Not answered. */
  failed: number;
}

export async function saturate(load: {
  port: number;
  requestsFile: string;
  connections: number;
  seconds: number;
  core?: number;
}): Promise<Throughput> {
  const wrk = ['wrk', '-t1', `-c${load.connections}`, `-d${Math.ceil(load.seconds)}s`, '-s', SCRIPT];
  const [command = '', ...args] = onCore(load.core, [
    ...wrk,
    `http://127.0.0.1:${load.port}`,
    '--',
    load.requestsFile,
  ]);
  const { stdout } = await promisify(execFile)(command, args).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error('wrk is needed: apt-get install wrk, brew install wrk') : error;
  });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
}
