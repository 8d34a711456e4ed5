/** The LMDB environment of an embedded log: what lies in it, and the ways to change it. */
import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import { durable, unavailable } from './lmdb-errors.ts';
import { SegmentReader } from './lmdb-segment-reader.ts';
import { type EventLog, LogError } from './port.ts';

// Address space, not disk. All processes must map the same, and none ever has to map anew.
const MAP_BYTES = 1024 ** 4;
// What a collector's frame may need: a smaller write could fit where appends do not.
const PROBE_BYTES = 64 * 1024;
const MAX_DATABASES = 16;
/** 1: bodies of every size in rows. 2: larger ones in segments. */
export const LAYOUT_VERSION = 2;
export const SEGMENT_FOLDER = 'segments';

interface Totals {
  /** Frames ever appended: rises with every append, so a reader that sees it unchanged has no news. */
  frames: number;
  /** Bytes of frames and dead letters ever stored; those removed are counted by {@link LmdbStore.removed}. */
  bytes: number;
}

/** Where the log ends, as of one moment. */
export interface Head {
  /** Rises with every change of the other two, whichever process makes it. */
  readonly version: number;
  readonly totals: Readonly<Totals>;
  /** partition -> offset after the last frame */
  readonly ends: readonly number[];
}

/** Frames that a log gets, and how it ends then. */
export interface Appendix {
  readonly rows: readonly { key: Uint8Array; value: Buffer }[];
  /** The segment that bodies lie in, and how many it has then. */
  readonly segment: { id: number; frames: number } | undefined;
  readonly totals: Totals;
  readonly ends: readonly number[];
}

interface Lease {
  holder: string;
  /** ms since the epoch */
  until: number;
}

export interface LmdbStore {
  readonly path: string;
  readonly partitions: number;
  /** See {@link EventLog.identity}. A log from before there was one gets it when it is opened. */
  readonly identity: string;
  /** `frameKey` -> body, byte for byte, or the place of it: see `placeOf`. */
  readonly frames: Database<Buffer, Uint8Array>;
  /** Segment -> frames of it that were ever appended. Written by the process whose segment it is. */
  readonly segments: Database<number, number>;
  /** Segment -> frames of it that were removed. Written by retention only. */
  readonly released: Database<number, number>;
  /** Bodies that lie in segments. */
  readonly bodies: SegmentReader;
  readonly segmentFolder: string;
  segmentPath(segment: number): string;
  /** partition -> offset after the last frame. Written by appends only. */
  readonly ends: Database<number, number>;
  /** partition -> offset of the first frame that is still there. Written by retention only. */
  readonly starts: Database<number, number>;
  /** [partition, group] -> offset to read next. */
  readonly offsets: Database<number, [number, string]>;
  /** `letterKey` -> reason and body. */
  readonly letters: Database<Buffer, Uint8Array>;
  /** Name of a duty -> who has it, and until when. */
  readonly leases: Database<Lease, string>;
  totals(): Totals;
  /** Inside {@link transact}. */
  setTotals(totals: Totals): void;
  /** @param known an earlier answer: it is the answer again where nothing has changed. */
  head(known?: Head): Head;
  /**
   * Adds to the log unless it has changed since `head`, and answers how it ends now; nothing where it had changed. Durable; does not
   * hold the write lock for this thread. @throws LogError `unavailable`
   */
  append(head: Head, appendix: Appendix): Promise<Head | undefined>;
  /** A segment that nobody has had. @throws LogError `unavailable` */
  registerSegment(): Promise<number>;
  /** Asked after {@link head}: an append that follows that head finds the segment as it is told here, or is void. */
  hasSegment(segment: number): boolean;
  /**
   * Takes a segment off the books unless frames of it are left or something is appended meanwhile, and says whether it did. Durable; does
   * not hold the write lock for this thread. @throws LogError `unavailable`
   */
  dropSegment(segment: number): Promise<boolean>;
  /** The segments that there are. What else is read may be as of when this turn of the event loop began to read; this is not. */
  registeredNow(): Set<number>;
  /** Bytes ever removed, and the version that guards every removal. */
  removed(): { bytes: number; version: number };
  /** Bytes of the frames and dead letters that are there now. */
  storedBytes(): number;

