/** A store that is copied while it goes on. One process can open one directory: this one opens the source. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAnalytics } from './open.ts';
import type { AnalyticsStore } from './port.ts';
import { eventRow } from './reference.case.ts';

const OPTIONS = { rawDays: 36_500 };
let directory: string;
let store: AnalyticsStore;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'footfall-frozen-'));
  store = await openAnalytics(`chdb://${directory}/source`, OPTIONS);
});
afterAll(async () => {
  await store.close();
  await rm(directory, { recursive: true, force: true });
});

const rowAt = (log_offset: number) =>
  eventRow({ happened_at: Date.parse('2026-01-01T12:00:00Z'), log_offset });

async function count(copy: string, table: string): Promise<number> {
  const script = `
    import { Session } from 'chdb';
    const session = new Session(process.argv[1]);
    process.stdout.write(session.query('SELECT count() FROM footfall.${table}', 'TSV'));
    session.close();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, copy]);
  return Number(stdout);
}

test('a frozen store, copied, is a store with what was there, and thawing removes it', async () => {
  await store.insert([rowAt(1), rowAt(2)]);
  await store.updateIntervals({ lastDay: '2026-01-01' });
  const { folder, migrations } = await store.freeze();
  expect(migrations.at(-1)).toMatch(/^\d{4}_\w+\.sql$/);
  await store.insert([rowAt(3)]);
  const copy = join(directory, 'copy');
  await cp(folder, copy, { recursive: true });
  expect(await count(copy, 'event')).toBe(2);
  expect(await count(copy, 'log_hourly')).toBeGreaterThan(0);
  await store.thaw();
  expect(await readdir(join(directory, 'source'))).not.toContain('shadow');
});

test('freezing again, and opening again, leave nothing of what was frozen before', async () => {
  const { folder } = await store.freeze();
  await writeFile(join(folder, 'before'), '');
  await store.freeze();
  expect(await readdir(folder)).not.toContain('before');
  await store.close();
  await mkdir(join(directory, 'source', 'shadow'), { recursive: true });
  store = await openAnalytics(`chdb://${directory}/source`, OPTIONS);
  expect(await readdir(join(directory, 'source'))).not.toContain('shadow');
});
