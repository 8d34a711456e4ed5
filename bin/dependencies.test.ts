import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dependencies-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('versions', () => {
  const write = (wanted: string, locked: string) => {
    put('package.json', { dependencies: { one: wanted } });
    put('package-lock.json', { packages: { 'node_modules/one': { version: locked } } });
  };

  test('are exact in this project, and those of the lock file', async () => {
    expect(await run('check-versions.js', ROOT)).toMatchObject({ code: 0 });
  });

  test.each(['1.2.3', 'npm:other@1.2.3', 'npm:@some/other@1.2.3'])('%s is exact', async (wanted) => {
    write(wanted, '1.2.3');
    expect(await run('check-versions.js')).toMatchObject({ code: 0 });
  });

  test.each([
    '^1.2.3',
    '~1.2.3',
    '1.2',
    '1.x',
    '*',
    'latest',
    '>=1.2.3',
    'npm:other@^1.2.3',
    'github:some/one',
  ])('%s fails with the name of the package', async (wanted) => {
    write(wanted, '1.2.3');
    const { code, stderr } = await run('check-versions.js');
    expect({ code, stderr }).toEqual({ code: 1, stderr: `one: ${wanted} is not one exact version\n` });
  });

  test('another one in the lock file fails', async () => {
    write('1.2.3', '1.2.4');
    const { code, stderr } = await run('check-versions.js');
    expect({ code, stderr }).toEqual({ code: 1, stderr: 'one: 1.2.3, but package-lock.json has 1.2.4\n' });
  });
});

describe('licences', () => {
  const install = (name: string, manifest: object, files: Record<string, string> = {}) => {
    put('node_modules/.package-lock.json', { packages: { [`node_modules/${name}`]: {} } });
    put(`node_modules/${name}/package.json`, { version: '1.0.0', ...manifest });
    for (const [file, text] of Object.entries(files)) {
      const path = join(folder, 'node_modules', name, file);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
  };

  test.each([
    [{ license: 'MIT' }],
    [{ license: '(GPL-3.0-only OR MIT)' }],
    [{ license: 'MIT AND ISC' }],
    [{ license: 'Apache-2.0 WITH LLVM-exception' }],
    [{ license: { type: 'BSD-2-Clause' } }],
    [{ licenses: [{ type: 'GPL-2.0' }, { type: 'MIT' }] }],
  ])('%o is allowed', async (manifest) => {
    install('one', manifest);
    expect(await run('check-licences.js')).toMatchObject({ code: 0 });
  });

  test.each([
    [{ license: 'GPL-3.0-only' }, 'GPL-3.0-only'],
    [{ license: 'LGPL-2.1-or-later' }, 'LGPL-2.1-or-later'],
    [{ license: 'AGPL-3.0' }, 'AGPL-3.0'],
    [{ license: 'MIT AND LGPL-3.0-or-later' }, 'MIT AND LGPL-3.0-or-later'],
    [{ license: 'GPL-3.0-only AND (MIT OR ISC)' }, 'GPL-3.0-only AND (MIT OR ISC)'],
    [{ license: 'MPL-2.0' }, 'MPL-2.0'],
    [{ license: 'SEE LICENSE IN LICENSE.md' }, 'SEE LICENSE IN LICENSE.md'],
    [{}, 'declares no licence'],
  ])('%o fails with the name of the package', async (manifest, said) => {
    install('@some/one', manifest);
    const { code, stderr } = await run('check-licences.js');
    expect({ code, stderr }).toEqual({ code: 1, stderr: `@some/one@1.0.0: ${said}\n` });
  });

  test.each([
    ['LICENSE', 'GNU LESSER GENERAL PUBLIC LICENSE\nVersion 3'],
    ['COPYING', 'GNU GENERAL PUBLIC\n LICENSE'],
    ['LICENCE.md', 'licensed under AGPLv3'],
    ['vendor/copied/LICENSE', 'under the LGPL, version 3'],
  ])('a %s that speaks of the GPL family fails, whatever is declared', async (file, text) => {
    install('one', { license: 'MIT' }, { [file]: text });
    const { code, stderr } = await run('check-licences.js');
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `one@1.0.0: ${file} speaks of the GPL, the LGPL or the AGPL\n`,
    });
  });

  test('an exception holds for the licence that it names alone', async () => {
    install('axe-core', { license: 'MPL-2.0' });
    expect(await run('check-licences.js')).toMatchObject({ code: 0 });
    install('axe-core', { license: 'GPL-3.0' });
    expect(await run('check-licences.js')).toMatchObject({ code: 1 });
  });
});

describe('vulnerabilities', () => {
  let registry: Server;
  let advisories: unknown;
  beforeEach(async () => {
    advisories = {};
    registry = createServer((request, response) => {
      response.setHeader('Content-Type', 'application/json');
      if (request.method === 'POST')
        response.writeHead(advisories === undefined ? 405 : 200).end(JSON.stringify(advisories));
      else
        response.end(
          JSON.stringify({
            name: 'one',
            'dist-tags': { latest: '1.0.0' },
            versions: { '1.0.0': {}, '2.0.0': {} },
          }),
        );
    });
    await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
    put('package.json', { name: 'test', version: '1.0.0', dependencies: { one: '1.0.0' } });
    const root = { name: 'test', version: '1.0.0', dependencies: { one: '1.0.0' } };
    put('package-lock.json', {
      ...{ name: 'test', version: '1.0.0', lockfileVersion: 3 },
      packages: { '': root, 'node_modules/one': { version: '1.0.0' } },
    });
  });
  afterEach(() => new Promise((resolve) => registry.close(resolve)));

  const audit = () => {
    const { port } = registry.address() as AddressInfo;
    return run('check-vulnerabilities.js', folder, {
      npm_config_registry: `http://127.0.0.1:${port}/`,
      npm_config_fetch_retries: '0',
      npm_config_cache: join(folder, 'cache'),
    });
  };
  const advisory = (severity: string) => ({
    one: [{ id: 1, url: 'https://example.org/1', title: 'Bad', severity, vulnerable_versions: '<2.0.0' }],
  });

  test('none known passes', async () => {
    expect(await audit()).toMatchObject({ code: 0, stdout: expect.stringContaining('no vulnerability') });
  });

  test.each(['high', 'critical'])('one of level %s fails with the name of the package', async (severity) => {
    advisories = advisory(severity);
    const { code, stderr } = await audit();
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `one 1.0.0: ${severity}: Bad https://example.org/1\n`,
    });
  });

  test('one of level moderate passes', async () => {
    advisories = advisory('moderate');
    expect(await audit()).toMatchObject({ code: 0 });
  });

  test('a registry without audits is said, and passes', async () => {
    advisories = undefined;
    const { code, stderr } = await audit();
    expect(code).toBe(0);
    expect(stderr).toMatch(/^WARNING: vulnerabilities were not checked.*405/);
  });

  test('what npm cannot read fails', async () => {
    writeFileSync(join(folder, 'package-lock.json'), '{');
    expect(await audit()).toMatchObject({ code: 1 });
  });
});

function put(file: string, value: object): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), JSON.stringify(value));
}

function run(script: string, where = folder, environment: NodeJS.ProcessEnv = {}) {
  return new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    const child = execFile(
      process.execPath,
      [join(ROOT, 'bin', script), where],
      { env: { ...process.env, ...environment } },
      (_error, stdout, stderr) => resolve({ code: child.exitCode, stdout, stderr }),
    );
  });
}
