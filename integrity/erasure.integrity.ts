/** Promise: after an erasure every number is that of a history in which the person never came, and nothing of theirs is left. */
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Value from 'typebox/value';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ErasureReceipt, PersonExport } from '../contract/privacy.ts';
import type { VisitorStats } from '../contract/query.ts';
import { addDays, calendar } from '../contract/reporting-day.ts';
import { Installation, until } from './installation.ts';
import { seeded } from './random.ts';
import { COMMUNITIES_FILE, communityIds, DIVISIONS_FILE, divisionIds } from './scenario.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const VISITORS = 120;
const USERS = 30;
const DAYS = 40;
const [ERASED_VISITORS, ERASED_USERS] = [12, 4];
const NOW = Date.now();
const TODAY = calendar('UTC').dayOf(NOW);
const FIRST_DAY = addDays(TODAY, 1 - DAYS);
/** So lately that they are online until the end. */
const JUST_NOW_MS = 600_000;
/** Only for what hangs: machines may be many times slower. */
const PATIENCE_MS = 240_000;

const random = seeded(SEED);
const below = (n: number) => Math.floor(random() * n);
const fingerprintOf = (visitor: number) => `fingerprint-of-${visitor}`;
const userOf = (user: number) => `user-${user}`;

interface Line {
  ts: string;
  fingerprint: string;
  user_id: string | undefined;
}

/**
 * Visitors come on some days, every other of them just now as well. They are signed in now and then, some of them as two users, and a user
 * may have several browsers.
 */
function history(): Line[] {
  const begin = Date.parse(`${FIRST_DAY}T00:00:00Z`);
  return Array.from({ length: VISITORS }, (_, visitor) => {
    const users = [below(USERS), below(4 * USERS)].filter((user) => user < USERS);
    const ofVisits = Array.from({ length: 1 + below(25) }, () => begin + below(NOW - begin));
    if (visitor % 2 === 0) ofVisits.push(NOW - below(JUST_NOW_MS));
    return ofVisits.map((instant) => {
      const user = random() < 0.4 ? users[below(users.length)] : undefined;
      return {
        ts: new Date(instant).toISOString(),
        event_id: randomUUID(),
        type: random() < 0.8 ? 'page_view' : 'heartbeat',
        url: `https://example.org/page-${Math.floor(20 * random() ** 2)}`,
        fingerprint: fingerprintOf(visitor),
        session_id: `session-${visitor}`,
        user_id: user === undefined ? undefined : userOf(user),
        ...(random() < 0.7 && { community_id: communityIds[below(4)] }),
        ...(visitor % 5 > 0 && { division_id: divisionIds[(visitor % 12) + 1] }),
      };
    });
  })
    .flat()
    .sort((a, b) => a.ts.localeCompare(b.ts));
}

const lines = history();
const visitors = new Set(Array.from({ length: ERASED_VISITORS }, () => below(VISITORS)));
const users = new Set(Array.from({ length: ERASED_USERS }, () => below(USERS)));
const erasedUsers = new Set([...users].map(userOf));
const erasedFingerprints = new Set([
  ...[...visitors].map(fingerprintOf),
  ...lines
    .filter(({ user_id }) => user_id !== undefined && erasedUsers.has(user_id))
    .map(({ fingerprint }) => fingerprint),
]);
const kept = lines.filter(({ fingerprint }) => !erasedFingerprints.has(fingerprint));

const ranges = [
  `start_date=${FIRST_DAY}&end_date=${TODAY}`,
  `start_date=${addDays(TODAY, -30)}&end_date=${addDays(TODAY, -3)}`,
  ...Array.from({ length: 3 }, () => {
    const from = below(DAYS);
    return `start_date=${addDays(FIRST_DAY, from)}&end_date=${addDays(FIRST_DAY, from + below(DAYS - from))}`;
  }),
];
const paths = [
  ...['visitors/today/', 'visitors/weekly/', 'visitors/monthly/', 'realtime/'],
  ...['day', 'week', 'month'].map((period) => `growth/?period=${period}`),
  ...ranges.flatMap((range) => [
    `visitors/?${range}`,
    `visitors/?${range}&community_id=${communityIds[1]}`,
    `visitors/?${range}&division_id=${divisionIds[3]}&community_id=${communityIds[0]}`,
    `division-breakdown/?${range}&limit=100`,
    ...['hour', 'day', 'week', 'month'].map((interval) => `trends/?${range}&interval=${interval}`),
    `trends/?${range}&community_id=${communityIds[2]}`,
    `retention/?${range}`,
    `conversions/?${range}`,
    `demographics/?${range}`,
    `pages/?${range}&page_size=1000`,
    `communities/${communityIds[0]}/?${range}`,
    `export/?${range}`,
  ]),
];

