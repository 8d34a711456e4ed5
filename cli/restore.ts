/**
 * `footfall restore DIR`: makes an installation of a backup, in a `DATA_DIR` that is empty.
 *
 * All of it is made in `DATA_DIR/restoring` and checked there, every byte against the manifest; then the parts are moved to their
 * places, and that folder goes last. While it is there nothing starts (`engines.ts`): what a restore that was killed has left is never
 * taken for an installation.
 */
import { createReadStream } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { requireKnown as requireKnownMigrations } from '../clickhouse/migrate.ts';
import type { Config } from '../config.ts';
import { isCode, syncFolder } from '../file-system.ts';
import { LAYOUT_VERSION } from '../kafka/lmdb-store.ts';
import { requireKnown as requireKnownSchema } from '../postgres/migrate.ts';
import { restoreSessions } from '../postgres/restore.ts';
import {
  BackupError,
  describeEntry,
  type FileEntry,
  forEach,
  type Manifest,
  readManifest,
  syncFolders,
  writeEntry,
} from './backup-folder.ts';
import { requireEmbedded } from './embedded-only.ts';
import { reachFreezer } from './freeze-socket.ts';
import { RESTORING } from './restoring.ts';

export async function runRestore(config: Config, directory: string): Promise<void> {
  requireEmbedded(config);
  const folder = resolve(directory);
  const manifest = await readManifest(folder);
  await requireKnown(folder, manifest);
  await requireEmpty(config.dataDir);
  const draft = join(config.dataDir, RESTORING);
  await mkdir(draft);
  try {
    await draw(folder, manifest, draft);
  } catch (error) {
    await rm(draft, { recursive: true });
    throw error;
  }
  for (const name of await readdir(draft)) await rename(join(draft, name), join(config.dataDir, name));
  await syncFolder(config.dataDir);
  await rmdir(draft);
  await syncFolder(config.dataDir);
  console.log(`${config.dataDir} is as it was on ${manifest.taken_at}: start it`);
}

/** @throws BackupError `newer`, or what the store of a newer version says */
async function requireKnown(folder: string, { schemas }: Manifest): Promise<void> {
  requireKnownMigrations(schemas.clickhouse);
  await requireKnownSchema(schemas.postgres);
  if (schemas.log > LAYOUT_VERSION)
    throw new BackupError(
      'newer',
      `${folder} was written by a newer version: the layout of its log is ${schemas.log}, and this one knows layouts up to ${LAYOUT_VERSION}`,
    );
}

async function requireEmpty(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true });
  const names = await readdir(dataDir);
  if (names.length === 0) return;
  const running = await reachFreezer(dataDir);
  await running?.release();
  const why = running === undefined ? 'is not empty' : 'is in use by services that run';
  throw new BackupError('refused', `DATA_DIR=${dataDir} ${why}: a backup is restored into an empty folder`);
}

async function draw(folder: string, manifest: Manifest, draft: string): Promise<void> {
  const inTables = (path: string) => path.startsWith('postgres/');
  const tables = manifest.files.filter(({ path }) => inTables(path));
  for (const entry of tables) await check(folder, entry, () => describeEntry(folder, entry.path));
  const others = manifest.files.filter(({ path }) => !inTables(path));
  await forEach(others, (entry) =>
    check(folder, entry, () => writeEntry(draft, entry.path, { path: join(folder, entry.path) })),
  );
  await restoreSessions(`embedded-postgres://${join(draft, 'postgres')}`, {
    version: manifest.schemas.postgres,
    tables: new Map(tables.map(({ path }) => [basename(path, '.ndjson'), linesOf(join(folder, path))])),
  });
  await syncFolders(draft);
}

/** Reads nothing before it is asked: lines that nobody waits for are lost. */
async function* linesOf(file: string): AsyncIterable<string> {
  yield* createInterface({ input: createReadStream(file) });
}

/** @throws BackupError `damaged` */
async function check(folder: string, expected: FileEntry, read: () => Promise<FileEntry>): Promise<void> {
  const file = join(folder, expected.path);
  const found = await read().catch((cause) => {
    if (isCode(cause, 'ENOENT')) throw new BackupError('damaged', `${file} is missing`, { cause });
    throw cause;
  });
  if (found.bytes !== expected.bytes || found.sha256 !== expected.sha256)
    throw new BackupError('damaged', `${file} is not what was written there`);
}
