/**
 * The life of a service process: start, say ready, drain once on SIGTERM, SIGINT or when its supervisor is gone.
 *
 * To its supervisor it sends one {@link Ready} or {@link Failed} message. It exits 0 after a drain, 78 when a restart
 * would not help, 1 otherwise.
 */
import type { Logger } from 'pino';
import { Opened } from './opened.ts';
import { exitCodeOf, isRefusal } from './refusal.ts';

/** Whoever stops a service has to wait for longer. */
export const DRAIN_TIMEOUT_MS = 25_000;

export interface Running {
  /** Port by what it serves. */
  ports: Record<string, number>;
}

export interface Ready {
  ready: Record<string, number>;
}

export interface Failed {
  /** Why it could not start, for a person. */
  failed: string;
}

/** @param start adds to `opened` all that is to be closed, at the drain or when it fails */
export async function runService(logger: Logger, start: (opened: Opened) => Promise<Running>): Promise<void> {
  const stopRequested = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve(signal));
    process.once('disconnect', () => resolve('the supervisor is gone'));
  });

  const opened = new Opened();
  let running: Running;
  try {
    running = await start(opened);
  } catch (error) {
    // A supervisor says it, once for all that refuse for the same reason.
    if (!isRefusal(error)) logger.fatal({ err: error }, 'cannot start');
    else if (process.send === undefined) logger.fatal(`cannot start: ${error.message}`);
    const failed: Failed = { failed: error instanceof Error ? error.message : String(error) };
    await tell(failed);
    // An embedded database server would outlive this process.
    await closeInTime(opened, logger);
    process.exit(exitCodeOf(error));
  }
  const ready: Ready = { ready: running.ports };
  await tell(ready);
  logger.info({ ports: running.ports }, 'ready');

  const reason = await stopRequested;
  logger.info({ reason }, 'draining');
  if (!(await closeInTime(opened, logger))) process.exit(1);
  logger.info('stopped');
  process.exit(0);
}

/** Ends the process where it takes too long. Answers whether all is closed. */
async function closeInTime(opened: Opened, logger: Logger): Promise<boolean> {
  const impatience = setTimeout(() => {
    logger.error('the drain took too long: what is not committed comes again after a start');
    process.exit(1);
  }, DRAIN_TIMEOUT_MS);
  try {
    await opened.close();
    return true;
  } catch (error) {
    logger.error({ err: error }, 'the drain failed: what is not committed comes again after a start');
    return false;
  } finally {
    clearTimeout(impatience);
  }
}

/** Resolves when the supervisor, if there is one, has been told or cannot be. */
function tell(message: Ready | Failed): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) resolve();
    else process.send(message, () => resolve());
  });
}
