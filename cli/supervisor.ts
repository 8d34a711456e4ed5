/**
 * Runs services as processes of their own, so that one's crash or long query never refuses a beacon of the other.
 *
 * A service that dies is started again after a pause that doubles up to {@link LONGEST_PAUSE_MS}. It gives up, and
 * the whole with it, when the service says that a restart would not help, or dies {@link MAX_FAILED_STARTS} times without ever being ready.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../config.ts';
import { EXIT_CONFIG, exitCodeOf } from './refusal.ts';
import type { Failed, Ready } from './service.ts';

const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
const MAX_FAILED_STARTS = 6;
const STOP_TIMEOUT_MS = 30_000;
/** chDB and file system work share libuv's pool; the default of 4 lets a long query hold up the others. */
const UV_THREADPOOL_SIZE = '16';

const CLI = fileURLToPath(new URL('../bin/footfall.js', import.meta.url));

export interface Service {
  name: string;
  args: string[];
  environment?: Record<string, string>;
}

export interface Supervisor {
  /** Ports by what they serve, once every service is ready. Rejects when one gives up before. */
  ready: Promise<Record<string, number>>;
  /** Rejects when a service gives up: with ConfigError where a restart would not help. */
  failed: Promise<never>;
  /** Lets every service drain. Answers whether all of them ended well. */
  stop(): Promise<boolean>;
}

export function supervise(services: Service[], onRestart: (name: string, why: string) => void): Supervisor {
  let stopping = false;
  const children = new Map<string, ChildProcess>();
  const pauses = new Set<NodeJS.Timeout>();
  let giveUp: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  failed.catch(() => {});

  function run(service: Service): Promise<Record<string, number>> {
    return new Promise((resolve) => {
      let pauseMs = FIRST_PAUSE_MS;
      let failedStarts = 0;

      const start = () => {
        const child = spawn(process.execPath, [CLI, ...service.args], {
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
          env: { UV_THREADPOOL_SIZE, ...process.env, ...service.environment },
        });
        children.set(service.name, child);
        let reason: string | undefined;
        child.on('message', (message: Ready | Failed) => {
          if ('failed' in message) {
            reason = message.failed;
            return;
          }
          pauseMs = FIRST_PAUSE_MS;
          failedStarts = Number.NEGATIVE_INFINITY;
          resolve(message.ready);
        });
        child.once('error', (error) =>
          giveUp(new Error(`${service.name} cannot be started`, { cause: error })),
        );
        child.once('exit', (code, signal) => {
          children.delete(service.name);
          if (stopping) return;
          failedStarts += 1;
          const why = reason ?? signal ?? `exit code ${code}`;
          if (code === EXIT_CONFIG) return giveUp(new ConfigError(`${service.name} cannot run: ${why}`));
          if (failedStarts >= MAX_FAILED_STARTS) {
            return giveUp(new Error(`${service.name} cannot run: ${why}`));
          }
          onRestart(service.name, why);
          const pause = setTimeout(() => {
            pauses.delete(pause);
            start();
          }, pauseMs);
          pauses.add(pause);
          pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
        });
      };
      start();
    });
  }

  const ready = Promise.all(services.map(run)).then(
    (ports): Record<string, number> => Object.assign({}, ...ports),
  );

  return {
    ready: Promise.race([ready, failed]),
    failed,
    async stop() {
      stopping = true;
      for (const pause of pauses) clearTimeout(pause);
      const ended = await Promise.all([...children.values()].map(stopChild));
      return ended.every(Boolean);
    },
  };
}

/** Runs services until one gives up, or this process is told to stop: then lets them drain, and exits. */
export async function runTogether(services: Service[]): Promise<void> {
  const supervisor = supervise(services, sayRestart);
  const stopRequested = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
  try {
    await Promise.race([stopRequested, supervisor.failed]);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = exitCodeOf(error);
  }
  if (!(await supervisor.stop())) process.exitCode ??= 1;
  process.exit();
}

export function sayRestart(name: string, why: string): void {
  console.error(`${name} ended (${why}), starting it again`);
}

function stopChild(child: ChildProcess): Promise<boolean> {
  return new Promise((resolve) => {
    const impatience = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    child.once('exit', (code, signal) => {
      clearTimeout(impatience);
      // A child that had not begun to listen to signals had nothing to drain.
      resolve(code === 0 || signal === 'SIGTERM');
    });
    child.kill('SIGTERM');
  });
}
