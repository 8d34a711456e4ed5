/** What the embedded log removes, what it never removes, and what it does when it is full. */
import { describe, expect, test } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { firstOffset, useLogFolder } from './lmdb-folder.fixture.ts';
import type { DeadLetter, EventLog } from './port.ts';
import { LETTER_RETENTION_MS } from './port.ts';
import { Recorder } from './recorder.fixture.ts';

const KIB = 1024;
const GROUP = 'pipeline';
const folder = useLogFolder();

/** What a new group finds: every frame that is still there. */
async function remaining(log: EventLog, partition: number): Promise<number[]> {
  const recorder = new Recorder();
  const subscription = await log.subscribe('census', recorder);
  await eventually(async () => {
    const lag = (await log.lag('census'))[partition];
    expect(lag?.committed).toBe(lag?.end);
  });
  await subscription.close();
  return recorder.offsets(partition);
}

async function reasons(log: EventLog): Promise<string[]> {
  const found: string[] = [];
  for await (const { reason } of log.deadLetters()) found.push(reason);
  return found;
}

const caughtUp = (log: EventLog) =>
  eventually(async () => {
    for (const { committed, end } of await log.lag(GROUP)) expect(committed).toBe(end);
  });

describe('retention', () => {
  test('by age removes what every group has committed, and nothing else', async () => {
    const log = await folder.open({ retentionMs: 60_000 });
    const slow = new Recorder();
    slow.rejections = Number.POSITIVE_INFINITY;
    const slowSubscription = await log.subscribe('slow', slow);
    await log.subscribe(GROUP, new Recorder());
    for (const body of ['a', 'b']) await log.append(0, Buffer.from(body));
    await caughtUp(log);
    folder.clock += 60_000;
    await log.append(0, Buffer.from('young'));
    await caughtUp(log);
    await eventually(() => expect(slow.offered.length).toBeGreaterThan(2));
    expect(await firstOffset(log, 0)).toBe(0);

    slow.rejections = 0;
    await eventually(async () => expect(await firstOffset(log, 0)).toBe(2));
    await slowSubscription.close();
    expect(await remaining(log, 0)).toEqual([2]);
  });

  test('by size removes the oldest committed frames, of whatever partition, down to the limit', async () => {
    const filled = await folder.open();
    await filled.subscribe(GROUP, new Recorder());
    for (let i = 0; i < 20; i += 1) {
      folder.clock += 1;
      await filled.append(i % 2, Buffer.alloc(10 * KIB));
    }
    await caughtUp(filled);
    await filled.close();

    const log = await folder.open({ retentionBytes: 100 * KIB });
    const subscription = await log.subscribe(GROUP, new Recorder());
    await eventually(async () =>
      expect([await firstOffset(log, 0), await firstOffset(log, 1)]).toEqual([5, 5]),
    );
    await subscription.close();
    expect(await remaining(log, 0)).toEqual([5, 6, 7, 8, 9]);
  });

  test('by size removes the oldest first where most are of one partition, more than a step takes', async () => {
    const filled = await folder.open({ partitions: 8 });
    const subscription = await filled.subscribe(GROUP, new Recorder());
    const old = Array.from({ length: 700 }, () => filled.append(0, Buffer.alloc(KIB)));
    await Promise.all(old);
    folder.clock += 1;
    for (let i = 0; i < 100; i += 1) await filled.append(i % 2, Buffer.alloc(KIB));
    await caughtUp(filled);
    await subscription.close();

    const log = await folder.open({ partitions: 8, retentionBytes: 100 * KIB });
    await log.subscribe(GROUP, new Recorder());
    await eventually(async () => expect(await firstOffset(log, 0)).toBe(700));
    expect(await firstOffset(log, 1)).toBe(0);
  });

  test('keeps what a consumer that went back has yet to read again', async () => {
    const log = await folder.open({ retentionMs: 1_000 });
    const first = await log.subscribe(GROUP, new Recorder());
    for (const body of ['a', 'b', 'c']) await log.append(0, Buffer.from(body));
    await caughtUp(log);
    await first.close();

    const again = new Recorder();
    again.startAt.set(0, 1);
    again.rejections = Number.POSITIVE_INFINITY;
    await log.subscribe(GROUP, again);
    await eventually(() => expect(again.offered.length).toBeGreaterThan(0));
    folder.clock += 10_000;
    await eventually(async () => expect(await firstOffset(log, 0)).toBe(1));
    again.rejections = 0;
    await eventually(() => expect(again.bodies(0)).toEqual(['b', 'c']));
    expect(folder.troubles.filter(({ kind }) => kind === 'gap')).toEqual([]);
  });

  test('drops dead letters after fourteen days', async () => {
    const log = await folder.open();
    await log.subscribe(GROUP, new Recorder());
    const letter: DeadLetter = { partition: 0, offset: 3, index: 0, reason: 'old', body: Buffer.from('{') };
    await log.deadLetter(letter);
    folder.clock += 1_000;
    await log.deadLetter({ ...letter, index: 1, reason: 'younger' });
    folder.clock += LETTER_RETENTION_MS - 1_000;
    await eventually(async () => expect(await reasons(log)).toEqual(['younger']));
  });
});

describe('a full log', () => {
  const fill = async (log: EventLog) => {
    const codes: string[] = [];
    while (codes.length === 0) {
      await log.append(0, Buffer.alloc(10 * KIB)).catch(({ code }) => codes.push(code));
    }
    return codes;
  };

  test('refuses appends, says so to a ping, and takes them again once frames are consumed and removed', async () => {
    const log = await folder.open({ retentionBytes: 0, maxBytes: 100 * KIB });
    expect(await fill(log)).toEqual(['full']);
    await expect(log.ping()).rejects.toMatchObject({ code: 'full', retryable: true });
    await log.deadLetter({ partition: 0, offset: 0, index: -1, reason: 'taken', body: Buffer.alloc(KIB) });

    const recorder = new Recorder();
    await log.subscribe(GROUP, recorder);
    await eventually(() => log.ping());
    expect(recorder.offsets(0)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await expect(log.append(0, Buffer.from('x'))).resolves.toBe(10);
  });

  test('never gives way to frames that nobody has read', async () => {
    const log = await folder.open({ retentionMs: 0, retentionBytes: 0, maxBytes: 100 * KIB });
    const recorder = new Recorder();
    recorder.rejections = Number.POSITIVE_INFINITY;
    await log.subscribe(GROUP, recorder);
    await fill(log);
    // Its going says that a round of removals has passed.
    await log.deadLetter({ partition: 0, offset: 0, index: -1, reason: 'witness', body: Buffer.from('x') });
    folder.clock += LETTER_RETENTION_MS;
    await eventually(async () => expect(await reasons(log)).toEqual([]));
    expect(await firstOffset(log, 0)).toBe(0);
    await expect(log.ping()).rejects.toMatchObject({ code: 'full' });
  });

  test('more than the queue holds is refused at once, and what was taken is kept', async () => {
    const log = await folder.open({ maxBytes: 256 * 1024 * KIB });
    const frame = Buffer.alloc(1024 * KIB);
    const results = await Promise.allSettled(Array.from({ length: 70 }, () => log.append(0, frame)));
    const refused = results.filter(({ status }) => status === 'rejected');
    expect(refused.length).toBeGreaterThan(0);
    for (const result of refused) {
      expect(result).toMatchObject({ reason: { code: 'unavailable', retryable: true } });
    }
    expect((await log.lag(GROUP))[0]?.end).toBe(results.length - refused.length);
  });
});
