import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** In an environment in which nothing would start. */
function footfall(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [here('../bin/footfall.js'), ...args], {
    encoding: 'utf8',
    env: { ...process.env, PARTITIONS: '0' },
  });
  return { status, stdout, stderr };
}

test('what is no command is named', () => {
  const said = "error: unknown command 'nope', see footfall --help\n";
  expect(footfall('nope')).toEqual({ status: 1, stdout: '', stderr: said });
  expect(footfall('nope', 'more')).toEqual({ status: 1, stdout: '', stderr: said });
  expect(footfall('all', 'nope').stderr).toContain("too many arguments for 'all'");
});

test.each([[], ['--demo'], ['all'], ['all', '--demo'], ['query-api']])(
  'a command is run, and ends with 78 for a wrong setting: %o',
  (...args) => {
    expect(footfall(...args)).toEqual({ status: 78, stdout: '', stderr: 'PARTITIONS=0: must be >= 1\n' });
  },
);

test('the version is that of the package', () => {
  const { version } = JSON.parse(readFileSync(here('../package.json'), 'utf8'));
  expect(footfall('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' });
});
