/** The spool: what becomes of frames while the log refuses or hangs, and when it is back. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { MAX_FRAME_BYTES } from './port.ts';
import { appendAll, MAX_BYTES, numbered, PARTITIONS, useSpool } from './spool.fixture.ts';
import { REPLAY_BATCH_BYTES } from './spool-replay.ts';

const KIB = 1024;
const spool = useSpool();
const kinds = () => spool.troubles.map(({ kind }) => kind);
/** Which frames that begin so the log was given, by live appends or by the replay. */
const offers = (head: string) => spool.log.calls.filter((call) => call.head.startsWith(head));

describe('while the log takes frames', () => {
  test('they go there and get their offset, and nothing is spooled', async () => {
    const log = await spool.open();
    expect(await appendAll(log, 1, numbered(3))).toEqual([0, 1, 2]);
    expect(log.backlog()).toEqual({
      state: 'direct',
      frames: 0,
      bytes: 0,
      maxBytes: MAX_BYTES,
      spooled: 0,
      replayed: 0,
    });
    expect(await spool.bodies(1)).toEqual(numbered(3));
  });

  test('what it would never take is the caller’s, and not spooled', async () => {
    const log = await spool.open();
    const refused = log.append(0, Buffer.alloc(MAX_FRAME_BYTES + 1));
    await expect(refused).rejects.toMatchObject({ code: 'frame_too_large', retryable: false });
    await expect(log.append(PARTITIONS, Buffer.from('x'))).rejects.toThrow(RangeError);
    expect(log.backlog()).toMatchObject({ state: 'direct', spooled: 0 });
  });
});

describe('a log that refuses', () => {
  test('sends frames to the spool, and those that come to the spool at once', async () => {
    const log = await spool.open({ firstPauseMs: 60_000, maxPauseMs: 60_000 });
    spool.log.fault = 'refuses';
    expect(await appendAll(log, 0, numbered(5))).toEqual(numbered(5).map(() => undefined));
    const calls = spool.log.calls.length;
    await appendAll(log, 0, numbered(5));
    expect(spool.log.calls).toHaveLength(calls);
    expect(log.backlog()).toMatchObject({ state: 'spooling', frames: 10, spooled: 10, replayed: 0 });
    await eventually(() => expect(kinds()).toEqual(['spooling']));
    expect(spool.troubles[0]?.message).toContain('the broker is away in a test');
  });

  test('gets everything in order when it is back, and then frames go there again', async () => {
    const log = await spool.open();
    spool.log.fault = 'refuses';
    const bodies = numbered(3_000);
    for (let at = 0; at < bodies.length; at += 500) {
      await Promise.all([0, 1, 2].map((partition) => appendAll(log, partition, bodies.slice(at, at + 500))));
    }
    expect(await spool.bodies(0)).toEqual([]);
    spool.log.fault = undefined;
    await spool.isReplayed(log);
    expect(log.backlog()).toMatchObject({ frames: 0, spooled: 9_000, replayed: 9_000 });
    expect(await log.append(0, Buffer.from('live'))).toBe(bodies.length);
    expect(await spool.bodies(0)).toEqual([...bodies, 'live']);
    expect(await spool.bodies(2)).toEqual(bodies);
    expect(kinds().at(0)).toBe('spooling');
    expect(kinds().at(-1)).toBe('replayed');
  });

  test('for one partition leaves the others alone', async () => {
    const log = await spool.open();
    spool.log.fault = 'refuses';
    spool.log.faulty = new Set([1]);
    expect(await appendAll(log, 1, ['a', 'b'])).toEqual([undefined, undefined]);
    const seen = numbered(50);
    for (const body of seen) {
      expect(await log.append(0, Buffer.from(body))).toBeTypeOf('number');
      await log.append(1, Buffer.from(body));
    }
    expect(log.backlog().state).toBe('spooling');
    spool.log.fault = undefined;
    await spool.isReplayed(log);
    expect(await spool.bodies(1)).toEqual(['a', 'b', ...seen]);
  });

  test('and fails again in the middle of the replay loses nothing', async () => {
    const log = await spool.open();
    spool.log.fault = 'refuses';
    const bodies = numbered(2_000, 'x'.repeat(1_000));
    await appendAll(log, 0, bodies);
    for (let outage = 0; outage < 5; outage += 1) {
      const { frames } = log.backlog();
      spool.log.fault = undefined;
      await eventually(() => expect(log.backlog().frames).toBeLessThan(frames));
      spool.log.fault = 'refuses';
      await log.append(0, Buffer.from(`between ${outage}`));
      await eventually(() => expect(log.backlog().state).toBe('spooling'));
    }
    spool.log.fault = undefined;
    await spool.isReplayed(log);
    const found = new Set(await spool.bodies(0));
    for (const body of [...bodies, ...numbered(5, 'between')]) expect(found).toContain(body);
  });
});

