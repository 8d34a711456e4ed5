/** Folders of embedded servers, those who open them, and a look at what runs in them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { EmbeddedServer } from './embedded.ts';
import { openSessions } from './open.ts';
import type { SessionStore } from './port.ts';

/** A folder with its openers; `end` closes them all and fails when they leave a server behind. */
export class ScratchFolder {
  readonly path: string;
  readonly #parent: string;
  #stores: SessionStore[] = [];
  #processes: ChildProcess[] = [];

  private constructor(parent: string) {
    this.#parent = parent;
    // With a space, as in many a home folder.
    this.path = join(parent, 'the data');
  }

  static async make(): Promise<ScratchFolder> {
    return new ScratchFolder(await mkdtemp(join(tmpdir(), 'footfall-postgres-')));
  }

  get url(): string {
    return `embedded-postgres://${this.path}`;
  }

  async open(): Promise<SessionStore> {
    const store = await openSessions(this.url, { sessionTimeoutMs: 1 });
    this.#stores.push(store);
    return store;
  }

  /** An opener in a process, and a process group, of its own. */
  spawn(): ChildProcess {
    const script = fileURLToPath(new URL('./opener.fixture.ts', import.meta.url));
    const opener = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), script, this.url], {
      stdio: ['pipe', 'pipe', 'inherit'],
      detached: true,
    });
    this.#processes.push(opener);
    return opener;
  }

  /** Process id of the server; undefined when none runs. */
  async server(): Promise<number | undefined> {
    const text = await readFile(join(this.path, 'cluster/data/postmaster.pid'), 'utf8').catch(() => '');
    return text === '' ? undefined : Number.parseInt(text, 10);
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#processes.map(leave), ...this.#stores.map((store) => store.close())]);
    this.#stores = [];
    this.#processes = [];
    const left = await this.server();
    if (left === undefined) return;
    process.kill(left, 'SIGINT');
    throw new Error(`server ${left} was left behind`);
  }

  async remove(): Promise<void> {
    await rm(this.#parent, { recursive: true, force: true });
  }
}

export async function hasOpened(opener: ChildProcess): Promise<void> {
  if (opener.stdout === null) throw new Error('the opener has no output');
  await once(opener.stdout, 'data');
}

/** Asks an opener to close its store, and waits until it has ended. */
export async function leave(opener: ChildProcess): Promise<void> {
  if (opener.exitCode !== null || opener.signalCode !== null) return;
  const exit = once(opener, 'exit');
  opener.stdin?.end();
  await exit;
}

/** Kills an opener with the initdb that it may be running; a server has a group of its own. */
export async function killGroup(opener: ChildProcess): Promise<void> {
  if (opener.pid === undefined) throw new Error('the opener did not start');
  const exit = once(opener, 'exit');
  process.kill(-opener.pid, 'SIGKILL');
  await exit;
}

/** Also an opener, so it keeps the server alive. */
export async function lookInto(folder: string): Promise<{ database: pg.Pool; close: () => Promise<void> }> {
  const server = await EmbeddedServer.open(folder, () => {});
  const database = new pg.Pool({ ...(await server.connection()), max: 2 });
  database.on('error', () => {});
  return {
    database,
    close: async () => {
      await database.end();
      await server.stop();
    },
  };
}
