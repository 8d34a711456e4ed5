/** No acknowledged frame is lost: the appending process is killed at random moments, and the file is damaged after. */
import { createHash, randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, open as openFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { ForkedLog } from './forked-log.fixture.ts';
import { openLog } from './open.ts';
import type { EventLog, Frame } from './port.ts';
import { Recorder } from './recorder.fixture.ts';

const PARTITIONS = 3;
const ROUNDS = 5;
const WRITERS = 2;
const MAX_MOMENT_MS = 60;
const PAGE_BYTES = 4_096;

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-log-'));
});

afterEach(() => rm(folder, { recursive: true }));

const open = () =>
  openLog(`lmdb://${folder}`, {
    partitions: PARTITIONS,
    retentionMs: 3_600_000,
    retentionBytes: 1024 ** 3,
    maxBytes: 2 * 1024 ** 3,
  });

/** Appends in a process of its own, which is killed so long after its first acknowledgement. */
async function appendAndKill(momentMs: number): Promise<string[]> {
  const writer = new ForkedLog('appendForEver', folder, PARTITIONS);
  try {
    await eventually(() => expect(writer.lines).not.toEqual([]));
    await delay(momentMs);
  } finally {
    await writer.kill();
  }
  return writer.lines;
}

/** Every frame, after checking that offsets are contiguous from 0 and each body is whole. */
async function readAll(log: EventLog): Promise<Frame[][]> {
  const recorder = new Recorder();
  const subscription = await log.subscribe(`check ${Math.random()}`, recorder);
  const ends = (await log.lag('nobody')).map(({ end }) => end);
  await eventually(() => expect(ends.map((_, partition) => recorder.frames(partition).length)).toEqual(ends));
  await subscription.close();
  return ends.map((_, partition) => {
    const frames = recorder.frames(partition);
    expect(frames.every(({ offset }, i) => offset === i)).toBe(true);
    expect(frames.filter(({ body }) => !isWhole(body))).toEqual([]);
    return frames;
  });
}

function isWhole(body: Buffer): boolean {
  const [digest, noise = ''] = body.toString().split(' ');
  return createHash('sha256').update(noise).digest('hex') === digest;
}

function missing(acknowledged: string[], frames: Frame[][]): string[] {
  return acknowledged.filter((line) => {
    const [partition, offset, digest = ''] = line.split(' ');
    return frames[Number(partition)]?.[Number(offset)]?.body.toString().startsWith(digest) !== true;
  });
}

/** A small generator with a seed, so that a failure can be had again: xorshift32. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

test(`after each of ${ROUNDS * WRITERS} kills every acknowledged frame is there, whole and in its place`, {
  timeout: 120_000,
}, async () => {
  const seed = Number(process.env.SEED ?? 1 + Math.floor(Math.random() * 2 ** 31));
  console.log(`SEED=${seed}`);
  const next = random(seed);
  const acknowledged: string[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const kills = Array.from({ length: WRITERS }, () => appendAndKill(next() * MAX_MOMENT_MS));
    acknowledged.push(...(await Promise.all(kills)).flat());
    const log = await open();
    expect(missing(acknowledged, await readAll(log))).toEqual([]);
    await log.close();
  }
});

test('garbage after the last page, as an interrupted extension leaves it, is not read', async () => {
  const acknowledged = await appendAndKill(20);
  await appendFile(join(folder, 'data.mdb'), randomBytes(3 * PAGE_BYTES + 123));
  const log = await open();
  expect(missing(acknowledged, await readAll(log))).toEqual([]);
  const offset = await log.append(0, frameWithDigest());
  const frames = await readAll(log);
  expect(offset).toBe((frames[0]?.length ?? 0) - 1);
  await log.close();
});

test('when the newest meta page never reached the disk, the log is as it was one transaction before', async () => {
  const log = await open();
  const body = frameWithDigest();
  for (let i = 0; i < 10; i += 1) await log.append(0, body);
  await log.close();

  const file = await openFile(join(folder, 'data.mdb'), 'r+');
  const before = Buffer.alloc(2 * PAGE_BYTES);
  await file.read(before, 0, before.length, 0);
  const again = await open();
  await again.append(0, body);
  await again.close();
  // The two meta pages take turns: putting both back undoes exactly the one that the last append wrote.
  await file.write(before, 0, before.length, 0);
  await file.close();

  const reopened = await open();
  expect((await readAll(reopened))[0]).toHaveLength(10);
  await expect(reopened.append(0, body)).resolves.toBe(10);
  await reopened.close();
});

test('a segment that takes only a part of what is written is left for another, and what was refused is not there', async () => {
  const writer = new ForkedLog('appendLarge', folder, PARTITIONS, { frames: 100, fileLimit: 1_024 });
  expect(await writer.ended()).toBe(0);
  expect(Number(writer.lines[0])).toBeGreaterThan(2);
  const log = await open();
  expect((await readAll(log))[0]).toHaveLength(100);
  await log.close();
});

function frameWithDigest(): Buffer {
  const noise = randomBytes(10_000).toString('base64');
  return Buffer.from(`${createHash('sha256').update(noise).digest('hex')} ${noise}`);
}
