/** The image without Docker: a folder made as the Dockerfile says, with the same files, packages and build. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { promisify } from 'node:util';
import Type from 'typebox';
import Value from 'typebox/value';
import { ROOT, readHere } from './compose.fixture.ts';

const Lock = Type.Object({
  packages: Type.Record(Type.String(), Type.Object({ dev: Type.Optional(Type.Boolean()) })),
});

export interface Image {
  folder: string;
  /** Runs a program in it; the standard output. */
  run(program: string, args: string[]): Promise<string>;
  remove(): Promise<void>;
}

export async function makeImage(): Promise<Image> {
  const folder = mkdtempSync(join(tmpdir(), 'footfall-image-'));
  for (const path of installedPackages()) await link(join(ROOT, path), join(folder, path));
  copyContext(folder);
  const run = async (program: string, args: string[]) => {
    const { stdout } = await promisify(execFile)(program, args, { cwd: folder });
    return stdout;
  };
  await run(process.execPath, ['bin/build.js']);
  return { folder, run, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Folders that the Dockerfile removes after the installation. */
export function removedFolders(): string[] {
  return /rm -rf ((?:node_modules\/\S+ ?)+)/.exec(readHere('Dockerfile'))?.[1]?.trim().split(' ') ?? [];
}

/** What `npm ci --omit=dev` puts beside each other, without what is removed. */
function installedPackages(): string[] {
  const { packages } = Value.Parse(Lock, JSON.parse(readHere('package-lock.json')));
  const removed = removedFolders();
  return Object.entries(packages)
    .filter(([path, { dev }]) => /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path) && dev !== true)
    .map(([path]) => path)
    .filter((path) => !removed.some((folder) => path.startsWith(folder)))
    .filter((path) => existsSync(join(ROOT, path)));
}

/** Packages are large: linked where the file system can, else copied. */
async function link(from: string, to: string): Promise<void> {
  const sameDevice = statSync(from).dev === statSync(tmpdir()).dev;
  await promisify(execFile)('mkdir', ['-p', dirname(to)]);
  await promisify(execFile)('cp', [sameDevice ? '-al' : '-a', from, to]);
}

/** `COPY . .` */
function copyContext(folder: string): void {
  const isIgnored = ignoredBy(readHere('.dockerignore'));
  for (const name of readdirSync(ROOT)) {
    cpSync(join(ROOT, name), join(folder, name), {
      recursive: true,
      preserveTimestamps: true,
      filter: (source) => !isIgnored(relative(ROOT, source)),
    });
  }
}

/** Knows the patterns that ours uses: names with `*`, `**` before them, and `!` for exceptions; the last one wins. */
export function ignoredBy(dockerignore: string): (path: string) => boolean {
  const rules = dockerignore
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const isException = line.startsWith('!');
      const pattern = isException ? line.slice(1) : line;
      const source = pattern
        .replace(/[.+^$()|[\]{}\\]/g, '\\$&')
        .replace(/\*\*\/|\*/g, (stars) => (stars === '*' ? '[^/]*' : '(?:.*/)?'));
      return { isException, matches: new RegExp(`^${source}(/|$)`) };
    });
  return (path) => {
    const last = rules.findLast(({ matches }) => matches.test(path));
    return last !== undefined && !last.isException;
  };
}
