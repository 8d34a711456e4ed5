/** What a failure of kafkajs means, and how long one waits. */
import { setTimeout as delay } from 'node:timers/promises';
import { certificateFault } from '../trust.ts';
import { LogError } from './port.ts';

/** The protocol's name of the first error in the chain of causes that has one, such as `REBALANCE_IN_PROGRESS`. */
export function protocolError(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('type' in cause && typeof cause.type === 'string') return cause.type;
  }
  return undefined;
}

export function wordsOf(error: unknown): string {
  return certificateFault(error) ?? (error instanceof Error ? error.message : String(error));
}

export function unavailable(what: string, cause: unknown): LogError {
  if (cause instanceof LogError) return cause;
  return new LogError('unavailable', `${what}: ${wordsOf(cause)}`, { cause });
}

/**
 * kafkajs retries and reconnects inside many of its calls; this is when nobody waits any longer.
 *
 * @throws LogError `unavailable`
 */
export async function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    const late = new LogError('unavailable', `${what}: no answer within ${ms} ms`);
    timer = setTimeout(() => reject(late), ms);
  });
  try {
    return await Promise.race([work, timeout]);
  } catch (cause) {
    throw unavailable(what, cause);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits so long, or until `end`. */
export async function pause(ms: number, end: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal: end });
  } catch (error) {
    if (!end.aborted) throw error;
  }
}
