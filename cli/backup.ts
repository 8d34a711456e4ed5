/**
 * `footfall backup DIR`: a copy of an embedded installation that goes on counting where it is restored, without loss or repetition.
 *
 * What has to fit together. A checkpoint in PostgreSQL says up to which offset a partition is counted; ClickHouse has the events of every
 * range before the last one, and of the last one all, some or none; the log has every frame from its committed offset on, and that is
 * at most the checkpoint. This is what a crash leaves as well (`pipeline/commit.ts`): whoever starts on such files reads on from the committed
 * offset, settles the last range, and counts what follows.
 *
 * How. The services go on, and beacons are taken all the time. Counting waits while the lock `ingest` is held exclusively, and
 * closing of days while `intervals` is; and while both are held
 *
 * 1. PostgreSQL gives a snapshot. A unit whose first step was before has its checkpoint in it, and is waiting for the lock with its second; of one
 *    whose first step comes later nothing is in the backup.
 * 2. ClickHouse is frozen: links to its files, in no time. Nobody inserts, so raw has all that any unit inserted before. A range
 *    of a checkpoint of the snapshot may be missing: that of a unit which waits.
 * 3. The log is copied last, without its larger bodies. What a checkpoint of the snapshot covers was in the log before, so the copy ends
 *    at it or beyond. An offset is committed after the insert, so none has moved beyond the snapshot's checkpoint since; frames are removed below
 *    committed offsets only, so every frame from there on is in the copy. Whatever was acknowledged before the command began is there.
 *
 * In any other order something would be missing: a log copied before the snapshot may end before a checkpoint, which no pipeline goes on
 * from (`settledFrom`), and one copied after the locks may have offsets beyond them, whose frames nobody would count.
 *
 * Then the locks are free, and what is slow follows: rows out of the snapshot, frozen files, bodies of the log out of files that were opened
 * while the locks were held. Redis and what is in memory need no copy: they are filled again from raw.
 */
import { mkdir, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, resolve } from 'node:path';
import type { FrozenStore } from '../clickhouse/port.ts';
import type { Config } from '../config.ts';
import { isCode, syncFile } from '../file-system.ts';
import { type FrozenLog, freezeLog } from '../kafka/lmdb-freeze.ts';
import { LAYOUT_VERSION } from '../kafka/lmdb-store.ts';
import { PIPELINE_GROUP } from '../kafka/port.ts';
import type { PartitionProgress, SessionStore } from '../postgres/port.ts';
import {
  BackupError,
  beginBackup,
  completeBackup,
  describeEntry,
  type FileEntry,
  filesBelow,
  forEach,
  type Manifest,
  type Source,
  writeEntry,
} from './backup-folder.ts';
import { requireEmbedded } from './embedded-only.ts';
import { openAnalyticsStore, openSessionStore } from './engines.ts';
import { type Freezer, reachFreezer } from './freeze-socket.ts';
import { createLogger } from './logger.ts';
import { SECRETS_FILE } from './secrets.ts';

/** Folders of `DATA_DIR` and of a backup that have an embedded log. */
const LOG = 'log';
const SPOOL = 'spool';

export async function runBackup(config: Config, directory: string): Promise<void> {
  requireEmbedded(config);
  const folder = resolve(directory);
  if (isWithin(config.dataDir, folder))
    throw new BackupError('refused', `${folder} is in DATA_DIR, and would be lost with it`);
  if (!(await isThere(config.dataDir)))
    throw new BackupError('refused', `DATA_DIR=${config.dataDir}: there is nothing to back up`);
  const logger = createLogger(config, 'backup');
  const sessions = await openSessionStore(config, logger);
  try {
    const { bytes, heldMs } = await sessions.withLock('backup', 'exclusive', async () => {
      await beginBackup(folder);
      const freezer = (await reachFreezer(config.dataDir)) ?? (await ownFreezer(config, sessions));
      try {
        return await backUp(config, folder, { sessions, freezer });
      } finally {
        await freezer.release();
      }
    });
    console.log(`${folder}: ${bytes} bytes; counting waited for ${heldMs} ms`);
  } finally {
    await sessions.close();
  }
}

interface Parts {
  sessions: SessionStore;
  freezer: Freezer;
}

/** What is of one moment, and how long counting waited for it. */
interface Moment {
  store: FrozenStore;
  logs: { name: string; log: FrozenLog }[];
  heldMs: number;
}

