/** What `npm pack` puts into the package that applications install. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
interface Package {
  exports: Record<string, string | Record<string, string>>;
}

let packed: string[];

beforeAll(async () => {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: ROOT,
    maxBuffer: 16 * 1024 ** 2,
  });
  const [{ files }]: [{ files: { path: string }[] }] = JSON.parse(stdout);
  packed = files.map(({ path }) => path);
}, 60_000);

test('it has every file that it exports', () => {
  const { exports }: Package = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
  const targets = Object.values(exports)
    .flatMap((target) => (typeof target === 'string' ? [target] : Object.values(target)))
    .map((target) => target.replace('./', ''));
  expect(targets).toContain('dist/tracker/tracker.js');
  // The dashboard's library is made by `prepack` alone, beside the others.
  const built = targets.filter((target) => !target.startsWith('dist/dashboard-library/'));
  expect(built.filter((target) => !packed.includes(target))).toEqual([]);
});

test('it has neither tests nor what an installation keeps', () => {
  expect(packed.filter((path) => /\.(test|fixture|case|integrity)\.ts$|^data|^\.|\.log$/.test(path))).toEqual(
    [],
  );
});
