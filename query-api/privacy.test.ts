import { randomUUID } from 'node:crypto';
import Type, { type Static } from 'typebox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EventRow, NIL_UUID } from '../clickhouse/port.ts';
import { ErasureReceipt, Erasures, PersonExport } from '../contract/privacy.ts';
import { calendar } from '../contract/reporting-day.ts';
import { idHash, visitorHash, visitorNumber } from '../contract/visitor.ts';
import type { SessionDelta } from '../postgres/port.ts';
import { openStores, SECRET, type Stores, startApi, type TestApi } from './api.fixture.ts';
import { randomEvents } from './events.fixture.ts';

const AT = Date.UTC(2026, 2, 10, 12);
const NOW = AT + 3_600_000;
const FINGERPRINT = 'fingerprint-of-somebody';
const HASH = visitorHash(FINGERPRINT, SECRET);
const OTHER = visitorHash('fingerprint-of-another', SECRET);
const USER = 'ann/é "x"';
const MANY = 5_001;

const [TEMPLATE] = randomEvents(1, { count: 1, days: 1, until: AT, calendar: calendar('UTC') });

function row(offset: number, fields: Partial<EventRow>): EventRow {
  if (TEMPLATE === undefined) throw new Error('no event to begin with');
  return {
    ...TEMPLATE,
    ...{
      log_offset: offset,
      received_at: AT,
      happened_at: AT,
      user_id: '',
      event_id: NIL_UUID,
      day: '2026-03-10',
    },
    ...fields,
  };
}

function session(fingerprint: string, userId: string | null): SessionDelta {
  return {
    ...{ fingerprint, userId, firstSeen: AT, lastSeen: AT, pageViews: 2, sessionId: 'tab' },
    ...{ firstSignedInAt: userId === null ? null : AT, beganAnonymous: true },
  };
}

let stores: Stores;
let api: TestApi;
beforeAll(async () => {
  const visitor = visitorNumber(HASH);
  stores = await openStores([
    ...Array.from({ length: MANY }, (_, n) =>
      row(n, { visitor, url: `/page/${n}`, title: n === 0 ? 'Ünïcode "title"' : '' }),
    ),
    row(MANY, { visitor, user_id: USER, url: '/account' }),
    row(MANY + 1, { visitor: visitorNumber(OTHER), url: '/other' }),
  ]);
  const { sessions } = stores;
  await sessions.claim({ partition: 0, owner: 'test' });
  await sessions.applyBatch({
    ranges: [{ partition: 0, owner: 'test', firstOffset: 0, nextOffset: MANY + 2, receivedUntil: AT }],
    sessions: [session(HASH, USER), session(OTHER, null)],
    ledger: [],
    lastErasure: 0,
  });
  api = await startApi(stores, { now: () => NOW });
});
afterAll(async () => {
  await api.close();
  await stores.close();
});

async function remove(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const Authorization = `Bearer ${await api.token()}`;
  return fetch(`${api.url}/api/analytics/${path}`, {
    method: 'DELETE',
    headers: { Authorization, ...headers },
  });
}

const Events = Type.Object({ events: Type.Array(Type.Record(Type.String(), Type.String())) });
const eventsOf = ({ events }: Static<typeof Events>) => events;

describe("a person's data", () => {
  it.each([
    ['the fingerprint of a visitor', `privacy/visitors/${FINGERPRINT}/export`],
    ['the hash of it', `privacy/visitors/${HASH}/export`],
    [
      'a user, with what their visitors did before they were signed in',
      `privacy/users/${encodeURIComponent(USER)}/export`,
    ],
  ])('is found by %s', async (_, path) => {
    const response = await api.get(path);
    expect(response.headers.get('Content-Disposition')).toContain('attachment');
    expect(response.headers.get('Cache-Control')).toContain('no-store');
    const data = await api.json(PersonExport, path);
    expect(data.sessions).toEqual([
      {
        fingerprint: HASH,
        session_id: 'tab',
        user_id: USER,
        page_views: 2,
        first_seen: new Date(AT).toISOString(),
        last_seen: new Date(AT).toISOString(),
        converted_at: new Date(AT).toISOString(),
      },
    ]);
    const events = eventsOf(await api.json(Events, path));
    expect(events.map(({ url }) => url)).toEqual([
      ...Array.from({ length: MANY }, (_, n) => `/page/${n}`),
      '/account',
    ]);
    expect(events[0]).toMatchObject({ title: 'Ünïcode "title"', happened_at: new Date(AT).toISOString() });
    expect(events[1]).not.toHaveProperty('title');
    expect(events[0]).not.toHaveProperty('event_id');
    expect(events.at(-1)).toMatchObject({ user_id: USER, visitor: HASH.slice(0, 16) });
  });

  it('is empty of somebody who is not known', async () => {
    expect(await api.json(PersonExport, 'privacy/users/nobody/export')).toMatchObject({
      sessions: [],
      events: [],
    });
  });
});

