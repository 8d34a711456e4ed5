/** What docs/api.md shows of the collector, sent to one. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openLog } from '../kafka/open.ts';
import type { EventLog } from '../kafka/port.ts';
import { openLive } from '../redis/open.ts';
import type { LiveStore } from '../redis/port.ts';
import { startTestCollector } from './collector.fixture.ts';
import type { Collector } from './collector.ts';

const DOCUMENT = readFileSync(fileURLToPath(new URL('../docs/api.md', import.meta.url)), 'utf8');
/** A command for the collector, and the lines of its answer that matter. */
const EXAMPLES = [...DOCUMENT.matchAll(/^```sh\n(curl .*:8080\/.*)\n```\n\n```\n([\s\S]*?)\n```$/gm)].map(
  ([, command = '', lines = '']) => ({ command, lines: lines.split('\n') }),
);

let folder: string;
let log: EventLog;
let live: LiveStore;
let collector: Collector;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-api-document-'));
  log = await openLog(`lmdb://${folder}`, {
    partitions: 1,
    retentionMs: 3_600_000,
    retentionBytes: 1e8,
    maxBytes: 1e9,
  });
  live = await openLive('memory://');
  collector = await startTestCollector({ log, live });
});

afterAll(async () => {
  await collector.close();
  await log.close();
  await live.close();
  await rm(folder, { recursive: true, force: true });
});

test('docs/api.md has examples', () => {
  expect(EXAMPLES).toHaveLength(3);
});

test.each(EXAMPLES)('$command', async ({ command, lines }) => {
  const here = command.replace('127.0.0.1:8080', `127.0.0.1:${collector.port}`);
  const { stdout } = await promisify(execFile)('sh', ['-c', here]);
  expect(stdout.split(/\r?\n/)).toEqual(expect.arrayContaining(lines));
});
