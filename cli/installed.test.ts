/** In a folder without an installation, commands that look at one say so, and make nothing. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readConfig } from '../config.ts';
import { runErase } from './erase.ts';
import { printToken, runCleanup, runRebuild } from './jobs.ts';
import { verify } from './verify.ts';

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'footfall-installed-'));
});
afterEach(() => rmSync(dataDir, { recursive: true }));

it.each<[string, (config: ReturnType<typeof readConfig>) => Promise<void>]>([
  ['verify', (config) => verify(config, {})],
  ['erase', (config) => runErase(config, { visitor: 'fingerprint' })],
  ['cleanup', (config) => runCleanup(config)],
  ['rebuild', (config) => runRebuild(config, {})],
  ['token', (config) => printToken(config, { staff: true, moderator: false, subject: 'test', hours: '1' })],
])('%s', async (_, run) => {
  const config = readConfig({ DATA_DIR: dataDir, API_PORT: '1' });
  await expect(run(config)).rejects.toThrow(
    `DATA_DIR=${dataDir}: there is no installation, or it has not been started yet`,
  );
  expect(readdirSync(dataDir)).toEqual([]);
});

it('a token is made where the environment has the secret', async () => {
  const config = readConfig({ DATA_DIR: dataDir, JWT_SECRET: 'a secret that is long enough for it' });
  await printToken(config, { staff: true, moderator: false, subject: 'test', hours: '1' });
});
