/**
 * The connection for commands, to a Redis or to a cluster.
 *
 * It must never hold up its callers. Nothing is queued while Redis is away: a call rejects at once. A call that is not
 * answered in time rejects and has the connection cut, since the other end may be gone without a word. A call whose
 * connection is lost rejects and is not sent again. Connecting goes on in the background, for ever, with growing pauses.
 */
import { once } from 'node:events';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { certificateFault } from '../trust.ts';
import { LiveStoreError } from './port.ts';
import { SCRIPTS } from './redis-scripts.ts';
import { tlsOptions } from './redis-tls.ts';
import type { RedisAddress, RedisNode } from './redis-url.ts';

const ANSWER_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 2_000;
/** For the peer to close as well, before a connection is torn down. */
const DISCONNECT_TIMEOUT_MS = 100;
const KEEP_ALIVE_MS = 10_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
/** A millisecond of Redis' time, about. */
const KEYS_A_SCAN = 1_000;
const TOPOLOGY_REFRESH_MS = 5_000;
/** Of a command in a cluster that is changing; each costs a tenth of a second. */
const MAX_REDIRECTIONS = 8;

export type RedisClient = Redis | Cluster;

export class RedisConnection {
  readonly #client: RedisClient;
  readonly #where: string;
  /** Why there is no connection; undefined while there is one. */
  #trouble: Error | undefined;
  #closed = false;

  private constructor(address: RedisAddress) {
    this.#where = address.nodes.map(({ host, port }) => `${host}:${port}`).join(',');
    let ofNode: Error | undefined;
    this.#client = connect(address, (error) => {
      ofNode = error;
    });
    // A cluster says only that it could ask no node.
    this.#client.on('error', (error: Error) => {
      this.#trouble = ofNode ?? error;
      ofNode = undefined;
    });
    this.#client.on('ready', () => {
      this.#trouble = undefined;
    });
  }

  /** Resolves whether Redis is there or not, once that is known. */
  static async open(address: RedisAddress): Promise<RedisConnection> {
    const connection = new RedisConnection(address);
    const known = AbortSignal.timeout(CONNECT_TIMEOUT_MS);
    // `once` rejects with the first error, and when it has taken too long; either way it goes on in the background.
    await once(connection.#client, 'ready', { signal: known }).catch(() => {});
    return connection;
  }

  /** Rejects with LiveStoreError. */
  async call<Answer>(work: (client: RedisClient) => Promise<Answer>): Promise<Answer> {
    this.mustBeOpen();
    try {
      return await work(this.#client);
    } catch (error) {
      throw this.#wrap(error);
    }
  }

  /** Of a cluster, every part of it. What is there all the time is found, and may be found twice. */
  async scan(pattern: string, found: (keys: string[]) => Promise<void>): Promise<void> {
    const client = this.#client;
    for (const node of client instanceof Cluster ? client.nodes('master') : [client]) {
      let cursor = '0';
      do {
        const [next, keys] = await this.call(() => node.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_A_SCAN));
        cursor = next;
        await found(keys);
      } while (cursor !== '0');
    }
  }

  mustBeOpen(): void {
    if (this.#closed) throw new LiveStoreError('closed', 'the live store is closed');
  }

  /** The nodes that are known to be there: of a cluster, those that it names. */
  nodes(): RedisNode[] {
    if (!(this.#client instanceof Cluster)) return [];
    return this.#client.nodes().map(({ options }) => ({
      host: options.host ?? 'localhost',
      port: options.port ?? 0,
    }));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const ended = once(this.#client, 'end', { signal: AbortSignal.timeout(2 * DISCONNECT_TIMEOUT_MS) });
    this.#client.disconnect();
    await ended.catch(() => {});
  }

  #wrap(error: unknown): unknown {
    if (error instanceof LiveStoreError) return error;
    if (this.#closed) return new LiveStoreError('closed', 'the live store is closed', { cause: error });
    if (!(error instanceof Error)) return error;
    if (error.message === 'Command timed out') this.#cutSilent();
    const reason = this.#trouble ?? error;
    return new LiveStoreError('unavailable', `Redis at ${this.#where}: ${inWords(reason)}`, { cause: error });
  }

  /** A node that does not answer is connected to anew; until then its calls fail at once. */
  #cutSilent(): void {
    if (this.#client instanceof Cluster) {
      for (const node of this.#client.nodes()) {
        if (node.status === 'ready') node.ping().catch(() => node.disconnect());
      }
    } else if (this.#client.status === 'ready' && this.#client.stream.writable) {
      this.#client.disconnect(true);
    }
  }
}

/** What both kinds of connections, for commands and for messages, have in common. */
export function connectionOptions({ username, password, database }: RedisAddress): RedisOptions {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    db: database,
    connectionName: 'footfall',
    disableClientInfo: true,
    commandTimeout: ANSWER_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
  };
}

/** Half of it is left to chance, so that processes do not come back all at once. */
export function reconnectPause(tries: number): number {
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(tries, 10), LONGEST_PAUSE_MS);
  return Math.round(pauseMs * (0.5 + Math.random() / 2));
}

function connect(address: RedisAddress, onFailure: (error: Error) => void): RedisClient {
  const options = { ...connectionOptions(address), ...tlsOptions(address, onFailure) };
  const [first] = address.nodes;
  if (!address.cluster) {
    return new Redis({
      ...options,
      ...first,
      scripts: SCRIPTS,
      enableOfflineQueue: false,
      retryStrategy: reconnectPause,
    });
  }
  return new Cluster([...address.nodes], {
    scripts: SCRIPTS,
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectPause,
    slotsRefreshInterval: TOPOLOGY_REFRESH_MS,
    maxRedirections: MAX_REDIRECTIONS,
    redisOptions: options,
    // A certificate names hosts, not addresses.
    ...(address.tls ? { dnsLookup: (host, done) => done(null, host) } : {}),
  });
}

function inWords(error: Error): string {
  const { message } = error;
  const refused = certificateFault(error);
  if (refused !== undefined) return refused;
  if (message === 'Command timed out') return `no answer within ${ANSWER_TIMEOUT_MS} ms`;
  if (/enableOfflineQueue|max retries per request|Connection is closed/.test(message)) return 'no connection';
  return message;
}
