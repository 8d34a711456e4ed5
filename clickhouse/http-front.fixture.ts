/**
 * ClickHouse's HTTP interface on chDB, for tests: the same engine behind the real transport, and faults on demand.
 *
 * As a server does, it takes a statement from `?query=` and the body, runs it with the settings of the URL alone,
 * refuses a body that is shorter than its Content-Length, answers gzip when asked, and names errors in
 * `X-ClickHouse-Exception-Code` and in the text. What it cannot do is interrupt chDB: KILL waits for a statement that
 * runs, and ends one that a fault still holds back. `system.processes` is what is under way here.
 *
 * It can also stand for a cluster of one shard with one replica. Distributed tables are then real; what needs Keeper, which chDB
 * cannot use, is left out of the statements: ON CLUSTER and Replicated.
 */
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Session } from 'chdb';

export type StatementKind = 'insert' | 'select' | 'kill' | 'other';

/** `delay` counts ms; after a `lost` answer, or one that is `cut`, the connection is reset. */
export type FrontFault =
  | { what: 'unavailable' | 'cut_request' | 'cut_answer' | 'lost_answer' }
  | { what: 'delay_before' | 'delay_after'; delay: number };

/** Strikes the next `times` statements of its kinds; all of them without. */
export type Strike = FrontFault & { kinds?: StatementKind[]; times?: number };

export interface FrontOptions {
  /** How long an idle connection stays. */
  keepAliveMs?: number;
  /** Name of the cluster that it stands for. */
  cluster?: string;
}

export interface SeenRequest {
  queryId: string;
  kind: StatementKind;
  /** Of the request; '' without. */
  contentEncoding: string;
  contentLength: string;
  acceptEncoding: string;
  /** Of the body, unpacked. */
  bytes: number;
  /** Connection that it came by, from 1. */
  connection: number;
  userAgent: string;
}

interface Running {
  killed: boolean;
  /** Emits `killed` and `ended`. */
  events: EventEmitter;
}

class EngineError extends Error {
  readonly code: number;
  constructor(code: number, text: string) {
    super(`Code: ${code}. DB::Exception: ${text}`);
    this.code = code;
  }
}

/** As `http_max_uri_size`. */
const MAX_URI_BYTES = 1024 ** 2;
/** Parameters of the URL that are no settings of the statement. */
const NO_SETTINGS = new Set(['query', 'query_id', 'database', 'default_format', 'user', 'password', 'role']);
/** Settings of the interface, which chDB does not have. */
const OF_THE_INTERFACE =
  /^(wait_end_of_query|enable_http_compression|send_progress_in_http_headers|http_.*)$/;

export class HttpFront {
  readonly seen: SeenRequest[] = [];
  readonly #directory: string;
  readonly #server: Server;
  /** Keeps the engine on its directory: each statement has a connection of its own, so that no setting outlives it. */
  readonly #engine: Session;
  readonly #running = new Map<string, Running>();
  readonly #connections = new WeakMap<object, number>();
  #connectionCount = 0;
  #strikes: Strike[] = [];
  #port = 0;