  /**
   * Runs `change` inside a write transaction, on this thread, and resolves once it is durable. All processes wait
   * while this thread is late to run it; where the values are known beforehand, take one of the other two.
   * `change` reads before it writes: what it wrote before throwing is kept.
   *
   * @throws LogError `unavailable`; what `change` throws
   */
  transact<T>(change: () => T): Promise<T>;
  /** Sets one offset, durably, without holding the write lock for this thread. @throws LogError `unavailable` */
  putOffset(partition: number, group: string, offset: number): Promise<void>;
  /**
   * Removes `keys` unless something was removed or a group was moved back since `version` was read; says whether
   * it did. Durable; does not hold the write lock for this thread. @throws LogError `unavailable`
   */
  remove(removal: Removal): Promise<boolean>;
  /** Inside {@link transact}: makes every removal that was worked out before this moment void. */
  forbidRemovals(): void;

  /** Copies the environment, as it is at one moment and without its free pages, into a folder that is empty. */
  copyTo(folder: string): Promise<void>;
  /** Writes and removes as much as a frame has. @throws LogError `unavailable` */
  probe(): Promise<void>;
  /** Frees what readers that were killed still hold: pages they pinned cannot be used again. */
  forgetDeadReaders(): void;
  close(): Promise<void>;
}

interface Removal {
  version: number;
  from: Database<Buffer, Uint8Array>;
  keys: Uint8Array[];
  /** Bytes of the values. */
  bytes: number;
  /** Frames only: partition -> first offset that stays. */
  starts: Map<number, number>;
  /** Frames only: segment -> how many of them lie in it. */
  released: Map<number, number>;
}

/** @throws LogError `wrong_partitions`, `newer_layout`, `unavailable` */
export function openStore(path: string, partitions: number): LmdbStore {
  const root = openEnvironment(path);
  try {
    mkdirSync(join(path, SEGMENT_FOLDER), { recursive: true });
    return openDatabases(root, path, partitions);
  } catch (cause) {
    void root.close();
    throw cause instanceof LogError ? cause : unavailable(`cannot open ${path}`, cause);
  }
}

function openEnvironment(path: string): RootDatabase {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return open({
      path,
      noSubdir: false,
      mapSize: MAP_BYTES,
      maxDbs: MAX_DATABASES,
      // A commit returns after fdatasync and the synced write of the meta page: resolved means durable.
      overlappingSync: false,
      // With it, every commit has a promise that lmdb keeps to itself: a full disk would end the process with an
      // unhandled rejection.
      eventTurnBatching: false,
    });
  } catch (cause) {
    throw unavailable(`cannot open ${path}`, cause);
  }
}

