import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { missingHere } from '../cli/platform.ts';
import { readConfig } from '../config.ts';
import { isThere, ownServices, probedUrl, readCompose, readHere } from './compose.fixture.ts';
import { type Image, ignoredBy, makeImage, removedFolders } from './image.fixture.ts';

const dockerfile = readHere('Dockerfile');
const own = ownServices(readCompose());
const images = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image = '']) => image);

describe('the Dockerfile', () => {
  test('builds and runs on one Node, with its full version, that the package admits', () => {
    expect(images).toHaveLength(2);
    expect(new Set(images).size).toBe(1);
    const [, version = '', major, minor] =
      /^node:((\d+)\.(\d+)\.\d+)-trixie-slim$/.exec(images[0] ?? '') ?? [];
    expect(missingHere(version, 'linux-x64', () => ({ header: { glibcVersionRuntime: '2.41' } }))).toEqual(
      [],
    );
    const engines: string = JSON.parse(readHere('package.json')).engines.node;
    const admitted = [...engines.matchAll(/\^(\d+)\.(\d+)/g)].find(([, from]) => from === major);
    expect(Number(minor)).toBeGreaterThanOrEqual(Number(admitted?.[2]));
  });

  test('copies what is there and is sent to it', () => {
    const isIgnored = ignoredBy(readHere('.dockerignore'));
    const copies = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)];
    const sources = copies.flatMap(([, list = '']) => list.split(' '));
    expect(sources).toContain('package-lock.json');
    expect(sources.filter((source) => !isThere(source) || isIgnored(source))).toEqual([]);
  });

  test('says where a service of its listens, and where its data is', () => {
    const environment = Object.fromEntries(
      [...dockerfile.matchAll(/ ?(\w+)=(\S+)/g)].map(([, name = '', value]) => [name, value]),
    );
    expect(readConfig(environment)).toMatchObject({ host: '0.0.0.0', dataDir: '/data' });
    const exposed = /^EXPOSE (.*)$/m.exec(dockerfile)?.[1]?.split(' ');
    expect(exposed).toEqual(expect.arrayContaining(own.map(([, service]) => probedUrl(service).port)));
    expect(exposed).toHaveLength(own.length);
  });
});

describe('the image', () => {
  let image: Image;
  beforeAll(async () => {
    image = await makeImage();
  });
  afterAll(() => image?.remove());

  test('has neither tests, nor packages for development, nor the embedded engines', () => {
    const found = ['integrity', 'bench', 'cli/probes.test.ts', 'node_modules/vitest', ...removedFolders()];
    expect(removedFolders()).toHaveLength(2);
    expect(found.filter((path) => !isThere(path) || existsSync(join(image.folder, path)))).toEqual([]);
  });

  test('has the command of every service, in a form that can be executed', async () => {
    const [entry = ''] = /\/app\/(\S+) \/usr\/local\/bin\/footfall/.exec(dockerfile)?.slice(1) ?? [];
    accessSync(join(image.folder, entry), constants.X_OK);
    const help = await image.run(join(image.folder, entry), ['--help']);
    for (const [, { command }] of own) expect(help).toMatch(new RegExp(`^ {2}${command[0]} `, 'm'));
  });

  test('builds nothing when it starts, as nobody may write there', async () => {
    const built = join(image.folder, 'dist/inputs.json');
    const before = statSync(built).mtimeMs;
    await image.run(process.execPath, ['bin/footfall.js', '--help']);
    expect(statSync(built).mtimeMs).toBe(before);
    const inputs: string[] = JSON.parse(readFileSync(built, 'utf8'));
    expect(inputs.filter((input) => !existsSync(join(image.folder, input)))).toEqual([]);
  });

  test('has all that probes its services', () => {
    for (const [, { healthcheck }] of own) {
      expect(existsSync(join(image.folder, healthcheck.test[2] ?? ''))).toBe(true);
    }
  });

  test('says of an embedded engine that it is not there, and what to set', async () => {
    const away = createRequire(join(image.folder, 'package.json'));
    expect(() => away('@chdb/lib-linux-x64-gnu')).toThrow('Cannot find module');
    const job = image.run('env', [
      'DATABASE_URL=',
      `DATA_DIR=${image.folder}/data`,
      'node',
      'bin/footfall.js',
      'divisions',
      'postgres/reference/canada-divisions.csv',
    ]);
    await expect(job).rejects.toThrow('set DATABASE_URL');
  });
});
