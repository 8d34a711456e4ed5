/**
 * Makes the data folder of an embedded server once.
 *
 *     FOLDER/               0700
 *       cluster/            appears by one rename, complete with its password
 *         data/             what initdb makes; log/ inside is the server's
 *         password          0600
 *         start.log         what the last start said before it opened its own log
 *       cluster-XXXXXX/     an initialisation under way, or one that was interrupted
 *
 * Who is interrupted leaves only a folder that nobody opens; of two who initialise at once the first rename wins.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, isCode } from './account.ts';
import type { Binaries } from './binaries.ts';

export const SUPERUSER = 'footfall';
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

async function draw(draft: string, binaries: Binaries, account: Account): Promise<string> {
  const password = randomBytes(24).toString('base64url');
  const passwordFile = join(draft, 'password');
  await writeDurably(passwordFile, password);
  if (account.owner !== undefined) await chown(draft, account.owner.uid, account.owner.gid);
  await account.run(
    binaries.initdb,
    [
      ...['-D', join(draft, 'data'), '-U', SUPERUSER, '-E', 'UTF8'],
      // The server's own C.UTF-8: the same order of text on every system.
      ...['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'],
      ...['-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-instructions'],
    ],
    { timeoutMs: INIT_TIMEOUT_MS },
  );
  return password;
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

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
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
