/** Promise: where salts are daily, nothing that is kept tells a visitor of today from what was kept of them before. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Value from 'typebox/value';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PersonExport } from '../contract/privacy.ts';
import type { Settings, VisitorStats } from '../contract/query.ts';
import { Installation, statsOnceUpToDate } from './installation.ts';

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';
const VISITOR = { fingerprint: 'fingerprint-of-one', session_id: 'session-of-one', user_id: 'user-of-one' };
const yesterday = new Date(Date.now() - 86_400_000).toISOString();

let footfall: Installation;
beforeAll(async () => {
  footfall = await Installation.create({ VISITOR_SALT: 'daily' });
  await footfall.start();
}, 120_000);
afterAll(() => footfall.remove(), 60_000);

test('a visitor of two days counts on each, once a day, and the API says so', async () => {
  const history = join(footfall.folder, 'history.ndjson');
  const line = JSON.stringify({ ...VISITOR, url: '/yesterday', ts: yesterday });
  await writeFile(history, `${line}\n${line}\n`);
  expect(await footfall.run('import', history)).toMatchObject({ code: 0 });
  for (const url of ['/today', '/again']) {
    const answer = await fetch(`${footfall.collector}/e`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': CHROME },
      body: JSON.stringify({ ...VISITOR, url }),
    });
    expect(answer.status, await answer.text()).toBe(202);
  }
  const stats = await statsOnceUpToDate((path) => footfall.query<VisitorStats>(path), 4);
  expect(stats).toMatchObject({ total_visitors: 2, authenticated_visitors: 2, total_page_views: 4 });
  expect(await footfall.query<Settings>('settings/')).toMatchObject({ ranges_count: 'visitor_days' });
});

test('who asks for their data gets what the salts that are left can find, with no id as it was sent', async () => {
  for (const path of ['visitors/fingerprint-of-one', 'users/user-of-one']) {
    const data = Value.Parse(PersonExport, await footfall.query(`privacy/${path}/export`));
    expect(data.sessions).toHaveLength(1);
    expect(JSON.stringify(data)).toContain('/today');
    expect(JSON.stringify(data)).not.toContain('/yesterday');
    expect(JSON.stringify(data)).not.toContain('-of-one');
  }
});
