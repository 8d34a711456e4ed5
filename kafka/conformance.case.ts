/** What every event log must do. Each engine runs this suite from a test file of its own. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { type DeadLetter, type EventLog, LogError, type LogTrouble, MAX_FRAME_BYTES } from './port.ts';
import { Recorder } from './recorder.fixture.ts';

const PARTITIONS = 3;
const GROUP = 'pipeline';

/** One log, empty at first, with {@link PARTITIONS} partitions. */
interface LogUnderTest {
  /** Another handle on the same log; may be called again after `close`. */
  open(partitions: number, onTrouble: (trouble: LogTrouble) => void): Promise<EventLog>;
  remove(): Promise<void>;
}

export function describeEventLog(name: string, create: () => Promise<LogUnderTest>): void {
  describe(name, () => {
    let subject: LogUnderTest;
    let log: EventLog;
    const troubles: LogTrouble[] = [];
    const open = () => subject.open(PARTITIONS, (trouble) => troubles.push(trouble));

    beforeEach(async () => {
      troubles.length = 0;
      subject = await create();
      log = await open();
    });

    afterEach(async () => {
      await log.close();
      await subject.remove();
    });

    const append = (partition: number, ...bodies: string[]) =>
      Promise.all(bodies.map((body) => log.append(partition, Buffer.from(body))));

    const consumed = (recorder: Recorder, partition: number, bodies: string[]) =>
      eventually(() => expect(recorder.bodies(partition)).toEqual(bodies));

    test('offsets of a partition rise by one a frame, in the order of the calls', async () => {
      const bodies = Array.from({ length: 50 }, (_, i) => `frame ${i}`);
      const offsets = await append(1, ...bodies);
      expect(offsets).toEqual(offsets.map((_, i) => (offsets[0] ?? 0) + i));

      const recorder = new Recorder();
      await log.subscribe(GROUP, recorder);
      await consumed(recorder, 1, bodies);
      expect(recorder.offsets(1)).toEqual(offsets);
    });

    test('its identity is the same for every handle, and not that of another log', async () => {
      const identity = await log.identity();
      if (identity !== undefined) expect(identity).not.toBe('');
      const same = await open();
      expect(await same.identity()).toBe(identity);
      await same.close();
      await append(0, 'a');
      await log.close();
      await expect(log.identity()).rejects.toMatchObject({ code: 'closed' });
      log = await open();
      expect(await log.identity()).toBe(identity);

      const other = await create();
      const another = await other.open(PARTITIONS, (trouble) => troubles.push(trouble));
      if (identity !== undefined) expect(await another.identity()).not.toBe(identity);
      await another.close();
      await other.remove();
    });

    test('a batch names its range, and the next begins where it ended', async () => {
      const recorder = new Recorder();
      await log.subscribe(GROUP, recorder);
      await append(0, 'a', 'b');
      await consumed(recorder, 0, ['a', 'b']);
      await append(0, 'c');
      await consumed(recorder, 0, ['a', 'b', 'c']);
      let next = recorder.batches[0]?.firstOffset;
      for (const batch of recorder.batches) {
        expect(batch.firstOffset).toBe(next);
        expect(batch.frames.map(({ offset }) => offset)).toEqual(
          batch.frames.map((_, i) => batch.firstOffset + i),
        );
        next = batch.firstOffset + batch.frames.length;
        expect(batch.nextOffset).toBe(next);
      }
    });

    test('a consumer is told of the offset of every batch once it is committed, and of none that it rejected', async () => {
      const recorder = new Recorder();
      recorder.rejections = 1;
      const subscription = await log.subscribe(GROUP, recorder);
      await append(0, 'a');
      await consumed(recorder, 0, ['a']);
      await eventually(() => expect(recorder.commits).toHaveLength(1));
      const [lag] = await log.lag(GROUP);
      expect(recorder.commits).toEqual([
        { partition: 0, nextOffset: lag?.committed, seconds: expect.any(Number) },
      ]);
      expect(lag?.committed).toBe(lag?.end);
      expect(recorder.commits[0]?.seconds).toBeGreaterThan(0);
      await subscription.close();
    });

    test('partitions are apart, and read side by side', async () => {
      const recorder = new Recorder();
      let release = () => {};
      recorder.gate = new Promise((resolve) => {
        release = resolve;
      });
      await log.subscribe(GROUP, recorder);
      await append(0, 'of 0');
      await append(2, 'of 2');
      await eventually(() =>
        expect(recorder.offered.map(({ partition }) => partition).sort()).toEqual([0, 2]),
      );
      release();
      await consumed(recorder, 0, ['of 0']);
      await consumed(recorder, 2, ['of 2']);
      expect(recorder.bodies(1)).toEqual([]);
    });

    test('a frame comes back byte for byte, whatever its size', async () => {
      const sizes = [1, 2, 100, 1_999, 2_048, 4_095, 4_096, 16_384, 65_537, MAX_FRAME_BYTES];
      const frames = sizes.map((size) => randomBytes(size));
      await Promise.all(frames.map((frame) => log.append(0, frame)));
      const recorder = new Recorder();
      await log.subscribe(GROUP, recorder);
      await eventually(() => expect(recorder.frames(0)).toHaveLength(frames.length));
      recorder.frames(0).forEach(({ body }, i) => {
        expect(Buffer.compare(body, frames[i] ?? Buffer.alloc(0)), `size ${sizes[i]}`).toBe(0);
      });
    });

    test('a frame over the limit is refused, and may not be tried again', async () => {
      const refused = log.append(0, Buffer.alloc(MAX_FRAME_BYTES + 1));
      await expect(refused).rejects.toMatchObject({ code: 'frame_too_large', retryable: false });
      await expect(refused).rejects.toBeInstanceOf(LogError);
    });

    test('there is no partition outside the range', async () => {
      await expect(log.append(PARTITIONS, Buffer.from('x'))).rejects.toThrow(RangeError);
      await expect(log.append(-1, Buffer.from('x'))).rejects.toThrow(RangeError);
    });

    test('a group goes on after the last batch it finished, also after the log was closed', async () => {
      const first = new Recorder();
      await log.subscribe(GROUP, first);
      await append(0, 'a', 'b');
      await consumed(first, 0, ['a', 'b']);
      await log.close();

      log = await open();
      await append(0, 'c');
      const second = new Recorder();
      await log.subscribe(GROUP, second);
      await consumed(second, 0, ['c']);
      const committed = second.frames(0)[0]?.offset;
      expect(second.assignments).toContainEqual({ partition: 0, committed });
    });

    test('another group reads everything for itself', async () => {
      await append(0, 'a');
      const one = new Recorder();
      const other = new Recorder();
      await log.subscribe(GROUP, one);
      await log.subscribe('other', other);
      await consumed(one, 0, ['a']);
      await consumed(other, 0, ['a']);
    });

    test('a rejected batch comes again with the same frames first, before anything later', async () => {
      await append(0, 'a', 'b');
      const recorder = new Recorder();
      recorder.rejections = 2;
      await log.subscribe(GROUP, recorder);
      await consumed(recorder, 0, ['a', 'b']);
      const [first, second, third] = recorder.offered;
      expect([second?.firstOffset, third?.firstOffset]).toEqual([first?.firstOffset, first?.firstOffset]);
      expect(troubles.map(({ kind }) => kind)).toEqual(['consumer_failed', 'consumer_failed']);
    });

    test('a rejected batch is not committed', async () => {
      await append(0, 'a');
      const recorder = new Recorder();
      recorder.rejections = Number.POSITIVE_INFINITY;
      const subscription = await log.subscribe(GROUP, recorder);
      await eventually(() => expect(recorder.offered.length).toBeGreaterThan(0));
      await subscription.close();
      const again = new Recorder();
      await log.subscribe(GROUP, again);
      await consumed(again, 0, ['a']);
    });

    test('the consumer chooses where to read from', async () => {
      const [first = 0] = await append(0, 'a', 'b', 'c');
      const recorder = new Recorder();
      recorder.startAt.set(0, first + 2);
      const subscription = await log.subscribe(GROUP, recorder);
      await consumed(recorder, 0, ['c']);
      await subscription.close();

      const backwards = new Recorder();
      backwards.startAt.set(0, first + 1);
      await log.subscribe(GROUP, backwards);
      await consumed(backwards, 0, ['b', 'c']);
    });

    test('a rejected assignment is tried again, and nothing is read before it is accepted', async () => {
      await append(0, 'a');
      const recorder = new Recorder();
      recorder.assignmentRejections = PARTITIONS;
      await log.subscribe(GROUP, recorder);
      await consumed(recorder, 0, ['a']);
      expect(recorder.assignments.length).toBeGreaterThan(PARTITIONS);
    });

    test('closing a subscription waits for the running batch, commits it, and then revokes', async () => {
      const recorder = new Recorder();
      let release = () => {};
      recorder.gate = new Promise((resolve) => {
        release = resolve;
      });
      const subscription = await log.subscribe(GROUP, recorder);
      const [offset = 0] = await append(0, 'a');
      await eventually(() => {
        expect(recorder.offered).toHaveLength(1);
        // What was never assigned is not revoked.
        expect(new Set(recorder.assignments.map(({ partition }) => partition)).size).toBe(PARTITIONS);
      });
      const closed = subscription.close();
      expect(recorder.revocations).not.toContain(0);
      release();
      await closed;
      expect(recorder.bodies(0)).toEqual(['a']);
      expect([...recorder.revocations].sort()).toEqual([0, 1, 2]);
      expect((await log.lag(GROUP))[0]).toEqual({ partition: 0, committed: offset + 1, end: offset + 1 });
      await append(0, 'b');
      await subscription.close();
      expect(recorder.offered).toHaveLength(1);
    });

    test('lag says how far a group is behind, partition by partition', async () => {
      const recorder = new Recorder();
      const subscription = await log.subscribe(GROUP, recorder);
      await append(1, 'a');
      await consumed(recorder, 1, ['a']);
      await subscription.close();
      await append(1, 'b', 'c');
      const lag = await log.lag(GROUP);
      expect(lag.map(({ partition }) => partition)).toEqual([0, 1, 2]);
      expect(lag.map(({ committed, end }) => end - committed)).toEqual([0, 2, 0]);
    });

    test('dead letters are kept, and the same place again replaces the first', async () => {
      const whole: DeadLetter = {
        partition: 1,
        offset: 7,
        index: -1,
        reason: 'nöt JSON',
        body: randomBytes(300),
      };
      const line: DeadLetter = { ...whole, index: 4, reason: 'no type', body: Buffer.from('{}') };
      await log.deadLetter(line);
      await log.deadLetter(whole);
      await log.deadLetter({ ...line, reason: 'no visitor' });
      await log.close();
      log = await open();
      const letters: DeadLetter[] = [];
      for await (const letter of log.deadLetters()) letters.push(letter);
      expect(letters).toEqual([whole, { ...line, reason: 'no visitor' }]);
    });

    test('a log that can take frames answers a ping', async () => {
      await expect(log.ping()).resolves.toBeUndefined();
    });

    test('closing waits for pending appends, may be repeated, and refuses what comes after', async () => {
      const pending = append(2, 'a', 'b', 'c');
      await Promise.all([log.close(), log.close()]);
      await expect(pending).resolves.toHaveLength(3);
      for (const call of [append(2, 'd'), log.ping(), log.lag(GROUP), log.subscribe(GROUP, new Recorder())]) {
        await expect(call).rejects.toMatchObject({ code: 'closed', retryable: false });
      }
      log = await open();
      const recorder = new Recorder();
      await log.subscribe(GROUP, recorder);
      await consumed(recorder, 2, ['a', 'b', 'c']);
    });
  });
}
