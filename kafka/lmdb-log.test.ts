/** The embedded log in one process: opening it, subscribing to it, and what it refuses. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { describe, expect, test } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { firstOffset, useLogFolder } from './lmdb-folder.fixture.ts';
import { LAYOUT_VERSION } from './lmdb-store.ts';
import { openLog } from './open.ts';
import { Recorder } from './recorder.fixture.ts';

const KIB = 1024;
const GROUP = 'pipeline';
const folder = useLogFolder();

describe('opening', () => {
  test('an unknown scheme lists the known ones', async () => {
    const options = { partitions: 1, retentionMs: 0, retentionBytes: 0, maxBytes: 1 };
    await expect(openLog('carrier-pigeon://x', options)).rejects.toThrow(
      /carrier-pigeon:\/\/, known: .*lmdb:\/\//,
    );
  });

  test('an unknown parameter, a relative folder and a fragment are errors', async () => {
    const options = { partitions: 1, retentionMs: 0, retentionBytes: 0, maxBytes: 1 };
    await expect(openLog(`lmdb://${folder.path}?sync=off`, options)).rejects.toThrow(
      'unknown parameter sync',
    );
    await expect(openLog('lmdb://data/log', options)).rejects.toThrow('lmdb:///absolute/folder');
    await expect(openLog(`lmdb://${folder.path}#1`, options)).rejects.toThrow('lmdb:///absolute/folder');
  });

  test('a folder that is missing is made, whatever its name', async () => {
    const log = await openLog(`lmdb://${folder.path}/a b/ü.d`, {
      partitions: 1,
      retentionMs: 0,
      retentionBytes: 0,
      maxBytes: 1,
    });
    await log.close();
    expect((await stat(join(folder.path, 'a b', 'ü.d', 'data.mdb'))).isFile()).toBe(true);
  });

  test('another number of partitions is refused, and the message says which one there is', async () => {
    await (await folder.open({ partitions: 2 })).close();
    const refused = folder.open({ partitions: 3 });
    await expect(refused).rejects.toMatchObject({ code: 'wrong_partitions', retryable: false });
    await expect(refused).rejects.toThrow(/created with 2 partitions, not 3/);
  });

  test('a layout of a newer version is refused, and one without a version is an older one that goes on', async () => {
    await (await folder.open()).close();
    const setVersion = async (version: number | undefined) => {
      const root = openLmdb({ path: folder.path, noSubdir: false, maxDbs: 16 });
      const layout = root.openDB<number, string>('layout', { encoding: 'json' });
      if (version === undefined) await layout.remove('version');
      else await layout.put('version', version);
      await root.close();
    };
    await setVersion(LAYOUT_VERSION + 1);
    const refused = folder.open();
    await expect(refused).rejects.toMatchObject({ code: 'newer_layout', retryable: false });
    await expect(refused).rejects.toThrow(
      `its layout is ${LAYOUT_VERSION + 1}, and this one knows layouts up to ${LAYOUT_VERSION}`,
    );
    await setVersion(undefined);
    await (await folder.open()).close();
  });

  test('a log from before there were identities gets one, and keeps it', async () => {
    await (await folder.open()).close();
    const root = openLmdb({ path: folder.path, noSubdir: false, maxDbs: 16 });
    await root.openDB<string, string>('identity', { encoding: 'json' }).remove('own');
    await root.close();
    const identities: (string | undefined)[] = [];
    for (let starts = 0; starts < 2; starts++) {
      const log = await folder.open();
      identities.push(await log.identity());
      await log.close();
    }
    expect(identities[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect(identities[1]).toBe(identities[0]);
  });

  test('limits that would leave a full log full for ever are refused', async () => {
    await expect(folder.open({ retentionBytes: 100, maxBytes: 100 })).rejects.toThrow(/retentionBytes/);
  });

  test('a folder that cannot be made says that the log is unavailable', async () => {
    const below = openLog('lmdb:///dev/null/log', {
      partitions: 1,
      retentionMs: 0,
      retentionBytes: 0,
      maxBytes: 1,
    });
    await expect(below).rejects.toMatchObject({ code: 'unavailable', retryable: true });
  });
});

describe('subscribing', () => {
  test('a second subscriber of a group is refused until the first is closed', async () => {
    const log = await folder.open();
    const first = await log.subscribe(GROUP, new Recorder());
    await expect(log.subscribe(GROUP, new Recorder())).rejects.toMatchObject({ code: 'already_subscribed' });
    const handle = await folder.open();
    await expect(handle.subscribe(GROUP, new Recorder())).rejects.toMatchObject({
      code: 'already_subscribed',
    });
    await first.close();
    await expect(handle.subscribe(GROUP, new Recorder())).resolves.toBeDefined();
  });

  test('frames that another handle appended arrive', async () => {
    const reader = await folder.open();
    const writer = await folder.open();
    const recorder = new Recorder();
    await reader.subscribe(GROUP, recorder);
    await writer.append(1, Buffer.from('a'));
    await eventually(() => expect(recorder.bodies(1)).toEqual(['a']));

    await writer.close();
    await reader.append(1, Buffer.from('b'));
    await eventually(() => expect(recorder.bodies(1)).toEqual(['a', 'b']));
  });

  test('an offset that retention removed is told, and reading starts at the first frame there is', async () => {
    const log = await folder.open({ retentionMs: 0 });
    const first = await log.subscribe(GROUP, new Recorder());
    await log.append(0, Buffer.from('a'));
    await log.append(0, Buffer.from('b'));
    await eventually(async () => expect(await firstOffset(log, 0)).toBe(2));
    await first.close();
    await log.append(0, Buffer.from('c'));

    const recorder = new Recorder();
    recorder.startAt.set(0, 1);
    await log.subscribe(GROUP, recorder);
    await eventually(() => expect(recorder.offsets(0)).toEqual([2]));
    expect(folder.troubles).toMatchObject([{ kind: 'gap', group: GROUP, partition: 0 }]);
  });

  test('an offset beyond the end is told, and the partition stays unread though the log grows past it', async () => {
    const log = await folder.open();
    const recorder = new Recorder();
    recorder.startAt.set(0, 1);
    await log.subscribe(GROUP, recorder);
    await eventually(() => expect(folder.troubles).toMatchObject([{ kind: 'beyond_end', partition: 0 }]));
    for (const body of ['a', 'b', 'c']) await log.append(0, Buffer.from(body));
    await log.append(1, Buffer.from('of another partition'));
    await eventually(() => expect(recorder.bodies(1)).toHaveLength(1));
    expect(recorder.offered.filter(({ partition }) => partition === 0)).toEqual([]);
    expect((await log.lag(GROUP))[0]).toEqual({ partition: 0, committed: 0, end: 3 });
  });

  test('a batch is bounded in bytes and in frames', async () => {
    const log = await folder.open({ partitions: 8, maxBytes: 64 * 1024 * KIB });
    await Promise.all(Array.from({ length: 12 }, () => log.append(0, Buffer.alloc(1024 * KIB, 'x'))));
    await Promise.all(Array.from({ length: 4_100 }, () => log.append(1, Buffer.from('y'))));
    const recorder = new Recorder();
    await log.subscribe(GROUP, recorder);
    await eventually(async () => {
      for (const { committed, end } of await log.lag(GROUP)) expect(committed).toBe(end);
    });
    const counts = (partition: number) =>
      recorder.batches.filter((batch) => batch.partition === partition).map(({ frames }) => frames.length);
    expect(counts(0)).toEqual([2, 2, 2, 2, 2, 2]);
    expect(counts(1)).toEqual([2_000, 2_000, 100]);
  });

  test('all partitions together offer as much, however many there are', async () => {
    const log = await folder.open({ partitions: 1, maxBytes: 64 * 1024 * KIB });
    await Promise.all(Array.from({ length: 20 }, () => log.append(0, Buffer.alloc(1024 * KIB, 'x'))));
    const recorder = new Recorder();
    await log.subscribe(GROUP, recorder);
    await eventually(async () => expect(await log.lag(GROUP)).toMatchObject([{ committed: 20 }]));
    expect(recorder.batches.map(({ frames }) => frames.length)).toEqual([15, 5]);
  });

  test('what a consumer keeps of a batch does not change when more is read', async () => {
    const log = await folder.open();
    const recorder = new Recorder();
    await log.subscribe(GROUP, recorder);
    const bodies = Array.from({ length: 40 }, (_, i) => String(i).repeat(1 + i * 50));
    for (const body of bodies) await log.append(0, Buffer.from(body));
    await eventually(() => expect(recorder.bodies(0)).toEqual(bodies));
  });
});
