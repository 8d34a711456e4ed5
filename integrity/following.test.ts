/** What docs/operations.md says of following a beacon, done with one. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Session } from 'chdb';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { VisitorStats } from '../contract/query.ts';
import type { LogLine } from '../logger.fixture.ts';
import { Installation } from './installation.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const OPERATIONS = fileURLToPath(new URL('../docs/operations.md', import.meta.url));
const EVENT_ID = randomUUID();

let footfall: Installation;

beforeAll(async () => {
  footfall = await Installation.create({ LOG_LEVEL: 'debug' });
  await footfall.start();
}, 90_000);
afterAll(() => footfall.remove(), 60_000);

test('a beacon is followed from its answer over the lines of collector and pipeline to its row', async () => {
  const answer = await fetch(`${footfall.collector}/e`, {
    method: 'POST',
    headers: { 'Content-Type': 'text/plain', 'User-Agent': FIREFOX },
    body: JSON.stringify({ url: '/followed', fingerprint: 'a visitor of the test', event_id: EVENT_ID }),
  });
  expect(answer.status).toBe(202);
  await vi.waitFor(
    async () => {
      const stats = await footfall.query<VisitorStats>('visitors/today/');
      expect(stats.total_page_views).toBe(1);
      expect(find('Visitor joined')).toBeDefined();
      expect(find('counted')).toBeDefined();
    },
    { timeout: 30_000, interval: 50 },
  );

  const { partition, offset } = find('a frame is durable') ?? {};
  expect(find('counted')).toMatchObject({ offsets: [`${partition}:${offset}-${offset}`], events: 1 });

  expect(await footfall.stop()).toBe(0);
  const raw = new Session(join(footfall.folder, 'clickhouse'));
  // Numbers of 64 bits as text.
  const rows = raw.query(documentedQuery().replace('EVENT_ID', EVENT_ID), 'JSONStringsEachRow');
  raw.close();
  const { visitor, ...found } = JSON.parse(rows);
  expect(found).toMatchObject({
    log_partition: String(partition),
    log_offset: String(offset),
    log_index: '0',
    page: '/followed',
  });
  expect(find('Visitor joined')).toMatchObject({ scope: 'site', visitor });
  expect(footfall.output).not.toMatch(/a visitor of the test|"(remote|client)?[aA]ddress"/);
});

/** The first line that says so. */
function find(msg: string): LogLine | undefined {
  const lines = footfall.output.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line): LogLine => JSON.parse(line)).find((line) => line.msg === msg);
}

function documentedQuery(): string {
  const [, query] = /```sql\n([\s\S]*?)```/.exec(readFileSync(OPERATIONS, 'utf8')) ?? [];
  if (query === undefined) throw new Error('docs/operations.md has no query');
  return query;
}
