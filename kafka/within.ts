/** A limit to how long one waits. What was waited for may still end, and nobody listens to it any more. */
import { LogError } from './port.ts';

/** @throws LogError `unavailable` when `work` has not ended in time; what `work` rejects with */
export function within<T>(ms: number, what: string, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new LogError('unavailable', `${what} has not ended within ${ms} ms`)),
      ms,
    );
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
