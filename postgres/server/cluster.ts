/**
 * Makes the data folder of an embedded server once.
 *
 *     FOLDER/               0700
 *       cluster/            appears by one rename, complete with role, password and database
 *         data/             what initdb makes; log/ inside is the server's
 *         password          of the role, 0600
 *         start.log         what the last start said before it opened its own log
 *       cluster-XXXXXX/     an initialisation under way, or one that was interrupted
 *
 * Root lets the server's account pass through a FOLDER that holds nothing else: 0701.
 *
 * Footfall logs in as a role that owns its database and nothing else, so that no statement of its can run a program or
 * read a file of the server. Nobody can log in as the superuser that initdb demands; `postgres --single` still can.
 *
 * Who is interrupted leaves only a folder that nobody opens; of two who initialise at once the first rename wins.
 */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isCode, syncFolder } from '../../file-system.ts';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';

/** Also the name of its database. */
export const ROLE = 'footfall';
const BOOTSTRAP_SUPERUSER = 'postgres';
const INIT_TIMEOUT_MS = 5 * 60_000;
/** An initialisation takes seconds: older ones were interrupted. */
const ABANDONED_AFTER_MS = 10 * 60_000;

export interface Cluster {
  home: string;
  data: string;
  password: string;
}

export function clusterHome(folder: string): string {
  return join(folder, 'cluster');
}

/** Opens the cluster of `folder`, which exists; makes the cluster where there is none. */
export async function ensureCluster(folder: string, binaries: Binaries, account: Account): Promise<Cluster> {
  const home = clusterHome(folder);
  const password = (await readPassword(home)) ?? (await initialise(folder, binaries, account));
  await sweepAbandoned(folder);
  return { home, data: join(home, 'data'), password };
}

async function readPassword(home: string): Promise<string | undefined> {
  try {
    return await readFile(join(home, 'password'), 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function initialise(folder: string, binaries: Binaries, account: Account): Promise<string> {
  if (account.owner !== undefined) await letThrough(folder);
  const draft = await mkdtemp(`${clusterHome(folder)}-`);
  try {
    const password = await draw(draft, binaries, account);
    await rename(draft, clusterHome(folder));
    await syncFolder(folder);
    return password;
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Where the name is taken, somebody else was first.
    const theirs =
      isCode(error, 'ENOTEMPTY') || isCode(error, 'EEXIST')
        ? await readPassword(clusterHome(folder))
        : undefined;
    if (theirs === undefined) throw error;
    return theirs;
  }
}

/** A folder with anything else in it is not the server's alone, and stays as it is. */
async function letThrough(folder: string): Promise<void> {
  const names = await readdir(folder);
  if (!names.every((name) => name.startsWith('cluster-'))) return;
  const { mode } = await stat(folder);
  await chmod(folder, mode | 0o001);
}

async function draw(draft: string, binaries: Binaries, account: Account): Promise<string> {
  const data = join(draft, 'data');
  const password = newPassword();
  await writeDurably(join(draft, 'password'), password);
  const bootstrapPassword = join(draft, 'bootstrap-password');
  await writeDurably(bootstrapPassword, newPassword());
  if (account.owner !== undefined) {
    const { uid, gid } = account.owner;
    await chown(bootstrapPassword, uid, gid);
    await chown(draft, uid, gid);
  }
  await account.run(
    binaries.initdb,
    [
      ...['-D', data, '-U', BOOTSTRAP_SUPERUSER, '-E', 'UTF8'],
      // The server's own C.UTF-8: the same order of text on every system.
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...['-A', 'scram-sha-256', `--pwfile=${bootstrapPassword}`, '--no-instructions'],
    ],
    { timeoutMs: INIT_TIMEOUT_MS },
  );
  await rm(bootstrapPassword);
  await account.run(
    binaries.postgres,
    // A failed statement ends it, and is not printed: it may have the password in it.
    ['--single', '-D', data, '-c', 'exit_on_error=on', '-c', 'log_min_error_statement=panic', 'template1'],
    { timeoutMs: INIT_TIMEOUT_MS, input: setup(password) },
  );
  return password;
}

/** One statement a line, as `--single` reads them. Sees all connections, since it must not stop a server in use. */
function setup(password: string): string {
  return [
    `create role ${ROLE} login password '${password}'`,
    `grant pg_read_all_stats to ${ROLE}`,
    `create database ${ROLE} owner ${ROLE}`,
    `alter role ${BOOTSTRAP_SUPERUSER} nologin password null`,
    '',
  ].join('\n');
}

/** Of letters, digits, - and _, so that it can stand between quotes. */
function newPassword(): string {
  return randomBytes(24).toString('base64url');
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sweepAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith('cluster-')) continue;
    const path = join(folder, name);
    const info = await stat(path).catch((error: unknown) => {
      if (isCode(error, 'ENOENT')) return undefined;
      throw error;
    });
    if (info === undefined || Date.now() - info.mtimeMs < ABANDONED_AFTER_MS) continue;
    await rm(path, { recursive: true, force: true });
  }
}
