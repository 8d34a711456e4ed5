/** Consumes an embedded log, which lets its retention remove what is beyond `retentionBytes`: in a process of its own, as a pipeline does. */
import { once } from 'node:events';
import { openLmdbLog } from '../../kafka/lmdb-log.ts';

const [path = '', partitions = '', retentionBytes = ''] = process.argv.slice(2);
const log = openLmdbLog(path, {
  partitions: Number(partitions),
  retentionMs: 86_400_000,
  retentionBytes: Number(retentionBytes),
  maxBytes: 1024 ** 4,
});
await log.subscribe('pipeline', {
  commitWithinMs: 1_000,
  assigned: async (_, committed) => committed,
  batch: async () => {},
  revoked: () => {},
});
process.send?.('ready');
await once(process, 'disconnect');
await log.close();
