/** How much memory an embedded server takes for the pages of its tables. */
import { totalmem } from 'node:os';

const MEBIBYTE = 1_024 ** 2;

/**
 * A sixteenth of the memory, since the rest is the analytics engine's. Once the sessions that come again are more than that, each
 * costs half as much again: pages are copied from the system's cache, and written to it, for every few of them. At most
 * a GiB: who has more sessions than fit into that has reason for a PostgreSQL of their own.
 *
 * @param memory bytes
 */
export function sharedBuffersMiB(memory: number): number {
  return Math.round(Math.min(1_024, Math.max(128, memory / 16 / MEBIBYTE)));
}

/** Bytes that there are for this process, in a container too. */
export function availableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}