describe('a log that hangs', () => {
  test('delays what waits once, and nothing after that', async () => {
    const log = await spool.open({ stallMs: 1_000 });
    spool.log.fault = 'hangs';
    const waiting = [0, 1, 2].map((partition) => appendAll(log, partition, numbered(20)));
    await Promise.all(waiting);
    for (let round = 0; round < 60; round += 1) {
      expect(await log.append(round % PARTITIONS, Buffer.from(`after ${round}`))).toBeUndefined();
    }
    expect(offers('after')).toEqual([]);
    spool.log.fault = undefined;
    await spool.isReplayed(log);
    for (const partition of [0, 1, 2]) {
      const after = numbered(60, 'after').filter((_, round) => round % PARTITIONS === partition);
      expect(await spool.bodies(partition)).toEqual([...numbered(20), ...after]);
    }
  });

  test('but answers pings is not believed: no live frame waits for it a second time', async () => {
    const log = await spool.open({ stallMs: 100 });
    spool.log.fault = 'hangs';
    spool.log.alwaysAnswersPings = true;
    await log.append(0, Buffer.from('first'));
    for (let round = 0; offers('first').length < 8; round += 1) {
      await log.append(round % PARTITIONS, Buffer.from(`after ${round}`));
    }
    // The oldest of the other partitions: the replay offers those.
    const oldest = ['after 1', 'after 2'];
    expect(offers('after').filter(({ head }) => !oldest.includes(head))).toEqual([]);
  });

  test('for one partition delays the others once', async () => {
    const log = await spool.open({ stallMs: 1_500 });
    spool.log.fault = 'hangs';
    spool.log.faulty = new Set([1]);
    await Promise.all([log.append(1, Buffer.from('a')), log.append(0, Buffer.from('a'))]);
    await eventually(async () => expect(await log.append(0, Buffer.from('b'))).toBeTypeOf('number'));
    while (offers('a').filter(({ partition }) => partition === 1).length < 3) {
      expect(await log.append(0, Buffer.from('c'))).toBeTypeOf('number');
      expect(await log.append(1, Buffer.from('c'))).toBeUndefined();
    }
  });

  test('that took a frame without saying so has it again, and has all of them', async () => {
    const log = await spool.open({ stallMs: 500 });
    spool.log.fault = 'is_silent';
    await appendAll(log, 0, numbered(10));
    spool.log.fault = undefined;
    await spool.isReplayed(log);
    const found = await spool.bodies(0);
    expect(found.slice(0, 10)).toEqual(numbered(10));
    expect(found.slice(-10)).toEqual(numbered(10));
  });
});

