/**
 * What tells a repeat: the visitor and the event id, as 96 bits of a hash whose seed is made by chance at each start. A third of them
 * says with which others the rest is compared (`key-table.ts`). At 25,000 events a second, and 64 others for each, two are taken for
 * one once in 300,000 years.
 */
import { randomInt } from 'node:crypto';
import { murmurHash } from '../murmur-hash.ts';

export interface EventKey {
  /** 32 bits, as are all. */
  readonly a: number;
  /** Not 0. */
  readonly b: number;
  readonly c: number;
}

const SEED = randomInt(2 ** 32);
const words = new Int32Array(4);

/** @param visitor first 64 bits of the HMAC, decimal */
export function eventKey(visitor: string, eventId: string): EventKey {
  murmurHash(`${visitor} ${eventId}`, SEED, words);
  const [a = 0, b = 0, c = 0] = words;
  return { a, b: b === 0 ? 1 : b, c };
}
