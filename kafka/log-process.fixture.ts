/**
 * A process of its own that uses a log, for tests that need two or that kill one.
 * Arguments: role, folder or URL, partitions, frames.
 */
import { createHash, randomBytes } from 'node:crypto';
import { open } from 'lmdb';
import { openLmdbLog } from './lmdb-log.ts';
import { openStore } from './lmdb-store.ts';
import { openLog, withSpool } from './open.ts';
import { LogError } from './port.ts';
import { REPLAY_DUTY } from './spool-replay.ts';

const [role = '', folder = '', partitions = '1', frames = '0'] = process.argv.slice(2);
const MAX_BODY_BYTES = 20_000;
/** Stands in the row of its frame, so that one file grows until there is no room. */
const SMALL_BODY_BYTES = 1_000;
const IN_FLIGHT = 16;

/** A line for the test, written at once: what the kernel has outlives a kill. */
const tell = (line: string) => process.stdout.write(`${line}\n`);
const environment = () => open({ path: folder, noSubdir: false, overlappingSync: false, mapSize: 1024 ** 4 });
const openTheLog = () => {
  const limits = { retentionMs: 3_600_000, retentionBytes: 1024 ** 3, maxBytes: 2 * 1024 ** 3 };
  const url = folder.includes('://') ? folder : `lmdb://${folder}`;
  return openLog(url, { partitions: Number(partitions), ...limits });
};

const roles: Record<string, () => Promise<void>> = {
  /** Appends `frames` numbered frames to each partition. */
  async append() {
    const log = await openTheLog();
    const appends: Promise<unknown>[] = [];
    for (let i = 0; i < Number(frames); i += 1) {
      for (let partition = 0; partition < log.partitions; partition += 1) {
        appends.push(log.append(partition, Buffer.from(`${process.pid}:${i}`)));
      }
      if (i % 5 === 0) await appends.at(-1);
    }
    await Promise.all(appends);
    await log.close();
  },

  /** Appends until killed, frames that carry their own digest, and tells each acknowledged place and digest. */
  async appendForEver() {
    const log = await openTheLog();
    const worker = async (partition: number) => {
      for (;;) {
        const noise = randomBytes(Math.floor(Math.random() * MAX_BODY_BYTES)).toString('base64');
        const digest = createHash('sha256').update(noise).digest('hex');
        const offset = await log.append(partition, Buffer.from(`${digest} ${noise}`));
        tell(`${partition} ${offset} ${digest}`);
      }
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, (_, i) => worker(i % log.partitions)));
  },

  /** Appends until the disk is full and then as often again, and tells how that ended, and what a ping says. */
  async fillDisk() {
    const log = await openTheLog();
    const codes = new Set<string>();
    for (let left = 10; left > 0; ) {
      await log.append(0, Buffer.alloc(SMALL_BODY_BYTES)).catch((error) => {
        codes.add(error.code);
        left -= 1;
      });
    }
    tell([...codes].join());
    await log.ping().catch((error) => tell(`ping: ${error.code}`));
    await log.close();
  },

  /** Appends `frames` large frames with their own digest, each until it is taken; tells how often one was refused. */
  async appendLarge() {
    const log = await openTheLog();
    let refused = 0;
    for (let left = Number(frames); left > 0; ) {
      const noise = randomBytes(MAX_BODY_BYTES).toString('base64');
      const digest = createHash('sha256').update(noise).digest('hex');
      await log.append(0, Buffer.from(`${digest} ${noise}`)).then(
        () => {
          left -= 1;
        },
        () => {
          refused += 1;
        },
      );
    }
    tell(String(refused));
    await log.close();
  },

  async registerSegment() {
    const store = openStore(folder, Number(partitions));
    await store.registerSegment();
    await store.close();
  },

  /** Holds the write lock, in the middle of a transaction that has written, until killed. */
  async holdWriteLock() {
    const root = environment();
    root.transactionSync(() => {
      root.putSync('unfinished', 'x');
      tell('ready');
      for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    });
  },

  /** Holds a snapshot for reading until killed. */
  async holdSnapshot() {
    const root = environment();
    const snapshot = root.useReadTransaction();
    root.get('anything', { transaction: snapshot });
    tell('ready');
    await new Promise((resolve) => setTimeout(resolve, 1_000_000));
    snapshot.done();
  },

  /** Appends to a spool, before a log that is away, until the disk is full; tells how that ended, and how many it took. */
  async fillSpool() {
    const away = async () => {
      throw new LogError('unavailable', 'no broker answers');
    };
    const onTrouble = () => undefined;
    const place = { folder: `${folder}/spool`, maxBytes: 1024 ** 3 };
    const log = await withSpool(away, { partitions: Number(partitions), onTrouble }, place);
    const codes = new Set<string>();
    let acknowledged = 0;
    for (let left = 10; left > 0; ) {
      const frame = Buffer.from(`${acknowledged} ${'x'.repeat(SMALL_BODY_BYTES)}`);
      await log.append(0, frame).then(
        () => {
          acknowledged += 1;
        },
        (error) => {
          codes.add(error.code);
          left -= 1;
        },
      );
    }
    tell([...codes].join());
    await log.ping().catch((error) => tell(`ping: ${error.code}`));
    tell(String(acknowledged));
    await log.close();
  },

  /** Has the replay of a spool until killed. */
  async holdLease() {
    const limits = { retentionMs: 0, retentionBytes: 0, maxBytes: 1024 ** 3 };
    const spool = openLmdbLog(folder, { partitions: Number(partitions), ...limits });
    setInterval(async () => {
      if (await spool.lease(REPLAY_DUTY, 'a process of a test', 4_000)) tell('ready');
    }, 100);
  },

  /** Subscribes, and never finishes a batch. */
  async subscribe() {
    const log = await openTheLog();
    await log.subscribe('pipeline', {
      assigned: async (_, committed) => committed,
      batch: () => {
        tell('ready');
        return new Promise(() => undefined);
      },
      revoked: () => undefined,
    });
  },
};

await roles[role]?.();
