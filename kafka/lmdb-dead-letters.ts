/** Dead letters: what the pipeline could not read, kept apart so that the rest goes on. */
import { letterKey, letterPrefix, metaOfLetter, placeOfLetter } from './lmdb-keys.ts';
import type { LmdbStore } from './lmdb-store.ts';
import type { DeadLetter } from './port.ts';

const PAGE = 100;
const REASON_LENGTH_BYTES = 4;

/**
 * Counts towards the bytes of the log, but is taken when the log is full: what empties the log must not wait for it.
 *
 * @throws LogError `unavailable`
 */
export async function putLetter(store: LmdbStore, letter: DeadLetter, storedAt: number): Promise<void> {
  const { partition, offset, index } = letter;
  const value = encode(letter);
  await store.transact(() => {
    const range = {
      start: letterPrefix(partition, offset, index),
      end: letterPrefix(partition, offset, index + 1),
    };
    const [earlier] = store.letters.getKeys(range);
    const totals = store.totals();
    const replacedBytes = earlier === undefined ? 0 : metaOfLetter(earlier).size;

    if (earlier !== undefined) {
      store.forbidRemovals();
      store.letters.removeSync(earlier);
    }
    store.letters.putSync(letterKey(partition, offset, index, { storedAt, size: value.length }), value);
    store.setTotals({ ...totals, bytes: totals.bytes + value.length - replacedBytes });
  });
}

export async function* readLetters(store: LmdbStore): AsyncGenerator<DeadLetter> {
  let start = letterPrefix(0, 0, -1);
  for (;;) {
    // A page at a time: a reader that dawdles must not hold a snapshot, which would keep pages from being used again.
    const page = [...store.letters.getRange({ start, limit: PAGE })];
    for (const { key, value } of page) {
      const { partition, offset, index } = placeOfLetter(key);
      yield { partition, offset, index, ...decode(value) };
      start = letterPrefix(partition, offset, index + 1);
    }
    if (page.length < PAGE) return;
  }
}

function encode({ reason, body }: DeadLetter): Buffer {
  const text = Buffer.from(reason);
  const length = Buffer.allocUnsafe(REASON_LENGTH_BYTES);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, body]);
}

function decode(value: Buffer): Pick<DeadLetter, 'reason' | 'body'> {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const bodyAt = REASON_LENGTH_BYTES + bytes.readUInt32BE(0);
  return { reason: bytes.toString('utf8', REASON_LENGTH_BYTES, bodyAt), body: bytes.subarray(bodyAt) };
}
