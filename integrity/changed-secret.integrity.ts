/** Promise: FINGERPRINT_SECRET may be changed, and who comes while the one before is known is the visitor that they were. */

import Value from 'typebox/value';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { PersonExport } from '../contract/privacy.ts';
import type { VisitorStats } from '../contract/query.ts';
import { Installation, statsOnceUpToDate } from './installation.ts';

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';
const OLD = 'the secret of before, that somebody has seen';
const NEW = 'the secret that follows, that nobody has seen';

let footfall: Installation;
let sent = 0;
let erased = 0;

beforeAll(async () => {
  footfall = await Installation.create();
}, 60_000);
afterAll(() => footfall?.remove(), 60_000);

/** Starts with these secrets, lets visitors come, ends. */
async function day(secrets: Record<string, string>, ...visitors: string[]): Promise<VisitorStats> {
  await footfall.stop();
  Object.assign(footfall.environment, secrets);
  await footfall.start();
  for (const visitor of visitors) {
    const answer = await fetch(`${footfall.collector}/e`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': CHROME },
      body: JSON.stringify({ fingerprint: `fingerprint-of-${visitor}`, url: `/${sent}` }),
    });
    expect(answer.status, await answer.text()).toBe(202);
    sent += 1;
  }
  return await statsOnceUpToDate((path) => footfall.query<VisitorStats>(path), sent - erased);
}

async function pagesOf(visitor: string): Promise<string[]> {
  const answer = await footfall.query(`privacy/visitors/fingerprint-of-${visitor}/export`);
  return Value.Parse(PersonExport, answer)
    .events.map(({ url }) => url)
    .sort();
}

test('who comes in between counts once; who does not is new once', { timeout: 120_000 }, async () => {
  const before = await day({ FINGERPRINT_SECRET: OLD }, 'one', 'two', 'three');
  expect(before).toMatchObject({ total_visitors: 3, total_page_views: 3 });
  const between = await day(
    { FINGERPRINT_SECRET: NEW, FINGERPRINT_SECRET_PREVIOUS: OLD },
    ...['one', 'two', 'four', 'one'],
  );
  expect(between).toMatchObject({ total_visitors: 4, total_page_views: 7 });
  const after = await day({ FINGERPRINT_SECRET_PREVIOUS: '' }, 'one', 'four', 'three');
  expect(after).toMatchObject({ total_visitors: 5, total_page_views: 10 });
  expect(await pagesOf('one')).toEqual(['/0', '/3', '/6', '/7']);
  expect(await pagesOf('three')).toEqual(['/9']);
});

test('what came under the secret before is erased by the fingerprint, without that secret', {
  timeout: 60_000,
}, async () => {
  expect(await footfall.run('erase', '--visitor', 'fingerprint-of-one')).toMatchObject({ code: 0 });
  expect(await pagesOf('one')).toEqual([]);
  erased = 4;
  const stats = await footfall.query<VisitorStats>('visitors/');
  expect(stats).toMatchObject({ total_visitors: 4, total_page_views: 6 });
});

test('of somebody who has not come since it is found once the secret is given again', {
  timeout: 60_000,
}, async () => {
  await day({ FINGERPRINT_SECRET_PREVIOUS: OLD });
  expect(await pagesOf('three')).toEqual(['/2', '/9']);
  const { code, output } = await footfall.run('verify');
  expect(code, output).toBe(0);
});
