/** Opens the event log that a URL names. */
import { pickEngine } from '../engine.ts';
import { openLmdbLog } from './lmdb-log.ts';
import type { EventLog, LogOptions } from './port.ts';

/**
 * `lmdb:///absolute/folder` is the log on local disk; the folder is made when it is missing.
 *
 * @throws UnknownEngineError listing the schemes that are known
 * @throws TypeError when the URL is not one of the engine's
 * @throws RangeError when an option is out of range
 * @throws LogError `wrong_partitions` when the log was created with another number; `unavailable`
 */
export async function openLog(url: string, options: LogOptions): Promise<EventLog> {
  const open = pickEngine('event log', url, { lmdb: openLmdb });
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
