/** The rows of a session store as of one moment, and a store made of them. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSessions } from './open.ts';
import type { SessionStore } from './port.ts';
import { restoreSessions } from './restore.ts';

const HOUR = 3_600_000;
const OPTIONS = { sessionTimeoutMs: HOUR };
const LOG = 'identity of a log';
const PARENT = '00000000-0000-4000-8000-000000000002';
const CHILD = '00000000-0000-4000-8000-000000000001';

let folder: string;
let store: SessionStore;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-snapshot-'));
  store = await openSessions(`embedded-postgres://${folder}/source`, OPTIONS);
  // The child comes first by its id.
  await store.saveDivisions([
    { id: CHILD, name: 'Child, "quoted"\n\\', type: 'city', parentId: PARENT, country: 'CA' },
    { id: PARENT, name: 'Parent', type: 'country', parentId: null, country: 'CA' },
  ]);
  await store.saveCommunities([{ id: PARENT, name: 'Community', divisionId: CHILD }]);
  await count(0, 10);
});
afterAll(async () => {
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

/** One event each of visitors in [first, next), the first of whom signs in. */
async function count(first: number, next: number): Promise<void> {
  const claim = { partition: 0, owner: `owner ${first}` };
  await store.claim(claim);
  await store.applyBatch({
    ranges: [
      { ...claim, firstOffset: first, nextOffset: next, receivedUntil: HOUR + next, logIdentity: LOG },
    ],
    sessions: Array.from({ length: next - first }, (_, n) => ({
      fingerprint: `${first + n}`.padStart(64, '0'),
      firstSeen: HOUR + n,
      lastSeen: HOUR + n,
      pageViews: 1,
      sessionId: `session ${n}`,
      userId: n === 0 ? 'user' : null,
      firstSignedInAt: n === 0 ? HOUR + 1 : null,
      beganAnonymous: true,
    })),
    ledger: [{ hour: HOUR, partition: 0, name: 'accepted', amount: next - first }],
    lastErasure: (await store.erasures.known()).last,
  });
}

async function facts(of: SessionStore) {
  return {
    divisions: await of.divisions(),
    communities: await of.communities(),
    progress: await of.progress(),
    ledger: await of.ledger(0, 2 * HOUR),
    conversions: await of.conversions(0, 2 * HOUR, 'UTC'),
    erasures: await of.erasures.known(),
  };
}

async function* each(rows: string[]): AsyncIterable<string> {
  yield* rows;
}

test('a store that is made of a snapshot has what the store had when it was taken, but for salts', async () => {
  const subjects = { visitors: ['0'.repeat(16)], userId: null };
  const id = '00000000-0000-4000-8000-000000000007';
  await store.erasures.begin({ ...subjects, id, kind: 'visitor', requestedBy: 'test', requestedAt: HOUR });
  await store.visitorSalt('1970-01-01');
  const saved = await store.withSnapshot(async (snapshot) => {
    await count(10, 20);
    await snapshot.take();
    const progress = await snapshot.progress();
    const before = await facts(store);
    await count(20, 30);
    const tables = new Map<string, AsyncIterable<string>>();
    for (const table of await snapshot.tables()) {
      const rows: string[] = [];
      for await (const row of snapshot.rows(table)) rows.push(row);
      tables.set(table, each(rows));
    }
    return { version: await snapshot.version(), tables, progress, before };
  });
  expect([...saved.tables.keys()]).toEqual([
    'anonymous_session',
    'checkpoint',
    'community',
    'division',
    'erasure',
    'last_erasure',
    'ledger',
    'partition_owner',
    'visitor_alias',
  ]);
  expect(saved.progress).toMatchObject([{ partition: 0, nextOffset: 20 }]);

  const url = `embedded-postgres://${folder}/restored`;
  await restoreSessions(url, saved);
  const restored = await openSessions(url, OPTIONS);
  try {
    expect(await facts(restored)).toEqual(saved.before);
    expect(await restored.visitorSalts()).toEqual([]);
    expect(await restored.claim({ partition: 0, owner: 'next' })).toEqual({
      partition: 0,
      firstOffset: 10,
      nextOffset: 20,
      logIdentity: LOG,
    });
    await expect(
      restored.saveCommunities([
        { id: CHILD, name: 'Nowhere', divisionId: '00000000-0000-4000-8000-000000000009' },
      ]),
    ).rejects.toMatchObject({ code: 'invalid' });
  } finally {
    await restored.close();
  }
});

test('rows of an older schema are restored into that, which is then brought up to date', async () => {
  const row = JSON.stringify({
    fingerprint: '1'.repeat(64),
    session_id: 'tab',
    user_id: 'user',
    first_seen: '1970-01-01T01:00:00.123456+00:00',
    last_seen: '1970-01-01T01:30:00+00:00',
    page_views: 7,
    converted_at: '1970-01-01T01:10:00.123456+00:00',
  });
  const url = `embedded-postgres://${folder}/older`;
  await restoreSessions(url, { version: 1, tables: new Map([['anonymous_session', each([row])]]) });
  const restored = await openSessions(url, OPTIONS);
  try {
    expect(await restored.conversions(0, 2 * HOUR, 'UTC')).toMatchObject({
      conversions: 1,
      meanSecondsToConversion: 600,
    });
  } finally {
    await restored.close();
  }
});

test('checkpoints of an older schema are of a log that is not known', async () => {
  const row = JSON.stringify({ partition: 0, first_offset: 10, next_offset: 20, updated_at: '1970-01-01' });
  const url = `embedded-postgres://${folder}/unknown-log`;
  await restoreSessions(url, { version: 8, tables: new Map([['checkpoint', each([row])]]) });
  const restored = await openSessions(url, OPTIONS);
  try {
    const range = { partition: 0, firstOffset: 10, nextOffset: 20, logIdentity: undefined };
    expect(await restored.claim({ partition: 0, owner: 'next' })).toEqual(range);
  } finally {
    await restored.close();
  }
});

test('rows that refer to what is not there are refused', async () => {
  const row = JSON.stringify({ id: PARENT, name: 'Community', division_id: CHILD });
  const tables = new Map([['community', each([row])]]);
  await expect(
    restoreSessions(`embedded-postgres://${folder}/wrong`, { version: 5, tables }),
  ).rejects.toMatchObject({ code: 'invalid' });
});
