/** Waiting for a store that is away: the pauses grow to a bound, and end when the work is no longer wanted. */
import { setTimeout as pause } from 'node:timers/promises';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * Runs `work` until it succeeds. Rejects with an error that is not `retryable`, or when `signal` aborts. There is no
 * limit to the tries: an acknowledged event is never given up, so whoever waits must be able to abort.
 */
export async function persist<T>(
  work: () => Promise<T>,
  signal: AbortSignal,
  onRetry: (error: Error, pauseMs: number) => void,
): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    signal.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isRetryable(error)) throw error;
      onRetry(error, pauseMs);
      await pause(pauseMs, undefined, { signal });
    }
  }
}

export function isRetryable(error: unknown): error is Error {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}
