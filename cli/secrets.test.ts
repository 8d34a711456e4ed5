import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../config.ts';
import { fingerprintSecrets, readSecrets } from './secrets.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'footfall-secrets-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

const none = { jwtSecret: '', fingerprintSecret: '' };

test('are made once, kept, and readable by nobody else', () => {
  const first = readSecrets({ dataDir, ...none });
  expect(readSecrets({ dataDir, ...none })).toEqual(first);
  expect(first.jwtSecret).not.toBe(first.fingerprintSecret);
  expect(statSync(join(dataDir, 'secrets.json')).mode & 0o777).toBe(0o600);
});

test('of the environment win, each by itself', () => {
  const given = { jwtSecret: 'from the environment', fingerprintSecret: '' };
  const { jwtSecret, fingerprintSecret } = readSecrets({ dataDir, ...given });
  expect(jwtSecret).toBe('from the environment');
  expect(readSecrets({ dataDir, ...none }).fingerprintSecret).toBe(fingerprintSecret);
});

test('of fingerprints: the one before is used beside the one that follows, and is another', () => {
  const { fingerprintSecret } = readSecrets({ dataDir, ...none });
  const secretsOf = (previousFingerprintSecret: string | undefined) =>
    fingerprintSecrets({ dataDir, ...none, previousFingerprintSecret });
  expect(secretsOf(undefined)).toEqual([fingerprintSecret]);
  expect(secretsOf('the one before')).toEqual([fingerprintSecret, 'the one before']);
  expect(() => secretsOf(fingerprintSecret)).toThrow(
    new ConfigError('FINGERPRINT_SECRET_PREVIOUS: is what FINGERPRINT_SECRET is now'),
  );
});

test('a folder that cannot be made is named with its variable', () => {
  writeFileSync(join(dataDir, 'file'), '');
  const folder = join(dataDir, 'file', 'data');
  expect(() => readSecrets({ dataDir: folder, ...none })).toThrow(ConfigError);
  expect(() => readSecrets({ dataDir: folder, ...none })).toThrow(`DATA_DIR: ${folder} cannot be made`);
});

test('a folder that cannot be written is named with its variable', () => {
  expect(() => readSecrets({ dataDir: '/proc/self', ...none })).toThrow(ConfigError);
  expect(() => readSecrets({ dataDir: '/proc/self', ...none })).toThrow('DATA_DIR: /proc/self cannot be');
});

test('that cannot be read end the start rather than make every visitor new', () => {
  const file = join(dataDir, 'secrets.json');
  writeFileSync(file, '{"jwtSecret":');
  chmodSync(file, 0o600);
  expect(() => readSecrets({ dataDir, ...none })).toThrow(ConfigError);
});

test('that the environment sets need not be in the file; no other is made anew', () => {
  const { jwtSecret } = readSecrets({ dataDir, ...none });
  writeFileSync(join(dataDir, 'secrets.json'), JSON.stringify({ jwtSecret }));
  expect(readSecrets({ dataDir, ...none, fingerprintSecret: 'set' })).toEqual({
    jwtSecret,
    fingerprintSecret: 'set',
  });
  expect(() => readSecrets({ dataDir, ...none })).toThrow(
    'has no fingerprintSecret; restore it, or set FINGERPRINT_SECRET',
  );
});

test('that may not be read, or are no file, are not called damaged', () => {
  mkdirSync(join(dataDir, 'secrets.json'));
  expect(() => readSecrets({ dataDir, ...none })).toThrow(/cannot be read: EISDIR/);
});

test('are the same for services that start at once, and no draft is left', async () => {
  const child = fileURLToPath(new URL('./secrets.child.ts', import.meta.url));
  const services = Array.from({ length: 3 }, () => fork(child, { execArgv: ['--import', 'tsx'] }));
  const answers = () => Promise.all(services.map(async (service) => String(await once(service, 'message'))));
  try {
    await answers();
    for (let round = 0; round < 300; round += 1) {
      const folder = join(dataDir, `${round}`);
      const read = answers();
      for (const service of services) service.send(folder);
      expect(new Set(await read).size).toBe(1);
      expect(readdirSync(folder)).toEqual(['secrets.json']);
    }
  } finally {
    for (const service of services) service.kill();
  }
});
