/** A spooled log for each test: a real log that faults can be put before, a real spool, and short times. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect } from 'vitest';
import { eventually } from './eventually.fixture.ts';
import { FaultyLog } from './faulty-log.fixture.ts';
import { openLog, type SpoolPlace, withSpool } from './open.ts';
import type { EventLog, LogTrouble } from './port.ts';
import { Recorder } from './recorder.fixture.ts';

export const PARTITIONS = 3;
/** Of the spool. */
export const MAX_BYTES = 64 * 1024 ** 2;
/** Long enough that a busy machine does not take an answer for none; tests of a log that hangs need not wait so long. */
const STALL_MS = 10_000;

interface SpoolUnderTest {
  folder: string;
  /** What the log does, for every handle opened here. */
  log: FaultyLog;
  troubles: LogTrouble[];
  /** Another handle on the log and the spool. */
  open(place?: Partial<SpoolPlace>): Promise<EventLog>;
  /** What the log has of a partition. */
  bodies(partition: number): Promise<string[]>;
  /** Waits until nothing is left in the spool. */
  isReplayed(spooled: EventLog): Promise<void>;
}

/** To be called once, at the top of a test file. */
export function useSpool(): SpoolUnderTest {
  let opened: EventLog[] = [];
  const limits = { retentionMs: 3_600_000, retentionBytes: 1024 ** 3, maxBytes: 2 * 1024 ** 3 };
  const openMain = () => openLog(`lmdb://${subject.folder}/log`, { partitions: PARTITIONS, ...limits });

  const subject: SpoolUnderTest = {
    folder: '',
    log: new FaultyLog(Object.create(null)),
    troubles: [],
    async open(place = {}) {
      const spooled = await withSpool(
        async () => {
          subject.log.reopen(await openMain());
          return subject.log;
        },
        { partitions: PARTITIONS, onTrouble: (trouble) => subject.troubles.push(trouble) },
        {
          folder: join(subject.folder, 'spool'),
          maxBytes: MAX_BYTES,
          stallMs: STALL_MS,
          firstPauseMs: 5,
          maxPauseMs: 50,
          watchMs: 5,
          ...place,
        },
      );
      opened.push(spooled);
      return spooled;
    },
    async bodies(partition) {
      const log = await openMain();
      const recorder = new Recorder();
      const group = `census ${randomUUID()}`;
      await log.subscribe(group, recorder);
      await eventually(async () => {
        const lag = (await log.lag(group))[partition];
        expect(lag?.committed).toBe(lag?.end);
      });
      await log.close();
      return recorder.bodies(partition);
    },
    isReplayed: (spooled) =>
      eventually(() => expect(spooled.backlog()).toMatchObject({ state: 'direct', bytes: 0 })),
  };

  beforeEach(async () => {
    subject.folder = await mkdtemp(join(tmpdir(), 'footfall-spool-'));
    subject.log = new FaultyLog(Object.create(null));
    subject.troubles = [];
    opened = [];
  });

  afterEach(async () => {
    await Promise.all(opened.map((log) => log.close()));
    await rm(subject.folder, { recursive: true });
  });

  return subject;
}

export const numbered = (count: number, name = 'frame') =>
  Array.from({ length: count }, (_, i) => `${name} ${i}`);

export function appendAll(log: EventLog, partition: number, bodies: string[]) {
  return Promise.all(bodies.map((body) => log.append(partition, Buffer.from(body))));
}
