/** An embedded log in a folder of its own for each test, with a clock that the test moves. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { openLog } from './open.ts';
import type { EventLog, LogOptions, LogTrouble } from './port.ts';

const KIB = 1024;

/** Valid within a test; what it opened is closed and removed afterwards. */
interface LogFolder {
  path: string;
  /** ms since the epoch, for every log opened here */
  clock: number;
  troubles: LogTrouble[];
  /** Another handle; 2 partitions, 1 MiB kept after consumption, 2 MiB at most, unless told otherwise. */
  open(options?: Partial<LogOptions>): Promise<EventLog>;
}

/** To be called once, at the top of a test file. */
export function useLogFolder(): LogFolder {
  let opened: EventLog[] = [];
  const folder: LogFolder = {
    path: '',
    clock: 0,
    troubles: [],
    open: async (options) => {
      const log = await openLog(`lmdb://${folder.path}`, {
        partitions: 2,
        retentionMs: 60_000,
        retentionBytes: 1024 * KIB,
        maxBytes: 2048 * KIB,
        retentionIntervalMs: 5,
        now: () => folder.clock,
        onTrouble: (trouble) => folder.troubles.push(trouble),
        ...options,
      });
      opened.push(log);
      return log;
    },
  };

  beforeEach(async () => {
    folder.path = await mkdtemp(join(tmpdir(), 'footfall-log-'));
    folder.clock = Date.parse('2026-01-01T00:00:00Z');
    folder.troubles = [];
    opened = [];
  });

  afterEach(async () => {
    await Promise.all(opened.map((log) => log.close()));
    await rm(folder.path, { recursive: true });
  });

  return folder;
}

/** The first offset that is there, without making a group known. */
export async function firstOffset(log: EventLog, partition: number): Promise<number | undefined> {
  return (await log.lag('nobody'))[partition]?.committed;
}
