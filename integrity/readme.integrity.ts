import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readConfig, VARIABLES } from '../config.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { Conversions, Realtime, VisitorStats } from '../contract/query.ts';
import { documentedMetrics } from '../deploy/operations.fixture.ts';
import { Installation } from './installation.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const read = (file: string) => readFileSync(`${ROOT}/${file}`, 'utf8');

/** Run as they stand by `.ci/run`, by hand, or by this very test. */
const RUN_ELSEWHERE = [
  'npm ci && npm start',
  'DATA_DIR=./data-demo npm start -- --demo',
  'npm ci && npm test',
  'eval "$(.ci/stack up)"',
  'npm run test:browser',
  'npm run test:integrity',
  'npm run check',
  'npm run bench:end-to-end',
  'npm run bench:freshness',
  'npm run bench:live',
  'npm run bench:ranges',
];

/** Needs what is not where these tests run; held against the code by tests of its own. */
const CHECKED_BY: Record<string, string[]> = {
  'npm run bench:k6 -- ingest': ['bench/k6/scripts.test.ts', 'bench/k6/runner/runner.test.ts'],
  'npm run footfall -- backup ../footfall-backup': ['integrity/backup.integrity.ts'],
  'npm run footfall -- restore ../footfall-backup': ['integrity/backup.integrity.ts'],
  'npm run footfall -- rebuild': ['integrity/end-to-end.test.ts'],
  'docker compose up': [
    'deploy/compose.test.ts',
    'deploy/dockerfile.test.ts',
    'deploy/nginx.test.ts',
    'deploy/services.test.ts',
  ],
};

let footfall: Installation;

beforeAll(async () => {
  footfall = await Installation.create();
  await footfall.start('--demo');
}, 90_000);

afterAll(() => footfall.remove(), 60_000);

test('the demo says that what it counts is invented, and where it stays', async () => {
  const said = `demo: its events are invented, and stay in this installation (DATA_DIR=${footfall.folder})\n`;
  await vi.waitFor(() => expect(footfall.output).toContain(said), 10_000);
});

test('the demo makes numbers move at once', async () => {
  await vi.waitFor(
    async () => {
      expect((await footfall.query<VisitorStats>('visitors/today/')).total_visitors).toBeGreaterThan(20);
      expect((await footfall.query<Realtime>('realtime/')).count).toBeGreaterThan(10);
    },
    { timeout: 30_000, interval: 200 },
  );
});

test('the demo has days before today', async () => {
  const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
  await vi.waitFor(
    async () => {
      const { partitions } = await footfall.query<Ledger>('pipeline/');
      expect(partitions.map(({ lag_frames }) => lag_frames > 5)).not.toContain(true);
      // Sessions are there before the days are closed.
      const past = await footfall.query<Conversions>(`conversions/?end_date=${yesterday}`);
      expect(past.total_conversions).toBeGreaterThan(100);
    },
    { timeout: 80_000, interval: 200 },
  );
});

test('the start prints the addresses and a curl line with a working token', async () => {
  for (const name of ['collector', 'beacon', 'API', 'dashboard'])
    expect(footfall.output).toContain(`  ${name} `);
  const line = /^ {2}(curl .*)$/m.exec(footfall.output)?.[1] ?? '';
  const { stdout } = await shell(line);
  expect(JSON.parse(stdout)).toHaveProperty('total_visitors');
});

test('npm start, told to end by SIGTERM, drains and exits 0, and nothing of it is left', async () => {
  const other = await Installation.create();
  const npm = spawn('npm', ['start'], {
    cwd: ROOT,
    env: { ...process.env, ...other.environment },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<number | null>((resolve) => npm.once('exit', resolve));
  let output = '';
  npm.stdout.on('data', (chunk) => {
    output += chunk;
  });
  await vi.waitFor(() => expect(output).toContain('Footfall is ready'), 60_000);
  expect((await fetch(`${other.collector}/readyz`)).status).toBe(200);
  npm.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(output.match(/"msg":"stopped"/g)).toHaveLength(2);
  await expect(fetch(`${other.collector}/healthz`)).rejects.toThrow();
  await other.remove();
}, 90_000);

describe('the commands of the README', () => {
  const commands = [...read('README.md').matchAll(/^```sh\n([\s\S]*?)^```/gm)]
    .flatMap(([, block = '']) => block.trim().split('\n'))
    .filter((command) => !RUN_ELSEWHERE.includes(command) && CHECKED_BY[command] === undefined);

  test('are all tried', () => {
    expect(commands.length).toBeGreaterThan(5);
  });

  test.each(Object.entries(CHECKED_BY))('%s has its own tests', (command, tests) => {
    expect(read('README.md')).toContain(`\n${command}\n`);
    expect(tests.filter((file) => !existsSync(`${ROOT}/${file}`))).toEqual([]);
  });

  test.each(commands)('%s', async (command) => {
    const here = command.replace('http://127.0.0.1:8080', footfall.collector);
    const { stdout } = await shell(here);
    if (command.startsWith('curl')) expect(stdout).toContain('202 Accepted');
    else expect(stdout).not.toBe('');
  });
});

describe('docs/operations.md', () => {
  const operations = read('docs/operations.md');

  const documented = documentedMetrics();

  async function served(): Promise<string> {
    const texts = [footfall.collector, footfall.api].map(async (origin) =>
      (await fetch(`${origin}/metrics`)).text(),
    );
    return (await Promise.all(texts)).join('');
  }

  test('names every metric that is served, and no other, each with its type and a meaning', async () => {
    const found = [...(await served()).matchAll(/^# TYPE (footfall_\w+) (\w+)$/gm)];
    const types = [...documented].map(([name, { type }]) => [name, type]);
    expect(Object.fromEntries(types)).toEqual(
      Object.fromEntries(found.map(([, name = '', type]) => [name, type])),
    );
    for (const [name, { meaning }] of documented) expect(meaning, name).toMatch(/\w+ \w+/);
  });

  test('names the labels of each, which a system at work has', async () => {
    await footfall.query('trends/?end_date=2025-01-01');
    const found = new Map<string, string[]>();
    for (const [, sample = '', labels = ''] of (await served()).matchAll(/^(footfall_\w+)(?:\{(.*)\})? /gm)) {
      const [name] = [...documented.keys()]
        .filter((each) => sample.startsWith(each))
        .sort()
        .reverse();
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label);
      found.set(
        name ?? sample,
        names.filter((label) => label !== 'le'),
      );
    }
    const expected = [...documented].map(([name, { labels }]) => [name, labels]);
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  });

  test('names every variable that is read', () => {
    const names = new Set([...operations.matchAll(/`([A-Z][A-Z_]+)`/g)].map(([, name = '']) => name));
    expect(VARIABLES.filter((name) => !names.has(name))).toEqual([]);
    expect(() => readConfig({})).not.toThrow();
  });
});

function shell(command: string): Promise<{ stdout: string }> {
  return promisify(execFile)('sh', ['-c', command], {
    cwd: ROOT,
    env: { ...process.env, ...footfall.environment },
  });
}