describe('an erasure', () => {
  it.each([
    ['visitors/short', 'fingerprint', 'minLength'],
    [`visitors/${'f'.repeat(129)}`, 'fingerprint', 'maxLength'],
    [`users/${'u'.repeat(65)}`, 'id', 'maxLength'],
    ['users/a%00b', 'id', 'pattern'],
  ])('of %s is refused, and the field is named', async (path, field, rule) => {
    const response = await remove(`privacy/${path}`);
    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ field, rule })]);
  });

  it('takes the sessions away at once, and can be asked for until all is done', async () => {
    const answer = await remove(`privacy/visitors/${encodeURIComponent(FINGERPRINT)}`);
    expect(answer.status).toBe(202);
    const begun: unknown = await answer.json();
    const expected = {
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      kind: 'visitor',
      requested_by: 'admin',
      requested_at: new Date(NOW).toISOString(),
      completed_at: null,
      removed: null,
    };
    expect(begun).toEqual(expected);
    const { sessions } = await api.json(PersonExport, `privacy/visitors/${FINGERPRINT}/export`);
    expect(sessions).toEqual([]);
    const [latest] = await api.json(Erasures, 'privacy/erasures/');
    expect(latest).toEqual(begun);
    const { id = '' } = latest ?? {};
    expect(await api.json(ErasureReceipt, `privacy/erasures/${id}`)).toEqual(begun);

    await stores.sessions.erasures.complete(id, { sessions: 1, raw_events: MANY + 1 }, NOW + 1_000);
    expect(await api.json(ErasureReceipt, `privacy/erasures/${id}`)).toEqual({
      ...expected,
      id,
      completed_at: new Date(NOW + 1_000).toISOString(),
      removed: { sessions: 1, raw_events: MANY + 1 },
    });
  });

  it('may be repeated, and of a user knows the visitors that only raw still has', async () => {
    const answer = await remove(`privacy/users/${encodeURIComponent(USER)}`);
    expect(answer.status).toBe(202);
    const { erased } = await stores.sessions.erasures.known();
    expect(erased.at(-1)).toMatchObject({ visitors: [HASH.slice(0, 16)], userId: USER });
    expect((await remove(`privacy/users/${encodeURIComponent(USER)}`)).status).toBe(202);
  });

  it('that is not known is not found, and an id that is none is refused', async () => {
    expect((await api.get(`privacy/erasures/${randomUUID()}`)).status).toBe(404);
    expect((await api.get('privacy/erasures/1')).status).toBe(400);
  });

  it('may be asked for by pages of allowed origins alone', async () => {
    const preflight = (Origin: string) =>
      fetch(`${api.url}/api/analytics/privacy/users/x`, {
        method: 'OPTIONS',
        headers: {
          Origin,
          'Access-Control-Request-Method': 'DELETE',
          'Access-Control-Request-Headers': 'Authorization',
        },
      });
    const allowed = await preflight('https://admin.example');
    expect(allowed.headers.get('Access-Control-Allow-Methods')).toContain('DELETE');
    expect((await preflight('https://evil.example')).headers.get('Access-Control-Allow-Origin')).toBeNull();
  });
});

describe('where salts are daily', () => {
  it('a visitor and a user are found under the salts that are not destroyed', async () => {
    const salt = await stores.sessions.visitorSalt('2026-03-10');
    const other = await stores.sessions.visitorSalt('2026-03-09');
    const today = visitorHash(FINGERPRINT, salt);
    await stores.analytics.insert([
      row(10_000, { visitor: visitorNumber(today), url: '/today', user_id: idHash('ann', salt) }),
      row(10_001, { visitor: visitorNumber(visitorHash(FINGERPRINT, other)), url: '/yesterday' }),
    ]);
    const daily = await startApi(stores, { now: () => NOW, config: { visitorSalt: 'daily' } });
    const urls = async (path: string) =>
      eventsOf(await daily.json(Events, path))
        .map(({ url = '' }) => url)
        .sort();
    expect(await urls(`privacy/visitors/${FINGERPRINT}/export`)).toEqual(['/today', '/yesterday']);
    expect(await urls('privacy/users/ann/export')).toEqual(['/today']);
    await stores.sessions.destroySaltsBefore('2026-03-10');
    expect(await urls(`privacy/visitors/${FINGERPRINT}/export`)).toEqual(['/today']);
    await daily.close();
  });
});
