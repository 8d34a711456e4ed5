/** Several processes on one log, some of which are killed at the worst moment. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { ForkedLog } from './forked-log.fixture.ts';
import { openLog } from './open.ts';
import type { EventLog, LogOptions } from './port.ts';
import { Recorder } from './recorder.fixture.ts';

const MIB = 1024 ** 2;
const GROUP = 'pipeline';

let folder: string;
let log: EventLog;
let forks: ForkedLog[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-log-'));
  forks = [];
});

afterEach(async () => {
  await Promise.all(forks.map((fork) => fork.kill()));
  await log.close();
  await rm(folder, { recursive: true });
});

async function open(options: Partial<LogOptions> = {}): Promise<void> {
  const limits = { retentionMs: 3_600_000, retentionBytes: 256 * MIB, maxBytes: 512 * MIB };
  log = await openLog(`lmdb://${folder}`, { partitions: 2, ...limits, ...options });
}

function fork(role: string, options?: { frames?: number; fileLimit?: number }): ForkedLog {
  const forked = new ForkedLog(role, folder, 2, options);
  forks.push(forked);
  return forked;
}

const ready = (forked: ForkedLog) => eventually(() => expect(forked.lines).toContain('ready'));

test('processes that append at once never share an offset, and each keeps its order', async () => {
  const frames = 200;
  const writers = [fork('append', { frames }), fork('append', { frames })];
  await open();
  const recorder = new Recorder();
  await log.subscribe(GROUP, recorder);
  expect(await Promise.all(writers.map((writer) => writer.ended()))).toEqual([0, 0]);
  for (const partition of [0, 1]) {
    await eventually(() => expect(recorder.bodies(partition)).toHaveLength(2 * frames));
    expect(recorder.offsets(partition)).toEqual(Array.from({ length: 2 * frames }, (_, i) => i));
    const byWriter = new Map<string, string[]>();
    for (const body of recorder.bodies(partition)) {
      const [pid = '', number = ''] = body.split(':');
      byWriter.set(pid, [...(byWriter.get(pid) ?? []), number]);
    }
    const inOrder = Array.from({ length: frames }, (_, i) => String(i));
    expect([...byWriter.values()]).toEqual([inOrder, inOrder]);
  }
});

test('a process that is killed inside a transaction leaves neither a lock nor a trace', async () => {
  await open();
  await log.append(0, Buffer.from('before'));
  const holder = fork('holdWriteLock');
  await ready(holder);
  const pending = log.append(0, Buffer.from('after'));
  await holder.kill();
  await expect(pending).resolves.toBe(1);
});

test('while another process holds the write lock, appends fail in time, and work again afterwards', async () => {
  await open({ writeTimeoutMs: 100 });
  const holder = fork('holdWriteLock');
  await ready(holder);
  const stalled = log.append(0, Buffer.from('stalled'));
  await expect(stalled).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  await expect(log.append(0, Buffer.from('refused'))).rejects.toMatchObject({ code: 'unavailable' });
  await expect(log.ping()).rejects.toMatchObject({ code: 'unavailable' });
  await holder.kill();
  await eventually(() => log.append(0, Buffer.from('afterwards')));
  await expect(log.ping()).resolves.toBeUndefined();
});

test('a full disk refuses appends, ends no process, and nothing that was acknowledged is lost', async () => {
  const writer = fork('fillDisk', { fileLimit: (2 * MIB) / 512 });
  expect(await writer.ended()).toBe(0);
  expect(writer.lines).toEqual(['unavailable', 'ping: unavailable']);
  await open();
  const [first] = await log.lag(GROUP);
  expect(first?.end).toBeGreaterThan(0);
  await expect(log.append(0, Buffer.from('there is space again'))).resolves.toBe(first?.end);
});

test('a subscriber that is killed does not keep the next one from its batch', async () => {
  await open();
  await log.append(0, Buffer.from('a'));
  const subscriber = fork('subscribe');
  await ready(subscriber);
  await subscriber.kill();
  const recorder = new Recorder();
  await log.subscribe(GROUP, recorder);
  await eventually(() => expect(recorder.bodies(0)).toEqual(['a']));
});

test('the file of a log that is emptied stays small, though a reader was killed', async () => {
  await open({ retentionMs: 0, retentionBytes: 0, maxBytes: MIB, retentionIntervalMs: 5 });
  await log.append(0, Buffer.from('a'));
  const reader = fork('holdSnapshot');
  await ready(reader);
  await reader.kill();
  await log.subscribe(GROUP, new Recorder());
  for (let i = 0; i < 160; i += 1) {
    await eventually(() => log.append(i % 2, Buffer.alloc(MIB / 16)));
  }
  expect((await stat(join(folder, 'data.mdb'))).size).toBeLessThan(8 * MIB);
});
