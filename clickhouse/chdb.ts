/**
 * The analytics store in this process: chDB, which is ClickHouse as a library, on a directory of its own.
 *
 * Several connections to the directory run side by side; a second process is refused. Each running statement holds a
 * thread of libuv's pool, so UV_THREADPOOL_SIZE has to leave room beside `poolSize + 2`.
 * Small parts need no care of ours: after 200 inserts of 50 rows over three days the engine's own merges had
 * left 5 parts of raw and at most 5 of each day of a derived table (26.7.3).
 */
import { constants } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { type ClickHouseClientConfigOptions, createClient, drainStream } from '@clickhouse/client';
import { EngineUrlError } from '../engine.ts';
import { thaw } from './frozen.ts';
import { ONE_SERVER } from './layout.ts';
import { type AnalyticsStore, AnalyticsStoreError } from './port.ts';
import { READER_SETTINGS } from './settings.ts';
import { type Engine, openStore, type StoreOptions } from './store.ts';

type Connection = NonNullable<ClickHouseClientConfigOptions['connection']>;

const SCHEME = 'chdb://';

/**
 * As on a command line. Where no core is to spare, inserts and what else this process does come before merges. Without `CAP_SYS_NICE`
 * merges go on as they were.
 */
const ENGINE_ARGUMENTS = ['--os_threads_nice_value_merge_mutate=10'];

/** @throws AnalyticsStoreError `unavailable` while another process has the directory */
export async function openChdb(
  url: string,
  options: StoreOptions & { poolSize: number; cluster: string },
): Promise<AnalyticsStore> {
  if (options.cluster !== '') {
    throw new EngineUrlError('CLICKHOUSE_CLUSTER needs a server: set CLICKHOUSE_URL');
  }
  const directory = directoryOf(url);
  await makeWritable(directory);
  const engine = await connect(directory, options.poolSize);
  // Of a backup whose process was killed.
  await thaw(directory);
  return openStore(engine, options);
}

function directoryOf(url: string): string {
  const path = url.slice(SCHEME.length);
  if (path !== '' && !/[?#]/.test(path)) return resolve(path);
  throw new EngineUrlError(`${url}: expected chdb:///path/of/a/directory, and no parameters`);
}

async function makeWritable(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await access(directory, constants.W_OK);
  } catch (cause) {
    throw new AnalyticsStoreError('failed', `${directory}: cannot be written`, { cause });
  }
}

async function connect(directory: string, poolSize: number): Promise<Engine> {
  const { createChdbConnection, drainPending, Session } = await loadLibrary();
  const client = (clickhouse_settings: typeof READER_SETTINGS) =>
    createClient({
      connection: settingAtOnce(asConnection(createChdbConnection({ path: directory }))),
      clickhouse_settings,
    });
  try {
    // Of all connections to a directory the first one says how its engine is.
    const engine = new Session(directory, { connectionArgs: ENGINE_ARGUMENTS });
    const writer = client({});
    return {
      writer,
      deriver: client({}),
      readers: Array.from({ length: poolSize }, () => client(READER_SETTINGS)),
      layout: ONE_SERVER,
      directory,
      // Rows that are given apart are put into the statement all the same, by way of two more texts of that length.
      insert: (statement, rows, queryId) =>
        drained(writer.exec({ query: [statement, '\n', ...rows].join(''), query_id: queryId })),
      // A statement's promise settles when the library has returned, so nothing outlives it.
      ended: async () => {},
      endStrays: async () => {},
      async close() {
        engine.close();
        await drainPending();
      },
    };
  } catch (cause) {
    throw new AnalyticsStoreError('unavailable', await whyNot(directory), { cause });
  }
}

async function drained(answer: Promise<{ stream: Readable }>): Promise<void> {
  await drainStream((await answer).stream);
}

/** chDB and the client each carry a copy of the same class with a private member, which TypeScript takes for two. */
export function asConnection(connection: object): Connection {
  if (isConnection(connection)) return connection;
  throw new AnalyticsStoreError('failed', 'chdb/connection and @clickhouse/client do not fit together');
}

function isConnection(value: object): value is Connection {
  return ['query', 'exec', 'command', 'insert', 'ping', 'close'].every((method) => method in value);
}

/**
 * Has the settings of a query, its parameters among them, set by one statement. chDB's connection takes one for each: they
 * are up to a tenth of the time of a short query.
 */
function settingAtOnce(connection: Connection): Connection {
  const query = connection.query.bind(connection);
  connection.query = (params) => {
    const settings = Object.entries(params.clickhouse_settings ?? {}).map(
      ([name, value]) => `${name} = '${String(value).replaceAll(/['\\]/g, '\\$&')}'`,
    );
    if (settings.length === 0) return query(params);
    return query({
      ...params,
      query: `SET ${settings.join(', ')};\n${params.query}`,
      clickhouse_settings: {},
    });
  };
  return connection;
}

/** The library says only that it could not connect (code 76 goes to stderr); its lock file names the holder. */
async function whyNot(directory: string): Promise<string> {
  const lock = await readFile(join(directory, 'status'), 'utf8').catch(() => '');
  const holder = /^PID: (\d+)/m.exec(lock)?.[1];
  return (
    `${directory} cannot be opened: ${holder === undefined ? 'another process' : `process ${holder}`} seems to use it. ` +
    'A directory of chDB belongs to one process: stop that one, or set DATA_DIR to another directory, ' +
    'or CLICKHOUSE_URL to a ClickHouse server'
  );
}

/** Loaded when it is wanted: the library has hundreds of megabytes, and not every platform has it. */
async function loadLibrary() {
  try {
    const [{ createChdbConnection }, { drainPending, Session }] = await Promise.all([
      import('chdb/connection'),
      import('chdb'),
    ]);
    return { createChdbConnection, drainPending, Session };
  } catch (cause) {
    throw new AnalyticsStoreError(
      'failed',
      `chDB has no library for ${process.platform}-${process.arch} here (Linux needs glibc): ` +
        'set CLICKHOUSE_URL to a ClickHouse server',
      { cause },
    );
  }
}
