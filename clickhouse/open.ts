/** Opens the analytics store that a URL names. */
import { pickEngine } from '../engine.ts';
import { openChdb } from './chdb.ts';
import { openHttp } from './http.ts';
import type { AnalyticsStore } from './port.ts';

export interface AnalyticsOptions {
  /** Days that raw rows stay after they were received. */
  rawDays: number;
  /** Name of the cluster over whose servers the tables stand; of one server without. */
  cluster?: string;
  /** PEM of authorities to trust, beside those that come with Node, where the URL is `https://`. */
  ca?: string | undefined;
  /** Queries that run at the same time; inserts have a connection of their own. */
  poolSize?: number;
  /** ms since the epoch */
  now?: () => number;
  /** IANA name of the reporting zone; UTC where it is not said. */
  timeZone?: string;
  /** Opens a store whose events have days of another zone, so that it can be changed. */
  anyZone?: boolean;
}

/**
 * Opens the store and brings its tables up to date. `chdb:///path/of/a/directory` is chDB in this process,
 * `http://user:password@host:8123` (or `https://`) a ClickHouse server.
 *
 * @throws AnalyticsStoreError when the store is in use by another process, cannot be written, is of a newer version, or
 * has events with the days of another zone
 * @throws EngineUrlError for another scheme, or a URL that is not one of its engine's
 */
export function openAnalytics(url: string, options: AnalyticsOptions): Promise<AnalyticsStore> {
  const open = pickEngine('analytics store', url, { chdb: openChdb, http: openHttp, https: openHttp });
  return open(url, { poolSize: 4, cluster: '', now: Date.now, timeZone: 'UTC', anyZone: false, ...options });
}