  constructor(directory: string, { keepAliveMs = 10_000, cluster = '' }: FrontOptions = {}) {
    this.#directory = directory;
    this.#engine = new Session(directory, {
      connectionArgs: cluster === '' ? [] : configured(directory, cluster),
    });
    this.#server = createServer(
      { keepAliveTimeout: keepAliveMs, maxHeaderSize: MAX_URI_BYTES },
      (request, response) => {
        void this.#serve(request, response);
      },
    );
    this.#server.on('connection', (socket) => {
      this.#connectionCount += 1;
      this.#connections.set(socket, this.#connectionCount);
    });
  }

  /** On a port that stays the same when it listens again. */
  async listen(port = this.#port): Promise<number> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.#port = (this.#server.address() as AddressInfo).port;
    return this.#port;
  }

  /** Refuses connections until it listens again, and cuts those that are open. */
  async refuse(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async close(): Promise<void> {
    if (this.#server.listening) await this.refuse();
    await Promise.all([...this.#running.values()].map(({ events }) => once(events, 'ended')));
    this.#engine.close();
  }

  strike(...strikes: Strike[]): void {
    this.#strikes = strikes;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://front');
    if (url.pathname === '/ping') {
      response.end('Ok.\n');
      return;
    }
    const queryId = url.searchParams.get('query_id') || randomUUID();
    const running: Running = { killed: false, events: new EventEmitter() };
    try {
      if (this.#running.has(queryId))
        throw new EngineError(216, `Query with id = ${queryId} is already running`);
      this.#running.set(queryId, running);
      await this.#answer(url, queryId, running, request, response);
    } catch (error) {
      sendError(response, error);
    } finally {
      if (this.#running.get(queryId) === running) this.#running.delete(queryId);
      running.events.emit('ended');
    }
  }

  async #answer(
    url: URL,
    queryId: string,
    running: Running,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const inUrl = url.searchParams.get('query') ?? '';
    const early = inUrl === '' ? undefined : this.#struck(kindOf(inUrl), (what) => what === 'cut_request');
    const body = await readBody(request, early !== undefined);
    if (body === undefined) return;
    const text = inUrl === '' ? body.toString() : `${inUrl}\n${body}`;
    const kind = kindOf(text);
    this.seen.push({
      queryId,
      kind,
      contentEncoding: request.headers['content-encoding'] ?? '',
      contentLength: request.headers['content-length'] ?? '',
      acceptEncoding: String(request.headers['accept-encoding'] ?? ''),
      bytes: body.length,
      connection: this.#connections.get(request.socket) ?? 0,
      userAgent: request.headers['user-agent'] ?? '',
    });

    const fault = this.#struck(kind, (what) => what !== 'cut_request');
    if (fault?.what === 'unavailable') {
      response.writeHead(503, { 'Content-Type': 'text/html' }).end('<h1>503 Service Unavailable</h1>');
      return;
    }
    if (fault?.what === 'delay_before') await pause(fault.delay, running);
    const rows = kind === 'kill' ? await this.#kill(text) : await this.#run(text, url.searchParams);
    if (fault?.what === 'delay_after') await pause(fault.delay, running);

    if (fault?.what === 'lost_answer') {
      request.socket.resetAndDestroy();
      return;
    }
    const zipped =
      url.searchParams.get('enable_http_compression') === '1' &&
      /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
    const sent = zipped ? gzipSync(rows) : rows;
    response.writeHead(200, {
      'Content-Type': 'text/plain; charset=UTF-8',
      'X-ClickHouse-Server-Display-Name': 'front',
      'X-ClickHouse-Query-Id': queryId,
      'X-ClickHouse-Timezone': 'UTC',
      'X-ClickHouse-Summary': '{"read_rows":"0","read_bytes":"0","written_rows":"0","written_bytes":"0"}',
      'Transfer-Encoding': 'chunked',
      ...(zipped ? { 'Content-Encoding': 'gzip' } : {}),
    });
    if (fault?.what === 'cut_answer') {
      response.write(sent.subarray(0, sent.length / 2), () => request.socket.resetAndDestroy());
      return;
    }
    response.end(sent);
  }

  #struck(kind: StatementKind, is: (what: FrontFault['what']) => boolean): Strike | undefined {
    const strike = this.#strikes.find(
      ({ what, kinds, times }) => is(what) && (kinds?.includes(kind) ?? true) && times !== 0,
    );
    if (strike?.times !== undefined) strike.times -= 1;
    return strike;
  }

  async #run(statement: string, url: URLSearchParams): Promise<Buffer> {
    if (firstWord(statement) === '') throw new EngineError(62, 'Syntax error: Empty query. (SYNTAX_ERROR)');
    const session = new Session(this.#directory);
    try {
      const set = [...url]
        .filter(([name]) => !NO_SETTINGS.has(name) && !OF_THE_INTERFACE.test(name))
        .map(([name, value]) => `SET ${name} = '${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'; `);
      const processes = [...this.#running.keys()].map((id) => `'${id}'`);
      const text = withoutKeeper(statement).replace(
        /\b(system\.processes|clusterAllReplicas\('[^']*', system\.processes\))/,
        `(SELECT arrayJoin([${processes}]) AS initial_query_id)`,
      );
      const format = url.get('default_format') ?? 'TabSeparated';
      return Buffer.from((await session.queryAsync(set.join('') + text, { format })).bytes());
    } finally {
      session.close();
    }
  }

  /** `KILL QUERY [ON CLUSTER c] WHERE condition SYNC`. */
  async #kill(statement: string): Promise<Buffer> {
    const condition = /\sWHERE\s+(.*?)\s+SYNC\s*$/is.exec(statement)?.[1];
    if (condition === undefined)
      throw new EngineError(62, 'Syntax error: KILL QUERY ... WHERE ... SYNC (SYNTAX_ERROR)');
    const matching = `SELECT initial_query_id FROM system.processes WHERE ${condition}`;
    const ids = (await this.#run(matching, new URLSearchParams())).toString().split('\n');
    for (const id of ids) {
      const running = this.#running.get(id);
      if (running === undefined) continue;
      running.killed = true;
      running.events.emit('killed');
      if (this.#running.get(id) === running) await once(running.events, 'ended');
    }
    return Buffer.from(
      ids
        .filter((id) => id !== '')
        .map((id) => `finished\t${id}\n`)
        .join(''),
    );
  }
}

/** A server takes itself for the shard whose port is its own; nobody listens there. */
function configured(directory: string, cluster: string): string[] {
  const file = `${directory}.xml`;
  writeFileSync(
    file,
    `<clickhouse><tcp_port>9000</tcp_port><remote_servers><${cluster}><shard>
       <internal_replication>true</internal_replication><replica><host>127.0.0.1</host><port>9000</port></replica>
     </shard></${cluster}></remote_servers></clickhouse>`,
  );
  return [`--config-file=${file}`];
}

function withoutKeeper(statement: string): string {
  if (/^SYSTEM SYNC REPLICA\b/.test(statement)) return 'SELECT 1 WHERE 0';
  if (kindOf(statement) === 'insert') return statement;
  return statement
    .replace(/ ON CLUSTER '\w+'/, '')
    .replace(/\bReplicated(\w*MergeTree)(\('[^']*', '[^']*'\))?/, '$1');
}

function kindOf(statement: string): StatementKind {
  const word = firstWord(statement);
  if (word === 'insert' || word === 'kill') return word;
  return word === 'select' || word === 'with' ? 'select' : 'other';
}

function firstWord(statement: string): string {
  return /^(?:\s|--.*\n)*(\w+)/.exec(statement)?.[1]?.toLowerCase() ?? '';
}

/** Undefined when the client left before its end, or when it is to be cut after the first bytes. */
async function readBody(request: IncomingMessage, cut: boolean): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of request) {
      chunks.push(chunk);
      if (cut) {
        request.socket.resetAndDestroy();
        return undefined;
      }
    }
  } catch {
    return undefined;
  }
  const body = Buffer.concat(chunks);
  return request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body;
}

/** Ends early, as an error, when the statement is killed. */
async function pause(ms: number, running: Running): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    running.events.once('killed', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  if (running.killed) throw new EngineError(394, 'Query was cancelled. (QUERY_WAS_CANCELLED)');
}

/** The statuses that a server gives its commoner errors. */
const STATUS: Record<number, number> = {
  62: 400,
  27: 400,
  6: 400,
  47: 404,
  60: 404,
  81: 404,
  159: 408,
  516: 403,
};

function sendError(response: ServerResponse, error: unknown): void {
  const text = error instanceof Error ? error.message : String(error);
  const code = Number(/Code: (\d+)/.exec(text)?.[1] ?? 1002);
  if (response.headersSent || response.destroyed) return;
  response
    .writeHead(STATUS[code] ?? 500, {
      'X-ClickHouse-Exception-Code': String(code),
      'Content-Type': 'text/plain',
    })
    .end(`${text} (version 26.7.2.1 (official build))\n`);
}
