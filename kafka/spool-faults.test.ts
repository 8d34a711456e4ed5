/** The spool when more than the log fails: a log that cannot be opened, a disk, memory, other processes. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, test } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { ForkedLog } from './forked-log.fixture.ts';
import { openLmdbLog } from './lmdb-log.ts';
import { openLogWithSpool, withSpool } from './open.ts';
import { LogError, type LogTrouble } from './port.ts';
import { appendAll, numbered, PARTITIONS, useSpool } from './spool.fixture.ts';
import { spooled } from './spool.ts';

const KIB = 1024;
const MIB = 1024 * KIB;
const spool = useSpool();
const kinds = () => spool.troubles.map(({ kind }) => kind);

describe('a log that cannot be opened', () => {
  const place = () => ({
    folder: `${spool.folder}/spool`,
    maxBytes: MIB,
    firstPauseMs: 5,
    maxPauseMs: 20,
    watchMs: 5,
  });
  const limits = { partitions: PARTITIONS, retentionMs: 0, retentionBytes: 0, maxBytes: MIB };
  const options = { ...limits, onTrouble: () => undefined };
  const away = async () => {
    throw new LogError('unavailable', 'no broker answers');
  };

  test('does not keep a collector from starting: frames are taken, and replayed once it is open', async () => {
    let isAway = true;
    const open = async () => (isAway ? away() : openLmdbLog(`${spool.folder}/log`, limits));
    const log = await withSpool(
      open,
      { ...limits, onTrouble: (trouble) => spool.troubles.push(trouble) },
      place(),
    );
    expect(await appendAll(log, 0, numbered(5))).toEqual(numbered(5).map(() => undefined));
    await expect(log.ping()).resolves.toBeUndefined();
    await eventually(() => expect(kinds().filter((kind) => kind === 'unopened').length).toBeGreaterThan(1));
    expect(spool.troubles[0]?.message).toBe('the log cannot be opened: no broker answers');
    isAway = false;
    await spool.isReplayed(log);
    await log.close();
    expect(await spool.bodies(0)).toEqual(numbered(5));
  });

  test('nor does one that does not answer, and what it opens too late is closed', async () => {
    let answer: (log: ReturnType<typeof openLmdbLog>) => void = () => undefined;
    const opening = new Promise<ReturnType<typeof openLmdbLog>>((resolve) => {
      answer = resolve;
    });
    const log = await withSpool(() => opening, options, { ...place(), firstTryMs: 20 });
    expect(await log.append(0, Buffer.from('x'))).toBeUndefined();
    await log.close();
    const late = openLmdbLog(`${spool.folder}/log`, limits);
    answer(late);
    await eventually(() => expect(late.ping()).rejects.toMatchObject({ code: 'closed' }));
  });

  test('for good ends the start', async () => {
    const wrong = async () => {
      throw new LogError('wrong_partitions', 'it has 12');
    };
    await expect(withSpool(wrong, options, place())).rejects.toMatchObject({ code: 'wrong_partitions' });
    await expect(openLogWithSpool('carrier-pigeon://x', options, place())).rejects.toThrow('known: ');
  });

  test('is not said of the log on local disk: that has no spool', async () => {
    const full = { ...options, maxBytes: 100 };
    const log = await openLogWithSpool(`lmdb://${spool.folder}/log`, full, place());
    await log.append(0, Buffer.alloc(100));
    await expect(log.append(0, Buffer.alloc(100))).rejects.toMatchObject({ code: 'full' });
    await log.close();
  });
});

describe('a spool that cannot be read', () => {
  test('is told of once each time that it begins to fail', async () => {
    const limits = { partitions: PARTITIONS, retentionMs: 0, retentionBytes: 0, maxBytes: MIB };
    const kept = openLmdbLog(`${spool.folder}/spool`, limits);
    const lag = kept.lag.bind(kept);
    let fails = true;
    let looks = 0;
    kept.lag = (group) => {
      looks += 1;
      return fails ? Promise.reject(new LogError('unavailable', 'the disk is away')) : lag(group);
    };
    const onTrouble = (trouble: LogTrouble) => spool.troubles.push(trouble);
    const log = spooled(openLmdbLog(`${spool.folder}/log`, limits), kept, { watchMs: 1, onTrouble });
    async function isLookedAt(): Promise<void> {
      const before = looks;
      await eventually(() => expect(looks).toBeGreaterThan(before + 5));
    }

    await isLookedAt();
    expect(spool.troubles).toMatchObject([{ kind: 'store_failed', message: 'spool: the disk is away' }]);
    expect(await log.append(0, Buffer.from('x'))).toBe(0);
    fails = false;
    await isLookedAt();
    fails = true;
    await isLookedAt();
    expect(kinds()).toEqual(['store_failed', 'store_failed']);
    await log.close();
  });
});

describe('a spool that is slow', () => {
  test('keeps a log from being believed that answers pings: what is on its way to the spool waits for it', async () => {
    const limits = { partitions: PARTITIONS, retentionMs: 0, retentionBytes: 0, maxBytes: MIB };
    const kept = openLmdbLog(`${spool.folder}/spool`, limits);
    const [append, lag] = [kept.append.bind(kept), kept.lag.bind(kept)];
    let write: () => void = () => undefined;
    const diskIsBack = new Promise<void>((resolve) => {
      write = resolve;
    });
    kept.append = async (...frame) => {
      await diskIsBack;
      return append(...frame);
    };
    let looks = 0;
    kept.lag = (group) => {
      looks += 1;
      return lag(group);
    };
    spool.log.reopen(openLmdbLog(`${spool.folder}/log`, limits));
    spool.log.fault = 'hangs';
    spool.log.alwaysAnswersPings = true;
    const times = { watchMs: 1, stallMs: 50, firstPauseMs: 1, maxPauseMs: 1 };
    const log = spooled(spool.log, kept, { ...times, onTrouble: () => undefined });

    const first = log.append(0, Buffer.from('first'));
    await eventually(() => expect(log.backlog().state).toBe('spooling'));
    const before = looks;
    await eventually(() => expect(looks).toBeGreaterThan(before + 20));
    expect(log.backlog().state).toBe('spooling');
    const second = log.append(1, Buffer.from('second'));
    expect(spool.log.calls.map(({ head }) => head)).toEqual(['first']);
    write();
    expect(await Promise.all([first, second])).toEqual([undefined, undefined]);
    await log.close();
  });
});

describe('memory', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');

  test('holds no frame that is durable in the spool, though the log never answers', async () => {
    const log = await spool.open({ stallMs: 50, firstPauseMs: 60_000, maxPauseMs: 60_000 });
    spool.log.fault = 'hangs';
    const refs: WeakRef<Buffer>[] = [];
    await (async () => {
      const frames = Array.from({ length: 20 }, () => Buffer.alloc(256 * KIB));
      for (const frame of frames) refs.push(new WeakRef(frame));
      await Promise.all(frames.map((frame) => log.append(0, frame)));
    })();
    await eventually(() => {
      collectGarbage();
      expect(refs.filter((ref) => ref.deref() !== undefined)).toEqual([]);
    });
  });

  test('is bounded while the log hangs: it is not tried while it owes too many answers', async () => {
    const log = await spool.open({ stallMs: 20, maxHangingBytes: 100 * KIB });
    spool.log.fault = 'hangs';
    for (let i = 0; i < 50; i += 1) await log.append(0, Buffer.alloc(20 * KIB));
    await eventually(() => expect(spool.log.calls.length).toBeGreaterThan(4));
    const bound = 6;
    const stop = performance.now() + 500;
    while (performance.now() < stop) {
      await log.append(0, Buffer.alloc(KIB));
      expect(spool.log.calls.length).toBeLessThanOrEqual(bound);
    }
  });
});

describe('processes that share a spool', () => {
  let forked: ForkedLog | undefined;
  afterEach(() => forked?.kill());

  test('append side by side, and one replays for all', async () => {
    const place = { leaseMs: 60_000 };
    const one = await spool.open(place);
    spool.log.fault = 'refuses';
    await one.append(0, Buffer.from('of one'));
    await eventually(() => expect(one.backlog().state).toBe('spooling'));
    const other = await spool.open(place);
    await appendAll(other, 0, numbered(20));
    spool.log.fault = undefined;
    await Promise.all([spool.isReplayed(one), spool.isReplayed(other)]);
    expect([one.backlog().replayed, other.backlog().replayed].sort()).toEqual([0, 21]);
    expect(await spool.bodies(0)).toEqual(['of one', ...numbered(20)]);
  });

  test('take over from one that left, and from one that was killed once its lease is over', async () => {
    const place = { leaseMs: 4_000 };
    spool.log.fault = 'refuses';
    const one = await spool.open(place);
    await one.append(0, Buffer.from('left'));
    await one.close();

    forked = new ForkedLog('holdLease', `${spool.folder}/spool`, PARTITIONS);
    await eventually(() => expect(forked?.lines).toContain('ready'));
    spool.log.fault = undefined;
    const two = await spool.open(place);
    expect(await two.append(0, Buffer.from('live'))).toBe(0);
    expect(two.backlog()).toMatchObject({ state: 'replaying', frames: 1, replayed: 0 });
    await forked.kill();
    await spool.isReplayed(two);
    expect(await spool.bodies(0)).toEqual(['live', 'left']);
  });
});

describe('a disk that is full', () => {
  test('refuses frames, ends no process, and what was acknowledged is replayed later', async () => {
    const forked = new ForkedLog('fillSpool', spool.folder, PARTITIONS, { fileLimit: (2 * MIB) / 512 });
    expect(await forked.ended()).toBe(0);
    const [codes, ping, acknowledged] = forked.lines;
    expect([codes, ping]).toEqual(['unavailable', 'ping: unavailable']);
    expect(Number(acknowledged)).toBeGreaterThan(0);
    const log = await spool.open();
    await spool.isReplayed(log);
    const numbers = (await spool.bodies(0)).map((body) => Number.parseInt(body, 10));
    for (let i = 0; i < Number(acknowledged); i += 1) expect(numbers).toContain(i);
  });
});
