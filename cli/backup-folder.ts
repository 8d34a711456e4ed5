/**
 * The folder of a backup: files, and a manifest that says what they are. The manifest is written last, durable before it has its
 * name, so a folder that has one is complete. One that was broken off is told by a mark, and used again.
 *
 *     DIR/
 *       manifest.json   what is counted in it, schemas, size and hash of every file
 *       secrets.json    unless both come from the environment
 *       postgres/       TABLE.ndjson: a JSON a row
 *       clickhouse/     a directory of chDB
 *       log/, spool/    an embedded log: `data.mdb`, `segments/`
 *       unfinished      while it is written
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { isCode, syncFolder } from '../file-system.ts';

const MANIFEST = 'manifest.json';
const UNFINISHED = 'unfinished';
/** Of the folder as it is described above. */
const FORMAT = 1;
/** Most files are small, and each has to be on disk; but acknowledgements of beacons wait for the same disk. */
const FILES_AT_ONCE = 4;

const FileEntry = Type.Object({
  /** Below the folder, with `/`. */
  path: Type.String({ pattern: '^(?!\\.\\.?(/|$))[^/]+(/(?!\\.\\.?(/|$))[^/]+)*$' }),
  bytes: Type.Integer({ minimum: 0 }),
  sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
});
export type FileEntry = Static<typeof FileEntry>;

const Manifest = Type.Object({
  format: Type.Literal(FORMAT),
  taken_at: Type.String(),
  schemas: Type.Object({
    postgres: Type.Integer(),
    clickhouse: Type.Array(Type.String()),
    log: Type.Integer(),
  }),
  /** By partition: the offsets up to which it is counted, and that the log has. */
  partitions: Type.Array(
    Type.Object({ partition: Type.Integer(), counted: Type.Integer(), log_end: Type.Integer() }),
  ),
  files: Type.Array(FileEntry),
});
export type Manifest = Static<typeof Manifest>;

export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly code: 'refused' | 'incomplete' | 'newer' | 'damaged';

  constructor(code: BackupError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Makes the folder, or empties one of a backup that was broken off. @throws BackupError `refused` */
export async function beginBackup(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = await readdir(folder);
  if (names.includes(MANIFEST))
    throw new BackupError('refused', `${folder} has a backup: name another folder`);
  if (names.length > 0 && !names.includes(UNFINISHED))
    throw new BackupError('refused', `${folder} is not empty: a backup needs a folder of its own`);
  await writeFile(join(folder, UNFINISHED), '', { flush: true });
  for (const name of names) if (name !== UNFINISHED) await rm(join(folder, name), { recursive: true });
  await syncFolder(folder);
}

export async function completeBackup(folder: string, manifest: Omit<Manifest, 'format'>): Promise<void> {
  await syncFolders(folder);
  const draft = join(folder, `${MANIFEST}.draft`);
  const text = JSON.stringify({ format: FORMAT, ...manifest }, undefined, 1);
  await writeFile(draft, `${text}\n`, { flush: true });
  await rename(draft, join(folder, MANIFEST));
  await syncFolder(folder);
  await rm(join(folder, UNFINISHED));
}

/** @throws BackupError `incomplete`, `newer`, `damaged` */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, MANIFEST);
  let manifest: unknown;
  try {
    manifest = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    if (isCode(cause, 'ENOENT'))
      throw new BackupError('incomplete', `${folder} is no complete backup: it has no ${MANIFEST}`);
    throw new BackupError('damaged', `${path} cannot be read: ${String(cause)}`, { cause });
  }
  if (Value.Check(Manifest, manifest)) return manifest;
  const format = Value.Check(Type.Object({ format: Type.Number() }), manifest) ? manifest.format : 0;
  if (format > FORMAT)
    throw new BackupError(
      'newer',
      `${folder} was written by a newer version: its format is ${format}, and this one knows formats up to ${FORMAT}`,
    );
  throw new BackupError('damaged', `${path} is not what Footfall wrote there`);
}

/** A source of a file of the backup. */
export type Source = { path: string } | { file: FileHandle } | { lines: AsyncIterable<string> };

/** Writes a file, durable but for its name, and says what it has become. */
export async function writeEntry(folder: string, path: string, source: Source): Promise<FileEntry> {
  const target = join(folder, path);
  await mkdir(dirname(target), { recursive: true });
  const file = await open(target, 'wx', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const chunk of chunksOf(source)) {
      hash.update(chunk);
      bytes += chunk.length;
      await file.writeFile(chunk);
    }
    await file.sync();
  } finally {
    await file.close();
  }
  return { path, bytes, sha256: hash.digest('hex') };
}

/** Says what a file is that is there already. */
export async function describeEntry(folder: string, path: string): Promise<FileEntry> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunksOf({ path: join(folder, path) })) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { path, bytes, sha256: hash.digest('hex') };
}

/** Every file below a folder, by path relative to it. */
export async function filesBelow(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  return names
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
    .sort();
}

/** Runs `work` for all, some at once. Where one fails none runs any more when this rejects. */
export async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    try {
      for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
    } finally {
      left.length = 0;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: FILES_AT_ONCE }, worker));
  for (const result of ended) if (result.status === 'rejected') throw result.reason;
}

/** So that no name of a file below is lost. */
export async function syncFolders(folder: string): Promise<void> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const folders = names.filter((entry) => entry.isDirectory());
  await forEach(folders, ({ parentPath, name }) => syncFolder(join(parentPath, name)));
  await syncFolder(folder);
}

const CHUNK_BYTES = 1024 ** 2;

async function* chunksOf(source: Source): AsyncIterable<Buffer> {
  if ('path' in source) yield* createReadStream(source.path, { highWaterMark: CHUNK_BYTES });
  else if ('file' in source) {
    const options = { start: 0, autoClose: false, highWaterMark: CHUNK_BYTES };
    yield* source.file.createReadStream(options);
  } else {
    let text = '';
    for await (const line of source.lines) {
      text += `${line}\n`;
      if (text.length < CHUNK_BYTES) continue;
      yield Buffer.from(text);
      text = '';
    }
    yield Buffer.from(text);
  }
}
