/** A log with a spool does what every event log must do. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeEventLog } from './conformance.case.ts';
import { openLog, withSpool } from './open.ts';

describeEventLog('a log with a spool', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-spool-'));
  const limits = { retentionMs: 3_600_000, retentionBytes: 1024 ** 3, maxBytes: 2 * 1024 ** 3 };
  return {
    open(partitions, onTrouble) {
      const open = () => openLog(`lmdb://${folder}/log`, { partitions, onTrouble, ...limits });
      return withSpool(open, { partitions, onTrouble }, { folder: join(folder, 'spool'), maxBytes: 1e6 });
    },
    remove: () => rm(folder, { recursive: true }),
  };
});
