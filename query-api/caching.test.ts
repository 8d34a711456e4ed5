import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { calendar } from '../contract/reporting-day.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';
import { randomEvents } from './events.fixture.ts';

let clock = Date.parse('2025-03-15T23:59:50Z');
const EVENTS = randomEvents(7, { count: 200, days: 40, until: clock, calendar: calendar('UTC') });
const CLOSED = 'visitors/?start_date=2025-02-20&end_date=2025-03-14';

let stores: Stores;
let api: TestApi;
beforeAll(async () => {
  stores = await openStores(EVENTS);
  api = await startApi(stores, { now: () => clock });
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  await api.close();
  await stores.close();
});

describe('a result', () => {
  it('is not sent again to a client that has it', async () => {
    const first = await api.get('trends/');
    const tag = first.headers.get('ETag') ?? '';
    expect(first.headers.get('Cache-Control')).toBe('private, no-cache');
    const headers = { 'If-None-Match': `"other", W/${tag}`, Origin: 'https://admin.example' };
    const again = await api.get('trends/', headers);
    expect(again.status).toBe(304);
    expect(again.headers.get('ETag')).toBe(tag);
    expect(again.headers.get('Access-Control-Allow-Origin')).toBe('https://admin.example');
    expect(await again.text()).toBe('');
    expect((await api.get('trends/?interval=week', headers)).status).toBe(200);
  });

  it('of a closed range is computed once until the day turns', async () => {
    const read = vi.spyOn(stores.analytics, 'read');
    const first = await (await api.get(CLOSED)).text();
    expect(await (await api.get(CLOSED)).text()).toBe(first);
    expect(read).toHaveBeenCalledTimes(1);
    clock += 20_000;
    expect(await (await api.get(CLOSED)).text()).toBe(first);
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('of a closed range is computed again after a minute, since late events may have changed it', async () => {
    await api.get(CLOSED);
    const read = vi.spyOn(stores.analytics, 'read');
    clock += 61_000;
    await api.get(CLOSED);
    expect(read).toHaveBeenCalledTimes(1);
  });

  it('of a range that holds today is computed every time', async () => {
    const read = vi.spyOn(stores.analytics, 'read');
    for (const path of ['visitors/', 'visitors/?end_date=2025-03-16', 'growth/']) {
      await api.get(path);
      const before = read.mock.calls.length;
      await api.get(path);
      expect(read.mock.calls.length, path).toBeGreaterThan(before);
    }
  });
});
