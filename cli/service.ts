/**
 * The life of a service process: start, say ready, drain once on SIGTERM, SIGINT or when its supervisor is gone.
 *
 * To its supervisor it sends one {@link Ready} message. It exits 0 after a drain, {@link EXIT_CONFIG} when a restart
 * would not help, 1 otherwise.
 */
import type { Logger } from 'pino';
import { ConfigError } from '../config.ts';
import { UnknownEngineError } from '../engine.ts';

/** sysexits.h: EX_CONFIG */
export const EXIT_CONFIG = 78;
const DRAIN_TIMEOUT_MS = 25_000;

export interface Running {
  /** Port by what it serves. */
  ports: Record<string, number>;
  close(): Promise<void>;
}

export interface Ready {
  ready: Record<string, number>;
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
    const hopeless = error instanceof ConfigError || error instanceof UnknownEngineError;
    logger.fatal({ err: error }, 'cannot start');
    process.exit(hopeless ? EXIT_CONFIG : 1);
  }
  const ready: Ready = { ready: running.ports };
  process.send?.(ready);
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
