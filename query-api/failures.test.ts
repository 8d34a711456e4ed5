import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { AnalyticsStoreError } from '../clickhouse/port.ts';
import { recordingLogger } from '../logger.fixture.ts';
import { SessionStoreError } from '../postgres/port.ts';
import { LiveStoreError } from '../redis/port.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';

let stores: Stores;
let api: TestApi;
beforeAll(async () => {
  stores = await openStores();
  api = await startApi(stores, { config: { rateLimitUser: 100_000 } });
});
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  await api.close();
  await stores.close();
});

async function expectUnavailable(path: string) {
  const response = await api.get(path);
  expect(response.status, path).toBe(503);
  expect(response.headers.get('Retry-After')).toBe('5');
  const message = 'a store does not answer at the moment';
  expect(await response.json()).toEqual({ error: 'unavailable', message });
}

describe('a store that is down', () => {
  it('is 503 and when to come back: the analytics store', async () => {
    vi.spyOn(stores.analytics, 'read').mockRejectedValue(
      new AnalyticsStoreError('unavailable', 'connection refused'),
    );
    for (const path of [
      'visitors/',
      'trends/',
      'demographics/',
      'growth/',
      'pages/',
      'export/',
      'export/?format=arrow',
    ]) {
      await expectUnavailable(path);
    }
  });

  it('is 503 and when to come back: the session store', async () => {
    vi.spyOn(stores.sessions, 'conversions').mockRejectedValue(
      new SessionStoreError('unavailable', 'no connection'),
    );
    vi.spyOn(stores.sessions, 'divisions').mockRejectedValue(
      new SessionStoreError('unavailable', 'no connection'),
    );
    await expectUnavailable('conversions/');
    await expectUnavailable('division-breakdown/');
  });

  it('is 503 where only the live store knows', async () => {
    vi.spyOn(api.live, 'online').mockRejectedValue(new LiveStoreError('unavailable', 'connection refused'));
    await expectUnavailable('realtime/');
  });

  it('does not stop requests that can do without: neither limits nor cache', async () => {
    const down = new LiveStoreError('unavailable', 'connection refused');
    vi.spyOn(api.live, 'take').mockRejectedValue(down);
    vi.spyOn(api.live, 'cached').mockRejectedValue(down);
    vi.spyOn(api.live, 'cache').mockRejectedValue(down);
    expect((await api.get('visitors/?end_date=2025-01-01')).status).toBe(200);
    const metrics = await api.registry.metrics();
    expect(metrics).toContain('footfall_api_live_store_failures_total{use="rate_limit"} 1');
    expect(metrics).toContain('footfall_api_live_store_failures_total{use="cache"} 2');
  });
});

describe('a fault of our own', () => {
  it('is 500 with a request id, and no trace of what happened', async () => {
    vi.spyOn(stores.analytics, 'read').mockRejectedValue(
      new AnalyticsStoreError('failed', 'Unknown table secret_table'),
    );
    const response = await api.get('visitors/');
    expect(response.status).toBe(500);
    const id = response.headers.get('X-Request-Id') ?? 'none';
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ error: 'internal', message: expect.stringContaining(id) });
    expect(text).not.toMatch(/secret_table|at .+:\d+/);
  });

  it('has a line in the log under the id that the client got, at the level of its consequence', async () => {
    const { logger, lines } = recordingLogger();
    const other = await startApi(stores, { log: logger });
    const ask = async (path: string, headers: Record<string, string> = {}) => {
      const { status, headers: got } = await other.get(path, headers);
      const id = got.get('X-Request-Id');
      const found = lines.filter(({ requestId }) => requestId === id);
      return [status, ...found.map(({ level, msg }) => `${level}: ${msg}`)];
    };
    const answered = 'debug: a request was answered';
    expect(await ask('settings/')).toEqual([200, answered]);
    expect(await ask('visitors/?start_date=never')).toEqual([400, 'debug: a request was refused', answered]);
    expect(await ask('nothing/')).toEqual([404, 'debug: a request was refused']);
    expect(await ask('visitors/', { Authorization: 'Bearer x' })).toEqual([
      401,
      'debug: a request was refused',
      answered,
    ]);
    const read = vi.spyOn(stores.analytics, 'read');
    read.mockRejectedValueOnce(new AnalyticsStoreError('unavailable', 'connection refused'));
    expect(await ask('visitors/today/')).toEqual([503, 'warn: a store does not answer', answered]);
    read.mockRejectedValueOnce(new TypeError('a bug of the test'));
    expect(await ask('visitors/today/')).toEqual([500, 'error: a request failed', answered]);
    // Of a proxy, or of a client that looks for its own request.
    const named = await other.get('settings/', { 'X-Request-Id': 'of-the-proxy-1' });
    expect(named.headers.get('X-Request-Id')).toBe('of-the-proxy-1');
    expect(lines.at(-1)).toMatchObject({ requestId: 'of-the-proxy-1', endpoint: 'settings/', status: 200 });
    const rude = await other.get('settings/', { 'X-Request-Id': '{"forged": 1}' });
    expect(rude.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
    const socket = await fetch(`${other.url}/ws/analytics/visitors/`);
    expect(socket.headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/);
    await other.close();
  });

  it('breaks off an export that has begun, so that nobody takes half for all', async () => {
    const read = stores.analytics.read.bind(stores.analytics);
    vi.spyOn(stores.analytics, 'read')
      .mockImplementationOnce(read)
      .mockRejectedValue(new AnalyticsStoreError('unavailable', 'connection refused'));
    // Where the HTTP adapter reports it.
    const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
    const download = api
      .get('export/?start_date=2022-01-01&end_date=2024-12-31')
      .then((response) => response.text());
    await expect(download).rejects.toThrow();
    expect(reported).toHaveBeenCalled();
  });
});
