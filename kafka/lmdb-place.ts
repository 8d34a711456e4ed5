/**
 * Where the body of a frame lies: a small one in the row of the frame, any other in a segment, of which the row then says where.
 *
 * Rows that hold larger bodies, as logs of earlier versions have them, are read as well: only a place is shorter than its frame.
 */

/** Larger ones would have pages of their own in LMDB, whose list of free pages becomes slow when they come and go by the million. */
const MAX_BODY_IN_ROW = 1_024;
const PLACE_BYTES = 16;

export interface Place {
  segment: number;
  /** Bytes before the body. */
  position: number;
}

export function fitsInRow(body: Buffer): boolean {
  return body.length <= MAX_BODY_IN_ROW;
}

export function encodePlace({ segment, position }: Place): Buffer {
  const value = Buffer.allocUnsafe(PLACE_BYTES);
  value.writeBigUInt64BE(BigInt(segment), 0);
  value.writeBigUInt64BE(BigInt(position), 8);
  return value;
}

/** @param size of the frame. Undefined: `value` is the body. */
export function placeOf(value: Buffer, size: number): Place | undefined {
  if (value.length === size) return undefined;
  return {
    segment: Number(value.readBigUInt64BE(0)),
    position: Number(value.readBigUInt64BE(8)),
  };
}
