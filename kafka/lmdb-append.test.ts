/** Appends beside those of other processes, which come first at the worst moment. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AppendQueue } from './lmdb-append.ts';
import { type LmdbStore, openStore } from './lmdb-store.ts';

const RULES = { maxBytes: 1024 ** 2, writeTimeoutMs: 10_000, now: Date.now };

let folder: string;
let store: LmdbStore;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-append-'));
  store = openStore(folder, 2);
});

afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

test('a frame gets the offset after those that came first', async () => {
  const other = new AppendQueue(store, RULES);
  let comesFirst = 2;
  const overtaken = new AppendQueue(
    {
      ...store,
      async append(head, appendix) {
        if (comesFirst-- > 0) await other.append(0, Buffer.from('first'));
        return store.append(head, appendix);
      },
    },
    RULES,
  );
  expect(await overtaken.append(0, Buffer.from('second'))).toBe(2);
  expect(await overtaken.append(0, Buffer.from('third'))).toBe(3);
  expect(await other.append(0, Buffer.from('fourth'))).toBe(4);
  expect([...store.frames.getRange({})].map(({ value }) => value.toString())).toEqual([
    'first',
    'first',
    'second',
    'third',
    'fourth',
  ]);
  expect(store.totals()).toEqual({ frames: 5, bytes: 27 });
});

test('a frame that others always come before is refused, and may be sent again', async () => {
  const overtaken = new AppendQueue({ ...store, append: async () => undefined }, RULES);
  await expect(overtaken.append(0, Buffer.from('late'))).rejects.toMatchObject({
    code: 'unavailable',
    retryable: true,
    message: expect.stringContaining('other processes came first'),
  });
  expect(store.totals().frames).toBe(0);
});
