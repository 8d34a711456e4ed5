/** Opens the event log that a URL names. */
import { pickEngine } from '../engine.ts';
import { openKafkaLog } from './kafka-log.ts';
import { openLmdbLog } from './lmdb-log.ts';
import type { EventLog, LogOptions } from './port.ts';

/**
 * `lmdb:///absolute/folder` is the log on local disk; the folder is made when it is missing.
 * `kafka://host:port,host:port` is the log on these brokers; the topics are made when they are missing. Their names
 * begin with `footfall`, or with what `?prefix=` says.
 *
 * @throws UnknownEngineError listing the schemes that are known
 * @throws TypeError when the URL is not one of the engine's
 * @throws RangeError when an option is out of range
 * @throws LogError `wrong_partitions` when the log has another number, on Kafka: fewer; `unavailable`
 */
export async function openLog(url: string, options: LogOptions): Promise<EventLog> {
  const open = pickEngine('event log', url, { lmdb: openLmdb, kafka: openKafkaLog });
  return open(url, options);
}

function openLmdb(url: string, options: LogOptions): EventLog {
  const { hostname, pathname, searchParams, hash } = new URL(url);
  const [parameter] = searchParams.keys();
  if (parameter !== undefined) throw new TypeError(`event log: ${url}: unknown parameter ${parameter}`);
  if (hostname !== '' || pathname.length < 2 || hash !== '') {
    throw new TypeError(`event log: ${url}: is not lmdb:///absolute/folder`);
  }
  return openLmdbLog(decodeURIComponent(pathname), options);
}