describe('the replay', () => {
  test('lets live frames go first: while one waits, no further batch begins', async () => {
    const log = await spool.open({ slowMs: 20, stallMs: 20_000 });
    spool.log.fault = 'refuses';
    await appendAll(log, 0, numbered(1_500, 'o'.repeat(16 * KIB)));
    spool.log.fault = undefined;
    spool.log.faulty = new Set([1]);
    spool.log.delayMs = 400;
    await eventually(() => expect(log.backlog().replayed).toBeGreaterThan(0));
    const live = log.append(1, Buffer.from('live'));
    await delay(100);
    const begun = spool.log.calls.length;
    expect(await live).toBe(0);
    expect(spool.log.calls.length - begun).toBeLessThanOrEqual(REPLAY_BATCH_BYTES / (16 * KIB));
    expect(log.backlog().frames).toBeGreaterThan(0);
    await spool.isReplayed(log);
    expect(await spool.bodies(0)).toHaveLength(1_500);
  });

  test('is not starved by live frames that always wait', async () => {
    const log = await spool.open({ slowMs: 0 });
    spool.log.fault = 'refuses';
    await appendAll(log, 0, numbered(10));
    spool.log.fault = undefined;
    spool.log.faulty = new Set([1]);
    spool.log.delayMs = 50;
    const ended = new AbortController();
    const live = [0, 1, 2].map(async () => {
      while (!ended.signal.aborted) await log.append(1, Buffer.from('live'));
    });
    await eventually(() => expect(log.backlog().replayed).toBeGreaterThanOrEqual(10));
    ended.abort();
    await Promise.all(live);
  });

  test('goes on after a restart, also of frames that an earlier process left', async () => {
    const first = await spool.open();
    spool.log.fault = 'refuses';
    await appendAll(first, 2, numbered(100));
    await first.close();
    const second = await spool.open();
    await appendAll(second, 2, ['of the second']);
    spool.log.fault = undefined;
    await spool.isReplayed(second);
    expect(await spool.bodies(2)).toEqual([...numbered(100), 'of the second']);
  });
});

describe('a full spool', () => {
  test('refuses, keeps what it took, and takes frames again as soon as they are replayed', async () => {
    const log = await spool.open({ maxBytes: 100 * KIB });
    spool.log.fault = 'refuses';
    const taken: string[] = [];
    let refusal: unknown;
    for (let i = 0; refusal === undefined; i += 1) {
      const body = `${i} ${'x'.repeat(10 * KIB)}`;
      await log.append(0, Buffer.from(body)).then(
        () => taken.push(body),
        (error: unknown) => {
          refusal = error;
        },
      );
    }
    expect(refusal).toMatchObject({ code: 'full', retryable: true });
    await expect(log.ping()).rejects.toMatchObject({ code: 'full' });
    spool.log.fault = undefined;
    await spool.isReplayed(log);
    expect(await spool.bodies(0)).toEqual(taken);

    spool.log.fault = 'refuses';
    await expect(log.append(0, Buffer.alloc(10 * KIB))).resolves.toBeUndefined();
  });

  test('passes on many times its size over its life', async () => {
    const log = await spool.open({ maxBytes: 256 * KIB });
    for (let outage = 0; outage < 6; outage += 1) {
      spool.log.fault = 'refuses';
      await appendAll(log, 0, numbered(20, `${outage} ${'x'.repeat(10 * KIB)}`));
      spool.log.fault = undefined;
      await spool.isReplayed(log);
    }
    expect(await spool.bodies(0)).toHaveLength(120);
  });
});

describe('closing', () => {
  test('settles what waits for a log that hangs, in the spool, and refuses what comes after', async () => {
    const log = await spool.open({ stallMs: 200 });
    spool.log.fault = 'hangs';
    const waiting = appendAll(log, 0, numbered(10));
    await Promise.all([log.close(), log.close()]);
    expect(await waiting).toEqual(numbered(10).map(() => undefined));
    await expect(log.append(0, Buffer.from('x'))).rejects.toMatchObject({ code: 'closed', retryable: false });
    spool.log.fault = undefined;
    await spool.isReplayed(await spool.open());
    expect(await spool.bodies(0)).toEqual(numbered(10));
  });

  test('in the middle of a replay loses nothing', async () => {
    spool.log.fault = 'refuses';
    let log = await spool.open();
    const bodies = numbered(500, 'x'.repeat(4 * KIB));
    await appendAll(log, 0, bodies);
    spool.log.fault = undefined;
    spool.log.delayMs = 100;
    for (let restart = 0; restart < 4; restart += 1) {
      await eventually(() => expect(log.backlog().replayed).toBeGreaterThan(0));
      await log.close();
      log = await spool.open();
    }
    expect(log.backlog().frames).toBeGreaterThan(0);
    spool.log.delayMs = 0;
    await spool.isReplayed(log);
    expect(new Set(await spool.bodies(0))).toEqual(new Set(bodies));
  });
});