async function backUp(
  config: Config,
  folder: string,
  { sessions, freezer }: Parts,
): Promise<{ bytes: number; heldMs: number }> {
  return await sessions.withSnapshot(async (snapshot) => {
    const moment = await sessions.withLock('intervals', 'exclusive', () =>
      sessions.withLock('ingest', 'exclusive', async (): Promise<Moment> => {
        const start = performance.now();
        await snapshot.take();
        const store = await freezer.freeze();
        const logs = await freezeLogs(config, folder);
        return { store, logs, heldMs: Math.round(performance.now() - start) };
      }),
    );
    try {
      const takenAt = new Date().toISOString();
      const partitions = fittingPartitions(moment.logs, await snapshot.progress());
      const files: FileEntry[] = [];
      for (const table of await snapshot.tables())
        files.push(await writeEntry(folder, `postgres/${table}.ndjson`, { lines: snapshot.rows(table) }));
      await forEach(await copiesOf(config, moment), async ({ path, source }) => {
        files.push(await writeEntry(folder, path, source));
      });
      for (const { name } of moment.logs) {
        await syncFile(join(folder, name, 'data.mdb'));
        files.push(await describeEntry(folder, `${name}/data.mdb`));
      }
      await completeBackup(folder, {
        taken_at: takenAt,
        schemas: {
          postgres: await snapshot.version(),
          clickhouse: moment.store.migrations,
          log: LAYOUT_VERSION,
        },
        partitions,
        files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
      });
      return { bytes: files.reduce((sum, { bytes }) => sum + bytes, 0), heldMs: moment.heldMs };
    } finally {
      for (const { log } of moment.logs) await log.close();
    }
  });
}

async function freezeLogs(config: Config, folder: string): Promise<Moment['logs']> {
  const logs: Moment['logs'] = [];
  // What is left of a time when the log was elsewhere.
  const hasSpool = await isThere(join(config.dataDir, SPOOL));
  for (const name of hasSpool ? [LOG, SPOOL] : [LOG]) {
    const from = join(config.dataDir, name);
    const to = join(folder, name);
    await mkdir(to, { recursive: true, mode: 0o700 });
    const { partitions } = config;
    logs.push({ name, log: await freezeLog(from, to, { partitions, group: PIPELINE_GROUP }) });
  }
  return logs;
}

/** @throws BackupError `damaged` where no pipeline could go on from what was taken */
function fittingPartitions(logs: Moment['logs'], progress: PartitionProgress[]): Manifest['partitions'] {
  const log = logs.find(({ name }) => name === LOG)?.log;
  const counted = new Map(progress.map((each) => [each.partition, each]));
  return (log?.lag ?? []).map(({ partition, committed, end }) => {
    const { nextOffset: upTo, logIdentity } = counted.get(partition) ?? { nextOffset: 0 };
    if (logIdentity !== undefined && logIdentity !== log?.identity)
      throw new BackupError(
        'damaged',
        `partition ${partition}: the log is ${log?.identity}, but ${logIdentity} was counted: this is not the log that was counted`,
      );
    if (committed <= upTo && upTo <= end) return { partition, counted: upTo, log_end: end };
    throw new BackupError(
      'damaged',
      `partition ${partition}: counted up to offset ${upTo}, but the log is committed up to ${committed} and ends at ${end}: ` +
        'this is not the log that was counted',
    );
  });
}

/** What is copied once counting goes on, by path in the backup. */
async function copiesOf(
  config: Config,
  { store, logs }: Moment,
): Promise<{ path: string; source: Source }[]> {
  const bodies = logs.flatMap(({ name, log }) =>
    log.segments.map((segment) => ({
      path: `${name}/segments/${segment.name}`,
      source: { file: segment.file },
    })),
  );
  const tables = (await filesBelow(store.folder)).map((path) => ({
    path: `clickhouse/${path}`,
    source: { path: join(store.folder, path) },
  }));
  const secrets = join(config.dataDir, SECRETS_FILE);
  const own = (await isThere(secrets)) ? [{ path: SECRETS_FILE, source: { path: secrets } }] : [];
  return [...own, ...bodies, ...tables];
}

/** Nobody else has the store: it is opened here. */
async function ownFreezer(config: Config, sessions: SessionStore): Promise<Freezer> {
  const analytics = await openAnalyticsStore(config, sessions, { anyZone: true });
  return {
    freeze: () => analytics.freeze(),
    async release() {
      await analytics.thaw();
      await analytics.close();
    },
  };
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || !(way.startsWith('..') || isAbsolute(way));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
}
