/** Bodies of frames in segments: where they lie, when a segment goes, and what becomes of frames whose segment is gone or broken. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rename, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { AppendQueue } from './lmdb-append.ts';
import { firstOffset, useLogFolder } from './lmdb-folder.fixture.ts';
import { frameKey } from './lmdb-keys.ts';
import { readFrames } from './lmdb-reader.ts';
import { type LmdbStore, openStore } from './lmdb-store.ts';
import { Recorder } from './recorder.fixture.ts';

const KIB = 1024;
const LARGE = 'a body that is too large for its row '.repeat(100);
const RULES = { maxBytes: 1024 ** 2, writeTimeoutMs: 10_000, now: Date.now };
const HOURS_AGO = new Date('2026-01-01');

const folder = useLogFolder();
const segments = () => readdir(join(folder.path, 'segments'));
const segment = (name: number) => join(folder.path, 'segments', String(name));

test('small bodies stand in their rows, others in one segment of the process', async () => {
  const log = await folder.open();
  await log.append(0, Buffer.from('small'));
  expect(await segments()).toEqual([]);
  await Promise.all([log.append(0, Buffer.from(LARGE)), log.append(1, Buffer.from(LARGE))]);
  await log.append(1, Buffer.from('small'));
  await log.append(1, Buffer.from(LARGE));
  expect(await segments()).toEqual(['0']);
  const recorder = new Recorder();
  await log.subscribe('pipeline', recorder);
  await eventually(() => expect(recorder.bodies(0)).toEqual(['small', LARGE]));
  await eventually(() => expect(recorder.bodies(1)).toEqual([LARGE, 'small', LARGE]));
});

test('a segment of which no frame is left is removed once it is idle, and its writer goes on in another', async () => {
  const log = await folder.open({ retentionMs: 1_000 });
  const recorder = new Recorder();
  await log.subscribe('pipeline', recorder);
  await log.append(0, Buffer.from(LARGE));
  await eventually(() => expect(recorder.bodies(0)).toEqual([LARGE]));
  await utimes(segment(0), HOURS_AGO, HOURS_AGO);
  folder.clock += 500;
  await log.append(0, Buffer.from('small'));
  expect(await segments()).toEqual(['0']);
  folder.clock += 500;
  await eventually(async () => expect(await segments()).toEqual([]));
  expect(await log.append(0, Buffer.from(LARGE))).toBe(2);
  expect(await segments()).toEqual(['1']);
  await eventually(() => expect(recorder.bodies(0)).toEqual([LARGE, 'small', LARGE]));
});

test('a segment that frames are left in, or that is written to, stays', async () => {
  const log = await folder.open({ retentionMs: 1_000 });
  await log.subscribe('slow', Object.assign(new Recorder(), { rejections: Number.POSITIVE_INFINITY }));
  const other = await folder.open();
  await log.append(0, Buffer.from(LARGE));
  await other.append(0, Buffer.from(LARGE));
  await utimes(segment(0), HOURS_AGO, HOURS_AGO);
  folder.clock += 60_000;
  // A file that nobody knows shows that the round has been here.
  await writeFile(segment(77), 'left by a process that was killed');
  await eventually(async () => expect((await segments()).sort()).toEqual(['0', '1']));
  expect(await firstOffset(log, 0)).toBe(0);
});

test('a frame whose segment is broken is reported and not skipped', async () => {
  const log = await folder.open();
  await log.append(0, Buffer.from(LARGE));
  await log.append(0, Buffer.from('small'));
  await rename(segment(0), join(folder.path, 'elsewhere'));
  const recorder = new Recorder();
  await log.subscribe('pipeline', recorder);
  await eventually(() => expect(folder.troubles[0]?.message).toContain('cannot read'));
  await rename(join(folder.path, 'elsewhere'), segment(0));
  await eventually(() => expect(recorder.bodies(0)).toEqual([LARGE, 'small']));

  await truncate(segment(0), LARGE.length - 1);
  await log.subscribe('another', new Recorder());
  await eventually(() => expect(folder.troubles.at(-1)?.message).toContain('ends 1 bytes before'));
});

test('where segments cannot be written, appends are refused and a ping says so, until they can', async () => {
  const log = await folder.open();
  await rename(join(folder.path, 'segments'), join(folder.path, 'elsewhere'));
  await expect(log.append(0, Buffer.from(LARGE))).rejects.toMatchObject({
    code: 'unavailable',
    retryable: true,
  });
  await expect(log.ping()).rejects.toMatchObject({ code: 'unavailable' });
  await rename(join(folder.path, 'elsewhere'), join(folder.path, 'segments'));
  await expect(log.ping()).resolves.toBeUndefined();
  expect(await log.append(0, Buffer.from(LARGE))).toBe(0);
});

test('a log that is full writes no bodies', async () => {
  const log = await folder.open({ retentionBytes: 1, maxBytes: 4 * KIB });
  for (const offset of [0, 1]) expect(await log.append(0, Buffer.from(LARGE))).toBe(offset);
  await expect(log.append(0, Buffer.from(LARGE))).rejects.toMatchObject({ code: 'full' });
  const other = await folder.open({ retentionBytes: 1, maxBytes: 4 * KIB });
  await expect(other.append(0, Buffer.from(LARGE))).rejects.toMatchObject({ code: 'full' });
  expect(await segments()).toEqual(['0']);
});

let path: string;
let store: LmdbStore;

beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'footfall-segments-'));
  store = openStore(path, 2);
});

afterEach(async () => {
  await store.close();
  await rm(path, { recursive: true });
});

const bodies = () => readFrames(store, 0, 0, 1024 ** 2).map(({ body }) => body.toString());

test('bodies are written anew where their segment was dropped before the transaction', async () => {
  const dropping = new AppendQueue(
    {
      ...store,
      async append(head, appendix) {
        // As retention does, at the worst moment: after the queue has seen that the segment is there.
        if (appendix.segment?.id === 0) expect(await store.dropSegment(0)).toBe(true);
        return store.append(head, appendix);
      },
    },
    RULES,
  );
  expect(await dropping.append(0, Buffer.from(LARGE))).toBe(0);
  expect([...store.segments.getKeys({})]).toEqual([1]);
  await rm(store.segmentPath(0));
  expect(bodies()).toEqual([LARGE]);
  expect(await store.dropSegment(1)).toBe(false);
  await dropping.close();
});

test('segments of another process are known at once to whoever removes files, though this turn began to read before', () => {
  expect(store.hasSegment(0)).toBe(false);
  const script = fileURLToPath(new URL('./log-process.fixture.ts', import.meta.url));
  execFileSync(process.execPath, ['--import', 'tsx', script, 'registerSegment', path, '2']);
  expect(store.hasSegment(0)).toBe(false);
  expect(store.registeredNow()).toEqual(new Set([0]));
});

test('after a transaction that failed another segment is begun, since nobody knows what the first one holds', async () => {
  let failures = 1;
  const failing = new AppendQueue(
    {
      ...store,
      async append(head, appendix) {
        const after = await store.append(head, appendix);
        if (failures-- > 0) throw new Error('it was there all the same');
        return after;
      },
    },
    RULES,
  );
  await expect(failing.append(0, Buffer.from(LARGE))).rejects.toMatchObject({ code: 'unavailable' });
  expect(await failing.append(0, Buffer.from(LARGE))).toBe(1);
  expect(new Map([...store.segments.getRange({})].map(({ key, value }) => [key, value]))).toEqual(
    new Map([
      [0, 1],
      [1, 1],
    ]),
  );
  expect(bodies()).toEqual([LARGE, LARGE]);
  await failing.close();
});

test('large bodies in rows, as logs of earlier versions have them, are read', async () => {
  const head = store.head();
  const body = Buffer.from(LARGE);
  await store.append(head, {
    rows: [{ key: frameKey(0, 0, { storedAt: 1, size: body.length }), value: body }],
    segment: undefined,
    totals: { frames: 1, bytes: body.length },
    ends: [1, 0],
  });
  expect(bodies()).toEqual([LARGE]);
});

test('where two groups read, a body is read from its segment once, and again by whoever comes a third time', async () => {
  const queue = new AppendQueue(store, RULES);
  await queue.append(0, Buffer.from(LARGE));
  await queue.close();
  const body = () => readFrames(store, 0, 0, 1024 ** 2)[0]?.body;
  const leave = store.bodies.join();
  const alone = body();
  expect(body()).not.toBe(alone);
  const leaveToo = store.bodies.join();
  const first = body();
  expect(body()).toBe(first);
  const third = body();
  expect(third).not.toBe(first);
  expect(third?.toString()).toBe(LARGE);
  leaveToo();
  expect(body()).not.toBe(third);
  leave();
});
