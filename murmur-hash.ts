/**
 * MurmurHash3, the variant of 128 bits for 32-bit machines (Austin Appleby, public domain): a tenth of the time of a cryptographic hash
 * from JavaScript, for tables and counters of values that nobody can choose to do harm with.
 *
 * @param text of characters below U+0100; of others the low byte counts
 * @param into receives four numbers of 32 bits
 */
export function murmurHash(text: string, seed: number, into: Int32Array): void {
  const { length } = text;
  const blocks = length & ~15;
  let h1 = seed;
  let h2 = seed;
  let h3 = seed;
  let h4 = seed;
  for (let at = 0; at < blocks; at += 16) {
    h1 ^= mix1(word(text, at));
    h1 = (Math.imul(rotate(h1, 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 ^= mix2(word(text, at + 4));
    h2 = (Math.imul(rotate(h2, 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 ^= mix3(word(text, at + 8));
    h3 = (Math.imul(rotate(h3, 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 ^= mix4(word(text, at + 12));
    h4 = (Math.imul(rotate(h4, 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  const left = length - blocks;
  if (left > 12) h4 ^= mix4(tail(text, blocks + 12, length));
  if (left > 8) h3 ^= mix3(tail(text, blocks + 8, length));
  if (left > 4) h2 ^= mix2(tail(text, blocks + 4, length));
  if (left > 0) h1 ^= mix1(tail(text, blocks, length));

  h1 ^= length;
  h2 ^= length;
  h3 ^= length;
  h4 ^= length;
  h1 = (h1 + h2 + h3 + h4) | 0;
  h2 = (h2 + h1) | 0;
  h3 = (h3 + h1) | 0;
  h4 = (h4 + h1) | 0;
  h1 = avalanche(h1);
  h2 = avalanche(h2);
  h3 = avalanche(h3);
  h4 = avalanche(h4);
  h1 = (h1 + h2 + h3 + h4) | 0;
  into[0] = h1;
  into[1] = h2 + h1;
  into[2] = h3 + h1;
  into[3] = h4 + h1;
}

const C1 = 0x239b961b;
const C2 = 0xab0e9789;
const C3 = 0x38b34ae5;
const C4 = 0xa1e38b93;

const mix1 = (k: number) => Math.imul(rotate(Math.imul(k, C1), 15), C2);
const mix2 = (k: number) => Math.imul(rotate(Math.imul(k, C2), 16), C3);
const mix3 = (k: number) => Math.imul(rotate(Math.imul(k, C3), 17), C4);
const mix4 = (k: number) => Math.imul(rotate(Math.imul(k, C4), 18), C1);

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function avalanche(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function word(text: string, at: number): number {
  return (
    (text.charCodeAt(at) & 0xff) |
    ((text.charCodeAt(at + 1) & 0xff) << 8) |
    ((text.charCodeAt(at + 2) & 0xff) << 16) |
    (text.charCodeAt(at + 3) << 24)
  );
}

/** Up to four bytes. */
function tail(text: string, at: number, end: number): number {
  let bytes = 0;
  for (let n = Math.min(end, at + 4) - 1; n >= at; n--) bytes = (bytes << 8) | (text.charCodeAt(n) & 0xff);
  return bytes;
}
