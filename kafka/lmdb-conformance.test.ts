/** The embedded log does what every event log must do. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEventLog } from './conformance.case.ts';
import { openLog } from './open.ts';

describeEventLog('the embedded log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-log-'));
  const limits = { retentionMs: 3_600_000, retentionBytes: 1024 ** 3, maxBytes: 2 * 1024 ** 3 };
  return {
    open: (partitions, onTrouble) => openLog(`lmdb://${folder}`, { partitions, ...limits, onTrouble }),
    remove: () => rm(folder, { recursive: true }),
  };
});
