/** Keys of frames and dead letters: big-endian, so that LMDB's byte order is the order of the log. */

const FRAME_PREFIX_BYTES = 12;
const LETTER_PREFIX_BYTES = 16;
const META_BYTES = 12;

/** What retention must know. It stands in the key so that removing never reads a body from disk. */
interface StoredMeta {
  /** When it was stored, ms since the epoch. */
  storedAt: number;
  /** Bytes of the value. */
  size: number;
}

/** Where frame `offset` is or would be: sorts just before the key of that frame. */
export function framePrefix(partition: number, offset: number): Buffer {
  const key = Buffer.allocUnsafe(FRAME_PREFIX_BYTES);
  key.writeUInt32BE(partition, 0);
  key.writeBigUInt64BE(BigInt(offset), 4);
  return key;
}

export function frameKey(partition: number, offset: number, meta: StoredMeta): Buffer {
  return Buffer.concat([framePrefix(partition, offset), metaBytes(meta)]);
}

export function offsetOfFrame(key: Uint8Array): number {
  return Number(view(key).getBigUint64(4));
}

export function metaOfFrame(key: Uint8Array): StoredMeta {
  return readMeta(key, FRAME_PREFIX_BYTES);
}

/** Sorts just before the key of that letter. `index` is at least -1. */
export function letterPrefix(partition: number, offset: number, index: number): Buffer {
  const key = Buffer.allocUnsafe(LETTER_PREFIX_BYTES);
  framePrefix(partition, offset).copy(key);
  key.writeUInt32BE(index + 1, FRAME_PREFIX_BYTES);
  return key;
}

export function letterKey(partition: number, offset: number, index: number, meta: StoredMeta): Buffer {
  return Buffer.concat([letterPrefix(partition, offset, index), metaBytes(meta)]);
}

export function placeOfLetter(key: Uint8Array): { partition: number; offset: number; index: number } {
  const bytes = view(key);
  return {
    partition: bytes.getUint32(0),
    offset: Number(bytes.getBigUint64(4)),
    index: bytes.getUint32(FRAME_PREFIX_BYTES) - 1,
  };
}

export function metaOfLetter(key: Uint8Array): StoredMeta {
  return readMeta(key, LETTER_PREFIX_BYTES);
}

function metaBytes({ storedAt, size }: StoredMeta): Buffer {
  const bytes = Buffer.allocUnsafe(META_BYTES);
  bytes.writeBigUInt64BE(BigInt(storedAt), 0);
  bytes.writeUInt32BE(size, 8);
  return bytes;
}

function readMeta(key: Uint8Array, at: number): StoredMeta {
  const bytes = view(key);
  return { storedAt: Number(bytes.getBigUint64(at)), size: bytes.getUint32(at + 8) };
}

function view(key: Uint8Array): DataView {
  return new DataView(key.buffer, key.byteOffset, key.byteLength);
}
