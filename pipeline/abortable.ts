/**
 * As `work`, but rejects as soon as `signal` aborts. The work goes on by itself, and what becomes of it is of no
 * interest any more: so it must be of the kind that is refused where it is too late.
 */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
