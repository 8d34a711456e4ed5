/**
 * How a backup reaches the analytics store of a process that runs, which alone may read it: a socket in `DATA_DIR`, which
 * who may write there can connect to, whatever ports and tokens the services have.
 *
 * The client says `freeze`, is answered one line of JSON, and copies the folder that it names. The store is thawed when the connection
 * ends, however it ends: a backup that is killed leaves nothing behind.
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Logger } from 'pino';
import Type from 'typebox';
import Value from 'typebox/value';
import type { AnalyticsStore, FrozenStore } from '../clickhouse/port.ts';
import { isCode } from '../file-system.ts';

const Answer = Type.Union([
  Type.Object({ frozen: Type.Object({ folder: Type.String(), migrations: Type.Array(Type.String()) }) }),
  Type.Object({ error: Type.String() }),
]);

const socketOf = (dataDir: string) => join(dataDir, 'backup.sock');

export interface FreezeSocket {
  /** Ends a backup that is under way. */
  close(): Promise<void>;
}

/** By the one process that has the store. Without a socket backups need it to be stopped; that is no reason not to run. */
export async function listenForBackups(
  dataDir: string,
  analytics: Pick<AnalyticsStore, 'freeze' | 'thaw'>,
  logger: Logger,
): Promise<FreezeSocket> {
  const clients = new Set<Socket>();
  let turn: Promise<void> = Promise.resolve();
  const server = createServer((client) => {
    clients.add(client);
    const ended = new Promise<void>((resolve) => client.once('close', () => resolve()));
    client.on('error', (err) => logger.warn({ err }, 'a backup ended'));
    void ended.then(() => clients.delete(client));
    createInterface({ input: client }).once('line', () => {
      // One at a time: freezing removes what was frozen before.
      turn = turn.then(() => serve(client, ended));
    });
  });

  async function serve(client: Socket, ended: Promise<void>): Promise<void> {
    try {
      client.write(`${JSON.stringify({ frozen: await analytics.freeze() })}\n`);
      await ended;
    } catch (err) {
      logger.error({ err }, 'a backup failed');
      client.end(`${JSON.stringify({ error: err instanceof Error ? err.message : String(err) })}\n`);
    }
    await analytics.thaw().catch((err) => logger.error({ err }, 'what was frozen for a backup stays'));
  }

  const path = socketOf(dataDir);
  // Of a process that was killed: whoever has the store is the only one.
  await rm(path, { force: true });
  try {
    server.listen(path);
    await once(server, 'listening');
  } catch (err) {
    logger.warn({ err }, `no socket at ${path}: backups need the services to be stopped`);
    return { close: async () => {} };
  }
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const client of clients) client.destroy();
      await closed;
      await turn;
    },
  };
}

/** Nobody listens; or the path is too long for a socket, so that nobody can. */
const NOBODY = ['ENOENT', 'ECONNREFUSED', 'EINVAL', 'ENAMETOOLONG'];

/** The store that a process has. */
export interface Freezer {
  /** @throws Error in the words of the process, or when it has ended */
  freeze(): Promise<FrozenStore>;
  /** @throws Error when the process ended before: what was frozen may have been gone. */
  release(): Promise<void>;
}

/** Nothing where no process has the store, or it has no socket. */
export async function reachFreezer(dataDir: string): Promise<Freezer | undefined> {
  const socket = connect(socketOf(dataDir));
  try {
    await once(socket, 'connect');
  } catch (error) {
    if (NOBODY.some((code) => isCode(error, code))) return undefined;
    throw error;
  }
  const failed = () =>
    new Error('the process that has the analytics store ended during the backup: try again');
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  socket.on('error', () => {});
  const lines = createInterface({ input: socket });

  return {
    async freeze() {
      const line = new Promise<string>((resolve) => lines.once('line', resolve));
      socket.write('freeze\n');
      const text = await Promise.race([line, ended]);
      if (text === undefined) throw failed();
      const answer = Value.Parse(Answer, JSON.parse(text));
      if ('error' in answer) throw new Error(answer.error);
      return answer.frozen;
    },
    async release() {
      if (hasEnded) throw failed();
      socket.end();
      await ended;
    },
  };
}
