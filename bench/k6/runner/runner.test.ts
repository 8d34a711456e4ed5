import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SCRIPTS } from '../scripts.ts';

const RUNNER = fileURLToPath(new URL('../../k6.ts', import.meta.url));
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-k6-test-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Something that says it is k6, and then does as the shell is told. */
async function pretendK6(version: string, script: string): Promise<string> {
  const path = join(folder, `k6-${Math.random()}`);
  await writeFile(
    path,
    `#!/bin/sh\nif [ "$1" = version ]; then echo 'k6 ${version} (go, linux)'; exit; fi\n${script}\n`,
  );
  await chmod(path, 0o755);
  return path;
}

async function run(
  args: string[],
  environment: Record<string, string> = {},
  onOutput: (output: string, child: ChildProcess) => void = () => {},
) {
  const child = spawn(process.execPath, ['--import', 'tsx', RUNNER, ...args], {
    // The test runner has a BASE_URL of its own.
    env: { ...process.env, BASE_URL: '', ...environment },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      onOutput(output, child);
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

const DEPLOYMENT = { INGEST_URL: 'http://127.0.0.1:1', API_URL: 'http://127.0.0.1:2' };

test('the help lists every script with the question it answers', async () => {
  const { code, output } = await run(['--help']);
  expect(code).toBe(0);
  for (const [name, { question }] of Object.entries(SCRIPTS))
    expect(output).toContain(`${name.padEnd(8)}${question}`);
});

test('an unknown script is refused, and the known ones named', async () => {
  const { code, output } = await run(['ingets']);
  expect(code).toBe(1);
  expect(output).toContain("'ingets' is invalid");
  for (const name of Object.keys(SCRIPTS)) expect(output).toContain(name);
});

test('without k6 it says how to get it, and starts nothing', async () => {
  const { code, output } = await run(['ingest'], { K6_PATH: join(folder, 'nowhere') });
  expect(code).toBe(1);
  expect(output).toContain('cannot be run. Install it (https://');
  expect(output).not.toContain('starting');
});

test('a k6 that is too old is refused', async () => {
  const { code, output } = await run(['ingest'], { K6_PATH: await pretendK6('v1.5.0', '') });
  expect(code).toBe(1);
  expect(output).toContain('is too old: 1.6 or later is needed');
});

test('a wrong option is refused before anything is started', async () => {
  const { code, output } = await run(['ingest', '--rate', 'fast'], {
    K6_PATH: await pretendK6('v2.3.0', ''),
  });
  expect(code).toBe(1);
  expect(output).toContain('RATE=fast: must be a whole number');
  expect(output).not.toContain('starting');
});

test("k6 is told the options, and its exit code is the runner's", async () => {
  const K6_PATH = await pretendK6(
    'v1.6.0',
    'echo "$@" "$RATE" "$DURATION" "$INGEST_URL" "$REPORT_DIR"; exit 99',
  );
  const report = join(folder, 'report');
  const args = ['spike', '--rate', '7', '--duration', '9s', '--report', report, '--', '--quiet'];
  const { code, output } = await run(args, { ...DEPLOYMENT, K6_PATH });
  expect(code).toBe(99);
  expect(output).toMatch(/^run --quiet \S+\/bench\/k6\/spike\.ts 7 9s http:\/\/127\.0\.0\.1:1 /);
  expect(output).toContain('FAILED: k6 ended with 99, and has written no report');
});

test('it ends with the path of the report', async () => {
  const K6_PATH = await pretendK6('v2.3.0', 'echo page > "$REPORT_DIR/soak.html"');
  const { code, output } = await run(['soak', '--report', folder], { ...DEPLOYMENT, K6_PATH });
  expect(code).toBe(0);
  expect(output).toBe(`passed: ${folder}/soak.html\n`);
});

test('an installation of its own is there for k6, and gone when k6 ends or is interrupted', async () => {
  const asks =
    'for url in "$INGEST_URL" "$API_URL"; do curl -s -o /dev/null -w "%{http_code}\\n" "$url/healthz"; done';
  const waits = 'trap "exit 105" INT; echo k6 waits; while :; do sleep 0.1; done';
  const K6_PATH = await pretendK6('v2.3.0', `${asks}; ${waits}`);
  let told = false;
  const { code, output } = await run(['ingest', '--report', folder], { K6_PATH }, (sofar, child) => {
    if (!told && sofar.includes('k6 waits')) told = child.kill('SIGINT');
  });
  expect(output).toMatch(/^200\n200$/m);
  expect(code).toBe(105);
  const [, data = ''] = /starting an installation in (\S+)/.exec(output) ?? [];
  expect(data).not.toBe('');
  expect(existsSync(data)).toBe(false);
});