const opened: Installation[] = [];
/** Counts these lines, and answers when every range has them. */
async function installed(of: Line[]): Promise<Installation> {
  const footfall = await Installation.create();
  opened.push(footfall);
  for (const [command, file] of [
    ['divisions', DIVISIONS_FILE],
    ['communities', COMMUNITIES_FILE],
  ] as const)
    expect(await footfall.run(command, file)).toMatchObject({ code: 0 });
  const file = join(footfall.folder, 'history.ndjson');
  await writeFile(file, of.map((line) => `${JSON.stringify(line)}\n`).join(''));
  expect(await footfall.run('import', file)).toMatchObject({ code: 0 });
  await footfall.start();
  await upToDate(footfall, of);
  return footfall;
}

async function upToDate(footfall: Installation, of: Line[]): Promise<void> {
  const views = of.filter((line) => 'type' in line && line.type === 'page_view').length;
  await until('every event to be in the ranges', PATIENCE_MS, async () => {
    const { total_page_views } = await footfall.query<VisitorStats>(`visitors/?${ranges[0]}`);
    return total_page_views === views;
  });
}

async function remove(footfall: Installation, path: string): Promise<void> {
  const url = `${footfall.api}/api/analytics/privacy/${path}`;
  const headers = { Authorization: `Bearer ${footfall.token}` };
  const answer = await fetch(url, { method: 'DELETE', headers });
  expect(answer.status).toBe(202);
  const { id } = Value.Parse(ErasureReceipt, await answer.json());
  await until('the erasure to be complete', PATIENCE_MS, async () => {
    const receipt = Value.Parse(ErasureReceipt, await footfall.query(`privacy/erasures/${id}`));
    return receipt.completed_at !== null;
  });
}

async function textOf(footfall: Installation, path: string): Promise<string> {
  const headers = { Authorization: `Bearer ${footfall.token}` };
  const answer = await fetch(`${footfall.api}/api/analytics/${path}`, { headers });
  expect(answer.status, path).toBe(200);
  const text = await answer.text();
  return path === 'realtime/' ? text.replace(/"timestamp":"[^"]*"/, '') : text;
}

let erased: Installation;
let without: Installation;

beforeAll(async () => {
  console.log(`seed ${SEED}`);
  erased = await installed(lines);
  without = await installed(kept);
}, PATIENCE_MS);

afterAll(async () => {
  for (const footfall of opened) await footfall.remove();
}, PATIENCE_MS);

test(
  'every endpoint answers as if the erased visitors and users had never come',
  async () => {
    const [byCommand, ...others] = visitors;
    await Promise.all([
      ...others.map((visitor) => remove(erased, `visitors/${fingerprintOf(visitor)}`)),
      ...[...users].map((user) => remove(erased, `users/${userOf(user)}`)),
    ]);
    const command = await erased.run('erase', '--visitor', fingerprintOf(byCommand ?? 0));
    expect(command.code, command.output).toBe(0);
    expect(command.output).toContain('"completed_at": "2');
    await upToDate(erased, kept);
    await until('the erased to be no longer online', PATIENCE_MS, async () => {
      return (await textOf(erased, 'realtime/')) === (await textOf(without, 'realtime/'));
    });
    for (const path of paths) expect(await textOf(erased, path), path).toBe(await textOf(without, path));
  },
  PATIENCE_MS,
);

test('nothing of them is left, the books are in balance, and the record does not say whose it was', async () => {
  for (const fingerprint of erasedFingerprints) {
    const data = Value.Parse(PersonExport, await erased.query(`privacy/visitors/${fingerprint}/export`));
    expect(data).toMatchObject({ sessions: [], events: [] });
  }
  const { code, output } = await erased.run('verify');
  expect(code, output).toBe(0);
  const record = await textOf(erased, 'privacy/erasures/');
  for (const name of [...erasedFingerprints, ...erasedUsers]) expect(record).not.toContain(name);
});

test(
  'stays so after a restart and a rebuild',
  async () => {
    expect(await erased.stop()).toBe(0);
    const { code, output } = await erased.run('rebuild');
    expect(code, output).toBe(0);
    await erased.start();
    await upToDate(erased, kept);
    for (const path of paths.filter((each) => each !== 'realtime/'))
      expect(await textOf(erased, path), path).toBe(await textOf(without, path));
  },
  PATIENCE_MS,
);

test('works with the services stopped as well', async () => {
  expect(await erased.stop()).toBe(0);
  const [fingerprint = ''] = kept.map((line) => line.fingerprint);
  const { code, output } = await erased.run('erase', '--visitor', fingerprint);
  expect(code, output).toBe(0);
  const left = kept.filter((line) => line.fingerprint !== fingerprint);
  await erased.start();
  await upToDate(erased, left);
  for (const [options, said] of [
    [[], 'say whose data'],
    [['--visitor', 'short'], 'has 8 to 128 characters'],
    [['--user', 'u'.repeat(65)], 'has 1 to 64 characters'],
  ] as const) {
    const refused = await erased.run('erase', ...options);
    expect([refused.code, refused.output]).toEqual([78, expect.stringContaining(said)]);
  }
});
