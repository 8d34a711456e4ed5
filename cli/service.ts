/**
 * The life of a service process: start, say ready, drain once on SIGTERM, SIGINT or when its supervisor is gone.
 *
 * To its supervisor it sends one {@link Ready} or {@link Failed} message. It exits 0 after a drain, {@link EXIT_CONFIG} when a restart
 * would not help, 1 otherwise.
 */
import type { Logger } from 'pino';
import { ConfigError } from '../config.ts';
import { UnknownEngineError } from '../engine.ts';

/** sysexits.h: EX_CONFIG */
export const EXIT_CONFIG = 78;
const NEWER = ['newer_schema', 'newer_layout'];
/** Whoever stops a service has to wait for longer. */
export const DRAIN_TIMEOUT_MS = 25_000;

export interface Running {
  /** Port by what it serves. */
  ports: Record<string, number>;
  close(): Promise<void>;
}

export interface Ready {
  ready: Record<string, number>;
}

export interface Failed {
  /** Why it could not start, for a person. */
  failed: string;
}

export async function runService(logger: Logger, start: () => Promise<Running>): Promise<void> {
  const stopRequested = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
    process.once('disconnect', () => resolve('the supervisor is gone'));
  });

  let running: Running;
  try {
    running = await start();
  } catch (error) {
    const hopeless = error instanceof ConfigError || error instanceof UnknownEngineError || isNewer(error);
    logger.fatal({ err: error }, 'cannot start');
    const failed: Failed = { failed: error instanceof Error ? error.message : String(error) };
    await tell(failed);
    process.exit(hopeless ? EXIT_CONFIG : 1);
  }
  const ready: Ready = { ready: running.ports };
  await tell(ready);
  logger.info({ ports: running.ports }, 'ready');

  const reason = await stopRequested;
  logger.info({ reason }, 'draining');
  const impatience = setTimeout(() => {
    logger.error('the drain took too long: what is not committed comes again after a start');
    process.exit(1);
  }, DRAIN_TIMEOUT_MS);
  try {
    await running.close();
  } catch (error) {
    logger.error({ err: error }, 'the drain failed: what is not committed comes again after a start');
    process.exit(1);
  }
  clearTimeout(impatience);
  logger.info('stopped');
  process.exit(0);
}

/** Whether a store was written by a newer version, whichever store it is. */
function isNewer(error: unknown): boolean {
  return error instanceof Error && 'code' in error && NEWER.includes(String(error.code));
}

/** Resolves when the supervisor, if there is one, has been told or cannot be. */
function tell(message: Ready | Failed): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, () => resolve());
  });
}
