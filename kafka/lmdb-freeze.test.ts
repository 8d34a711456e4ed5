/** A copy of a log that goes on. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { freezeLog } from './lmdb-freeze.ts';
import { openLmdbLog } from './lmdb-log.ts';
import type { DeadLetter, EventLog, LogOptions } from './port.ts';

const GROUP = 'readers';
const OPTIONS: LogOptions = {
  partitions: 2,
  retentionMs: 0,
  retentionBytes: 0,
  maxBytes: 1024 ** 3,
  retentionIntervalMs: 10,
};
/** In the row of the frame, and in a segment. */
const small = (n: number) => Buffer.from(`small ${n}`);
const large = (n: number) => Buffer.alloc(2_000, `large ${n} `);

let folder: string;
const from = () => join(folder, 'log');
const to = () => join(folder, 'copy');
let log: EventLog;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-freeze-'));
  await mkdir(to());
  log = openLmdbLog(from(), OPTIONS);
});
afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true, force: true });
});

/** Everything that `group` gets of a log, by partition. */
async function read(log: EventLog, frames: number): Promise<string[][]> {
  const found: string[][] = [[], []];
  const subscription = await log.subscribe(GROUP, {
    assigned: async (_, committed) => committed,
    batch: async ({ partition, frames }) => {
      for (const { body } of frames) found[partition]?.push(body.toString());
    },
    revoked: () => {},
  });
  await vi.waitFor(() => expect(found.flat()).toHaveLength(frames));
  await subscription.close();
  return found;
}

async function finish({ segments, close }: Awaited<ReturnType<typeof freezeLog>>): Promise<void> {
  await mkdir(join(to(), 'segments'));
  for (const { name, file } of segments) await writeFile(join(to(), 'segments', name), await file.readFile());
  await close();
}

test('the copy has every frame that was there, committed offsets and dead letters, and nothing that came later', async () => {
  for (let n = 0; n < 20; n += 1) await log.append(n % 2, n % 3 === 0 ? small(n) : large(n));
  const identity = await log.identity();
  const letter = { partition: 1, offset: 3, index: 0, reason: 'undecodable', body: small(3) };
  await log.deadLetter(letter);
  const frozen = await freezeLog(from(), to(), { partitions: 2, group: GROUP });
  for (let n = 20; n < 30; n += 1) await log.append(0, large(n));
  await finish(frozen);

  expect(frozen.lag).toEqual([
    { partition: 0, committed: 0, end: 10 },
    { partition: 1, committed: 0, end: 10 },
  ]);
  expect(frozen.identity).toBe(identity);
  const copy = openLmdbLog(to(), OPTIONS);
  expect(await copy.identity()).toBe(identity);
  const bodies = Array.from({ length: 20 }, (_, n) => (n % 3 === 0 ? small(n) : large(n)).toString());
  expect(await read(copy, 20)).toEqual(
    [0, 1].map((partition) => bodies.filter((_, n) => n % 2 === partition)),
  );
  const letters: DeadLetter[] = [];
  for await (const each of copy.deadLetters()) letters.push(each);
  expect(letters).toEqual([letter]);
  expect(await copy.append(0, large(99))).toBe(10);
  await copy.close();
});

test('the copy has what is removed from the log before its bodies are copied', async () => {
  for (let n = 0; n < 10; n += 1) await log.append(0, large(n));
  const frozen = await freezeLog(from(), to(), { partitions: 2, group: GROUP });
  await read(log, 10);
  await rm(join(from(), 'segments'), { recursive: true });
  await finish(frozen);
  const copy = openLmdbLog(to(), OPTIONS);
  expect((await read(copy, 10))[0]?.at(-1)).toBe(large(9).toString());
  await copy.close();
});

test('a segment of which frames are left and that is not there is an error, not a copy without it', async () => {
  await log.append(0, large(1));
  const [segment = ''] = await readdir(join(from(), 'segments'));
  await rm(join(from(), 'segments', segment));
  await expect(freezeLog(from(), to(), { partitions: 2, group: GROUP })).rejects.toThrow(
    /segment 0 has frames, and is not there/,
  );
});
