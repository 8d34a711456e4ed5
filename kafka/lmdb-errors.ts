/** What the embedded log says when its disk fails. */
import { LogError } from './port.ts';

/** Awaits a write; a failed commit says why in a promise of its own. @throws LogError `unavailable` */
export async function durable<T>(path: string, write: Promise<T>): Promise<T> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof LogError) throw error;
    throw unavailable(`cannot write to ${path}`, await reasonOf(error));
  }
}

async function reasonOf(error: unknown): Promise<unknown> {
  if (!(error instanceof Error && 'commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (reason) {
    return reason;
  }
}

export function unavailable(what: string, cause: unknown): LogError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LogError('unavailable', `${what}: ${why}`, { cause });
}