function openDatabases(root: RootDatabase, path: string, partitions: number): LmdbStore {
  const frames = root.openDB<Buffer, Uint8Array>('frames', { encoding: 'binary', keyEncoding: 'binary' });
  const letters = root.openDB<Buffer, Uint8Array>('letters', { encoding: 'binary', keyEncoding: 'binary' });
  const ends = root.openDB<number, number>('ends', { encoding: 'json' });
  const starts = root.openDB<number, number>('starts', { encoding: 'json' });
  const offsets = root.openDB<number, [number, string]>('offsets', { encoding: 'json' });
  const totalsDb = root.openDB<Totals, string>('totals', { encoding: 'json' });
  const removedDb = root.openDB<number, string>('removed', { encoding: 'json', useVersions: true });
  const headDb = root.openDB<number, string>('head', { encoding: 'json', useVersions: true });
  const layout = root.openDB<number, string>('layout', { encoding: 'json' });
  const segments = root.openDB<number, number>('segments', { encoding: 'json' });
  const released = root.openDB<number, number>('released', { encoding: 'json' });
  const leases = root.openDB<Lease, string>('leases', { encoding: 'json' });
  const identities = root.openDB<string, string>('identity', { encoding: 'json' });
  const probes = root.openDB<Buffer, string>('probes', { encoding: 'binary' });

  const {
    version: written,
    partitions: created,
    identity,
  } = root.transactionSync(() => {
    const version = layout.get('version') ?? 1;
    if (version > LAYOUT_VERSION) return { version, partitions, identity: '' };
    if (version < LAYOUT_VERSION) layout.putSync('version', LAYOUT_VERSION);
    if (headDb.getEntry('changes') === undefined) headDb.putSync('changes', 0, 1);
    const identity = identities.get('own') ?? randomUUID();
    if (!identities.doesExist('own')) identities.putSync('own', identity);
    const found = layout.get('partitions');
    if (found !== undefined) return { version, partitions: found, identity };
    layout.putSync('partitions', partitions);
    removedDb.putSync('bytes', 0, 1);
    return { version, partitions, identity };
  });
  if (written > LAYOUT_VERSION) {
    throw new LogError(
      'newer_layout',
      `${path} was written by a newer version: its layout is ${written}, and this one knows layouts up to ${LAYOUT_VERSION}`,
    );
  }
  if (created !== partitions) {
    throw new LogError(
      'wrong_partitions',
      `${path} was created with ${created} partitions, not ${partitions}: their number is fixed`,
    );
  }

  const headVersion = () => {
    const version = headDb.getEntry('changes')?.version;
    if (version === undefined) throw new LogError('unavailable', `${path}: its counters are missing`);
    return version;
  };
  const totals = () => totalsDb.get('all') ?? { frames: 0, bytes: 0 };
  const removed = () => {
    const entry = removedDb.getEntry('bytes');
    if (entry?.version === undefined) throw new LogError('unavailable', `${path}: its counters are missing`);
    return { bytes: entry.value, version: entry.version };
  };

  const segmentFolder = join(path, SEGMENT_FOLDER);
  const segmentPath = (segment: number) => join(segmentFolder, String(segment));
  const bodies = new SegmentReader(segmentPath);
  const setHeadChanged = () => headDb.putSync('changes', 0, headVersion() + 1);
  const transact = <T>(change: () => T): Promise<T> => durable(path, root.transaction(change));

  return {
    path,
    partitions,
    identity,
    frames,
    segments,
    released,
    bodies,
    segmentFolder,
    segmentPath,
    ends,
    starts,
    offsets,
    letters,
    leases,
    totals,
    setTotals: (value) => {
      totalsDb.putSync('all', value);
      setHeadChanged();
    },
    head: (known) => {
      const version = headVersion();
      if (known?.version === version) return known;
      return {
        version,
        totals: totals(),
        ends: Array.from({ length: partitions }, (_, partition) => ends.get(partition) ?? 0),
      };
    },
    append: async (head, appendix) => {
      const version = head.version + 1;
      const done = headDb.ifVersion('changes', head.version, () => {
        const { rows, segment } = appendix;
        for (const { key, value } of rows) frames.put(key, value);
        if (segment !== undefined) segments.put(segment.id, segment.frames);
        for (const [partition, end] of appendix.ends.entries())
          if (end !== head.ends[partition]) ends.put(partition, end);
        totalsDb.put('all', appendix.totals);
        headDb.put('changes', 0, version);
      });
      const isOurs = await durable(path, done);
      return isOurs ? { version, totals: appendix.totals, ends: appendix.ends } : undefined;
    },
    registerSegment: () =>
      transact(() => {
        const segment = layout.get('segments') ?? 0;
        layout.putSync('segments', segment + 1);
        segments.putSync(segment, 0);
        return segment;
      }),
    hasSegment: (segment) => segments.doesExist(segment),
    dropSegment: async (segment) => {
      const version = headVersion();
      if (segments.get(segment) !== (released.get(segment) ?? 0)) return false;
      const done = headDb.ifVersion('changes', version, () => {
        headDb.put('changes', 0, version + 1);
        segments.remove(segment);
        released.remove(segment);
      });
      return durable(path, done);
    },
    registeredNow: () => {
      root.resetReadTxn();
      return new Set(segments.getKeys({}));
    },
    removed,
    storedBytes: () => totals().bytes - removed().bytes,
    transact,
    putOffset: async (partition, group, offset) => {
      await durable(path, offsets.put([partition, group], offset));
    },
    remove: ({ version, from, keys, bytes, starts: moved, released: left }) => {
      const total = removed().bytes + bytes;
      const inAll = [...left].map(([segment, frames]) => ({
        segment,
        frames: (released.get(segment) ?? 0) + frames,
      }));
      const done = removedDb.ifVersion('bytes', version, () => {
        for (const key of keys) from.remove(key);
        for (const [partition, offset] of moved) starts.put(partition, offset);
        for (const { segment, frames } of inAll) released.put(segment, frames);
        removedDb.put('bytes', total, version + 1);
      });
      return durable(path, done);
    },
    forbidRemovals: () => {
      const { bytes, version } = removed();
      removedDb.putSync('bytes', bytes, version + 1);
    },
    copyTo: (folder) => root.backup(folder, true),
    probe: async () => {
      const file = join(segmentFolder, 'probe');
      await durable(path, writeFile(file, Buffer.alloc(PROBE_BYTES), { flush: true }));
      await durable(path, rm(file, { force: true }));
      await durable(path, probes.put('probe', Buffer.alloc(PROBE_BYTES)));
      await durable(path, probes.remove('probe'));
    },
    forgetDeadReaders: () => void root.readerCheck(),
    close: () => {
      bodies.close();
      return root.close();
    },
  };
}
