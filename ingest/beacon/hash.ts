/** A 128-bit hash for telling browsers apart: well mixed and small, not cryptographic. */

/** Odd multipliers with about half of their bits set, one a lane. */
const MULTIPLIERS = [0x9e3779b1, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f];

/** @returns 32 lower-case hexadecimal characters */
export function hash128(text: string): string {
  const lanes = MULTIPLIERS.map((multiplier, i) => multiplier ^ Math.imul(text.length + i, 0x165667b1));
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    for (let i = 0; i < 4; i++) {
      const mixed = Math.imul(lane(lanes, i) ^ unit, lane(MULTIPLIERS, i));
      lanes[i] = mixed ^ (mixed >>> (13 + i)) ^ lane(lanes, i + 1);
    }
  }
  // Every bit of the result hangs on every lane: two rounds of finishing, each lane taking up the one before it.
  for (let i = 0; i < 8; i++) lanes[i & 3] = finish(lane(lanes, i) ^ lane(lanes, i + 3));
  return lanes.map((value) => (value >>> 0).toString(16).padStart(8, '0')).join('');
}

function lane(lanes: readonly number[], i: number): number {
  return lanes[i & 3] ?? 0;
}

function finish(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b);
  return mixed ^ (mixed >>> 16);
}
