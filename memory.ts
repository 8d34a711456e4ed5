import { totalmem } from 'node:os';

/** Bytes that there are for this process, in a container too. */
export function availableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
