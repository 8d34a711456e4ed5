import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { oneKey } from '../contract/visitor-key.ts';
import { openLog } from '../kafka/open.ts';
import type { EventLog } from '../kafka/port.ts';
import { type ImportReport, importFile } from './import.ts';

const MIB = 1024 ** 2;
const NOW = Date.parse('2026-01-31T00:00:00Z');

let folder: string;
let file: string;
let log: EventLog;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-import-'));
  file = join(folder, 'history.ndjson');
  log = await openLog(`lmdb://${folder}/log`, {
    partitions: 1,
    retentionMs: 3_600_000,
    retentionBytes: 1e8,
    maxBytes: 1e9,
  });
});
afterEach(async () => {
  await log.close();
  await rm(folder, { recursive: true });
});

const beacon = (n: number) =>
  JSON.stringify({ ts: '2025-10-11T12:00:00Z', url: `/page/${n}`, fingerprint: `fingerprint-${n}` });

const run = (onProgress: (bytes: number) => void = () => {}): Promise<ImportReport> =>
  importFile({ file, format: undefined, log, keys: oneKey('a secret'), onProgress, now: () => NOW });

test('lines that are broken are refused by their numbers, the others are in the log', async () => {
  await writeFile(
    file,
    [beacon(1), '', '{"ts":', beacon(2), `{"url":"${'x'.repeat(70_000)}"}`, beacon(3)].join('\r\n'),
  );
  expect(await run()).toMatchObject({
    imported: 3,
    refused: 2,
    refusals: [
      { line: 3, reason: expect.stringContaining('not JSON') },
      { line: 5, reason: 'is longer than 65536 bytes' },
    ],
    from: '2025-10-11T12:00:00.000Z',
  });
});

test('a line of 200 MB is refused by its number, and is never in memory', async () => {
  const out = createWriteStream(file);
  out.write(`${beacon(1)}\n`);
  const part = Buffer.alloc(MIB, 'x');
  for (let n = 0; n < 200; n += 1) if (!out.write(part)) await once(out, 'drain');
  out.end(`\n${beacon(2)}\n`);
  await once(out, 'finish');

  const used = () => {
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const before = used();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, used());
  }, 1);
  const report = await run();
  clearInterval(watch);
  expect(report).toMatchObject({
    imported: 2,
    refused: 1,
    refusals: [{ line: 2, reason: 'is longer than 65536 bytes' }],
  });
  expect(most - before).toBeLessThan(100 * MIB);
});
