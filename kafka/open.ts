/** Opens the event log that a URL names. */
import { EngineUrlError, pickEngine } from '../engine.ts';
import { LazyLog } from './lazy-log.ts';
import { openLmdbLog } from './lmdb-log.ts';
import { type EventLog, LogError, type LogOptions, type LogTrouble, warnOfTrouble } from './port.ts';
import { type SpoolOptions, spooled } from './spool.ts';
import { REPLAY_BATCH_BYTES } from './spool-replay.ts';
import { within } from './within.ts';

/** How long a start waits for a log that does not answer before it goes on without. */
const FIRST_TRY_MS = 5_000;
const SPOOL_RETENTION_INTERVAL_MS = 1_000;

/**
 * `lmdb:///absolute/folder` is the log on local disk; the folder is made when it is missing.
 * `kafka://host:port,host:port` is the log on these brokers; the topics are made when they are missing. Their names
 * begin with `footfall`, or with what `?prefix=` says.
 *
 * @throws EngineUrlError saying what is wrong with the URL, or listing the schemes that are known
 * @throws RangeError when an option is out of range
 * @throws LogError `wrong_partitions` when the log has another number, on Kafka: fewer; `newer_layout` on local disk; `unavailable`
 */
export async function openLog(url: string, options: LogOptions): Promise<EventLog> {
  const open = pickEngine('event log', url, { lmdb: openLmdb, kafka: openKafka });
  return open(url, options);
}

/**
 * As {@link openLog}, at once and in the background: for whoever has something else to do while the log cannot be reached.
 * Until then calls reject with `unavailable`.
 */
export function openLogLater(url: string, options: LogOptions): LazyLog {
  const { partitions, onTrouble = warnOfTrouble } = options;
  return new LazyLog(() => openLog(url, options), { partitions, onTrouble });
}

export interface SpoolPlace extends Omit<SpoolOptions, 'onTrouble'> {
  /** Absolute; made when it is missing. Collectors of one machine may share it. */
  folder: string;
  /** A spool that holds this much refuses frames with `full`. */
  maxBytes: number;
  /** How long to wait for the log at the start; default 5,000. */
  firstTryMs?: number;
}

/**
 * As {@link openLog}, with a spool for when the log takes no frames; opens also while it cannot be reached. The log on
 * local disk needs none: what would keep it from taking frames would keep the spool from it, too.
 * Frames go to `partitions` of the log also where a topic of Kafka has more, which is not known while it is away.
 *
 * @throws what {@link openLog} throws, but LogError `unavailable` only for the spool
 */
export async function openLogWithSpool(
  url: string,
  options: LogOptions,
  place: SpoolPlace,
): Promise<EventLog> {
  if (url.startsWith('lmdb:')) return openLog(url, options);
  return withSpool(() => openLog(url, options), options, place);
}

/** @param open of a log with `partitions` */
export async function withSpool(
  open: () => Promise<EventLog>,
  { partitions, onTrouble = warnOfTrouble }: Pick<LogOptions, 'partitions' | 'onTrouble'>,
  { folder, maxBytes, firstTryMs = FIRST_TRY_MS, ...options }: SpoolPlace,
): Promise<EventLog> {
  const spool = openLmdbLog(folder, {
    partitions,
    maxBytes,
    // What the log has is of no more use here, and its space is wanted.
    retentionMs: 0,
    retentionBytes: 0,
    retentionIntervalMs: SPOOL_RETENTION_INTERVAL_MS,
    batchBytes: REPLAY_BATCH_BYTES,
    onTrouble: (trouble) => {
      if (!isExpected(trouble)) onTrouble({ ...trouble, message: `spool: ${trouble.message}` });
    },
  });
  const log = new LazyLog(open, { partitions, onTrouble });
  try {
    await within(firstTryMs, 'opening the log', log.opened());
  } catch (error) {
    if (!(error instanceof LogError && error.retryable)) {
      await Promise.all([log.close(), spool.close()]);
      throw error;
    }
  }
  return spooled(log, spool, { onTrouble, ...options });
}

/** The replay finds the log still away: that the spool is in use is told once, not at every try. */
function isExpected({ kind, cause }: LogTrouble): boolean {
  return kind === 'consumer_failed' && cause instanceof LogError && cause.retryable;
}

/** Loaded when it is wanted, since most of it is a client that a log on local disk has no use for. */
async function openKafka(url: string, options: LogOptions): Promise<EventLog> {
  const { openKafkaLog } = await import('./kafka-log.ts');
  return openKafkaLog(url, options);
}

function openLmdb(url: string, options: LogOptions): EventLog {
  const { hostname, pathname, searchParams, hash } = new URL(url);
  const [parameter] = searchParams.keys();
  if (parameter !== undefined) throw new EngineUrlError(`event log: ${url}: unknown parameter ${parameter}`);
  if (hostname !== '' || pathname.length < 2 || hash !== '') {
    throw new EngineUrlError(`event log: ${url}: is not lmdb:///absolute/folder`);
  }
  return openLmdbLog(decodeURIComponent(pathname), options);
}
