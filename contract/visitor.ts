/** The names of a visitor: what is kept in place of the browser's fingerprint. */
import { createHmac } from 'node:crypto';

/** Digits of a hash that {@link visitorNumber} is made of. */
const KEY_DIGITS = 16;

/** HMAC-SHA256 of the fingerprint, 64 hex digits: a visitor in the log and in the session store. */
export function visitorHash(fingerprint: string, secret: string): string {
  return createHmac('sha256', secret).update(fingerprint).digest('hex');
}

/** What stands for the id of a session or a user where a day must not be linked to another. */
export function idHash(id: string, secret: string): string {
  return createHmac('sha256', secret).update(`id ${id}`).digest('base64url');
}

/** What stands for an address wherever it is counted outside of this process: an address itself is written nowhere. */
export function addressHash(address: string, secret: string): string {
  return createHmac('sha256', secret).update(`address ${address}`).digest('base64url');
}

/** The first 64 bits of the hash, as hex digits. */
export function visitorKey(hash: string): string {
  return hash.slice(0, KEY_DIGITS);
}

/** The same as a decimal UInt64: a visitor in the analytics store and among who is online. Takes a key as well. */
export function visitorNumber(hash: string): string {
  return BigInt(`0x${visitorKey(hash)}`).toString();
}

/** @param number as {@link visitorNumber} makes it */
export function keyOfNumber(number: string): string {
  return BigInt(number).toString(16).padStart(KEY_DIGITS, '0');
}
