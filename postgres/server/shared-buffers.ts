/** How much memory an embedded server takes for the pages of its tables. */
const MEBIBYTE = 1_024 ** 2;

/**
 * A sixteenth of the memory, since the rest is the analytics engine's. Once the sessions that come again are more than that, each
 * costs half as much again: pages are copied from the system's cache, and written to it, for every few of them. At most
 * half a GiB, which is enough for two million visitors: who has more has reason for a PostgreSQL of their own.
 *
 * @param memory bytes
 */
export function sharedBuffersMiB(memory: number): number {
  return Math.round(Math.min(512, Math.max(128, memory / 16 / MEBIBYTE)));
}
