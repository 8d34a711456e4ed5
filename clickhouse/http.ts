/** The analytics store on a ClickHouse server, over HTTP. */
import { Agent } from 'node:https';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import {
  type ClickHouseClientConfigOptions,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
  drainStream,
} from '@clickhouse/client';
import { EngineUrlError } from '../engine.ts';
import { trusting } from '../trust.ts';
import { waitUntilEnded } from './ended.ts';
import { clusterLayout, ONE_SERVER } from './layout.ts';
import type { AnalyticsStore } from './port.ts';
import { resettableAgent } from './resettable-agent.ts';
import { READER_SETTINGS } from './settings.ts';
import { type Engine, INSERT_ID, openStore, type StoreOptions } from './store.ts';

const SECOND = 1_000;

export interface HttpTimeouts {
  /** From the first byte of an insert to its answer. */
  insertMs: number;
  /** Silence of the server while it reads. */
  readMs: number;
}

const TIMEOUTS: HttpTimeouts = {
  insertMs: 60 * SECOND,
  // Readers are given up by the server after a minute.
  readMs: 70 * SECOND,
};
/** Silence during a rebuild or a migration; while one runs, the server says every few seconds that it does. */
const WRITER_TIMEOUT_MS = 600 * SECOND;
/** To ask whether an insert still runs. */
const CONTROL_TIMEOUT_MS = 10 * SECOND;
/** Servers close idle connections after 10 s, ClickHouse Cloud after 3 s; ours go first. */
const IDLE_MS = 2_500;
/** Room for a line of progress every 10 s. */
const MAX_HEADER_BYTES = 256 * 1024;

/** An answer begins when its statement has ended, so that an error is the answer and not a tail of it. */
const SERVER_SETTINGS: ClickHouseSettings = { wait_end_of_query: 1 };

/** So that a connection is not silent for long. */
const PROGRESS: ClickHouseSettings = {
  send_progress_in_http_headers: 1,
  http_headers_progress_interval_ms: '10000',
};

const compress = promisify(gzip);

interface HttpOptions extends StoreOptions {
  poolSize: number;
  cluster: string;
  /** PEM of authorities to trust beside those that come with Node. */
  ca?: string | undefined;
}

/** @throws AnalyticsStoreError `unavailable` when no server answers, EngineUrlError */
export async function openHttp(
  url: string,
  options: HttpOptions,
  timeouts: HttpTimeouts = TIMEOUTS,
): Promise<AnalyticsStore> {
  return openStore(connect(url, options, timeouts), options);
}

function connect(
  url: string,
  { poolSize, cluster, ca }: Pick<HttpOptions, 'poolSize' | 'cluster' | 'ca'>,
  timeouts: HttpTimeouts,
): Engine {
  const layout = cluster === '' ? ONE_SERVER : clusterLayout(cluster);
  const server = serverOf(url);
  const secure = server.url.protocol === 'https:';
  const trust = secure ? trusting(ca) : undefined;
  const { agent, reset } = resettableAgent(secure, trust);
  // The client's own agents would read all authorities again for each connection.
  const atMost = (connections: number): ClickHouseClientConfigOptions =>
    trust === undefined
      ? { max_open_connections: connections }
      : { http_agent: new Agent({ keepAlive: true, maxSockets: connections, secureContext: trust }) };
  const client = (own: ClickHouseClientConfigOptions) =>
    createClient({
      ...server,
      application: 'footfall',
      compression: { response: true },
      keep_alive: { idle_socket_ttl: IDLE_MS, eagerly_destroy_stale_sockets: true },
      log: { level: ClickHouseLogLevel.OFF },
      ...own,
      clickhouse_settings: { ...SERVER_SETTINGS, ...own.clickhouse_settings },
    });
  const writer = client({
    http_agent: agent,
    request_timeout: WRITER_TIMEOUT_MS,
    max_response_headers_size: MAX_HEADER_BYTES,
    clickhouse_settings: PROGRESS,
  });
  const deriver = client({
    ...atMost(1),
    request_timeout: WRITER_TIMEOUT_MS,
    max_response_headers_size: MAX_HEADER_BYTES,
    clickhouse_settings: PROGRESS,
  });
  const reader = client({
    ...atMost(poolSize),
    request_timeout: timeouts.readMs,
    clickhouse_settings: READER_SETTINGS,
  });
  const control = client({ ...atMost(1), request_timeout: CONTROL_TIMEOUT_MS });

  return {
    writer,
    deriver,
    layout,
    directory: undefined,
    readers: Array.from({ length: poolSize }, () => reader),
    /** One buffer with its length, not a stream: a server tells a body that was cut from one that is complete. */
    async insert(statement, rows, queryId) {
      const body = await compress(rows.join(''), { level: 1 });
      const timer = setTimeout(reset, timeouts.insertMs);
      try {
        const { stream } = await writer.exec({
          query: statement,
          values: Readable.from([body]),
          query_id: queryId,
          http_headers: { 'Content-Encoding': 'gzip', 'Content-Length': String(body.length) },
        });
        await drainStream(stream);
      } finally {
        clearTimeout(timer);
      }
    },
    ended: (queryId) => waitUntilEnded(control, `initial_query_id = '${queryId}'`, layout),
    async endStrays() {
      await waitUntilEnded(control, `startsWith(initial_query_id, '${INSERT_ID}')`, layout);
      // A replica that lags behind would not tell what is stored.
      for (const query of layout.sync('event')) await writer.command({ query });
    },
    close: () => control.close(),
  };
}

/** Names in statements are qualified, so the URL need not name the database; another one is refused. */
function serverOf(url: string): { url: URL; username: string; password: string } {
  const { protocol, host, username, password, pathname, search, hash } = parsed(url);
  if (search !== '' || hash !== '' || !['/', '/footfall'].includes(pathname)) {
    throw new EngineUrlError(
      `${protocol}//${host}: expected ${protocol}//user:password@host:port, no parameters, and no database but footfall`,
    );
  }
  try {
    return {
      url: new URL(`${protocol}//${host}`),
      username: decodeURIComponent(username) || 'default',
      password: decodeURIComponent(password),
    };
  } catch (cause) {
    throw new EngineUrlError(`${protocol}//${host}: user and password are not percent-encoded`, { cause });
  }
}

function parsed(url: string): URL {
  // What the constructor throws would have the whole URL in it, with the password.
  if (!URL.canParse(url)) throw new EngineUrlError('CLICKHOUSE_URL is not a URL');
  return new URL(url);
}
