import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { Hono } from 'hono';
import pino from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Event } from '../../contract/event.ts';
import { openLog } from '../../kafka/open.ts';
import type { EventLog } from '../../kafka/port.ts';
import { openLive } from '../../redis/open.ts';
import type { LiveStore } from '../../redis/port.ts';
import { type Collector, startCollector } from '../collector.ts';
import type { Tracker, TrackerOptions } from './public.ts';
import { createTracker } from './tracker.ts';

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';
const COMMUNITY = '6f1b7a52-4a5e-4c1e-9a51-0f8b5a1d2c3e';
const DIVISION = '0c3d5c3a-6a70-4b5d-8d7b-3b8f3a3f4f10';
const PAGE = '<!doctype html><p>a page</p>';
const SECRET = 'a secret of the application';

type Listener = Parameters<typeof createServer>[1];
/** Real applications: `/page` is a page, everything else is not. */
const applications: Record<string, (tracker: Tracker) => Listener> = {
  Hono(tracker) {
    const app = new Hono();
    app.use(
      tracker.hono({
        user: (context) => context.req.header('x-user'),
        community: () => COMMUNITY,
        division: () => DIVISION,
      }),
    );
    app.all('/page', (context) => context.html(PAGE));
    app.get('/json', (context) => context.json({}));
    app.get('/moved', (context) => context.redirect('/page'));
    app.get('/broken', () => {
      throw new Error('of the application');
    });
    app.onError((_error, context) => context.html(PAGE, 500));
    return getRequestListener(app.fetch);
  },
  Express(tracker) {
    const app = express();
    app.use(
      tracker.express({
        user: (request) => [request.headers['x-user']].flat()[0],
        community: () => COMMUNITY,
        division: () => DIVISION,
      }),
    );
    app.all('/page', (_request, response) => void response.type('html').send(PAGE));
    app.get('/json', (_request, response) => void response.json({}));
    app.get('/moved', (_request, response) => response.redirect('/page'));
    app.get('/broken', (_request, response) => void response.status(500).type('html').send(PAGE));
    return app;
  },
  'a fetch handler'(tracker) {
    const pages: Record<string, () => Response> = {
      '/page': () => new Response(PAGE, { headers: { 'Content-Type': 'text/html; charset=utf-8' } }),
      '/json': () => Response.json({}),
      '/moved': () => new Response(null, { status: 302, headers: { Location: '/page' } }),
      '/broken': () => new Response(PAGE, { status: 500, headers: { 'Content-Type': 'text/html' } }),
    };
    const missing = () => new Response('nothing', { status: 404, headers: { 'Content-Type': 'text/html' } });
    return getRequestListener(
      tracker.wrap(
        (request: Request, _bindings: unknown) => (pages[new URL(request.url).pathname] ?? missing)(),
        {
          user: (request) => request.headers.get('x-user'),
          community: () => COMMUNITY,
          division: () => DIVISION,
        },
      ),
    );
  },
};

let folder: string;
let log: EventLog;
let live: LiveStore;
let collector: Collector;
let metrics: Registry;
let events: Event[];
let subscription: { close(): Promise<void> };
let server: Server;
let tracker: Tracker;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-tracker-'));
  log = await openLog(`lmdb://${folder}`, {
    partitions: 2,
    retentionMs: 3_600_000,
    retentionBytes: 1e8,
    maxBytes: 1e9,
  });
  live = await openLive('memory://');
  metrics = new Registry();
  events = [];
  collector = await startCollector({
    config: {
      host: '127.0.0.1',
      ingestPort: 0,
      trustedProxies: ['127.0.0.1'],
      respectDnt: true,
      ingestRateLimit: 0,
    },
    log,
    live,
    fingerprintSecret: 'a secret of the test',
    script: { code: '', etag: '"1"' },
    metrics,
    logger: pino({ level: 'silent' }),
  });
  subscription = await log.subscribe('test', {
    assigned: async (_partition, committed) => committed,
    async batch({ frames }) {
      const lines = frames.flatMap(({ body }) => body.toString().trimEnd().split('\n'));
      events.push(...lines.map((line) => JSON.parse(line)).filter((line) => !('dropped' in line)));
    },
    revoked() {},
  });
});
beforeEach(() => {
  events.length = 0;
});
afterEach(async () => {
  await tracker.close(0);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});
afterAll(async () => {
  await subscription.close();
  await collector.close();
  await log.close();
  await live.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(
  application: (tracker: Tracker) => Listener,
  options: Partial<TrackerOptions> = {},
): Promise<void> {
  tracker = createTracker({
    collector: `http://127.0.0.1:${collector.port}`,
    secret: SECRET,
    trustedProxies: ['127.0.0.1'],
    ...options,
  });
  server = createServer(application(tracker));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Response> {
  return fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
    method,
    redirect: 'manual',
    headers: { 'User-Agent': CHROME, 'X-Forwarded-For': '24.48.0.1', ...headers },
  });
}

const sent = (views: number) =>
  vi.waitFor(() => expect(tracker.stats()).toMatchObject({ sent: views, waiting: 0 }));
const counted = (views: number) => vi.waitFor(() => expect(events).toHaveLength(views));

describe.each(Object.entries(applications))('the tracker in %s', (_name, application) => {
  test('tells of a page view in the name of the visitor, with who is here and where', async () => {
    await serve(application);
    const answer = await get('/page?utm_source=mail&private=1', {
      'Accept-Language': 'fr-CA,fr;q=0.9',
      Referer: 'https://search.example/find?q=private',
      'X-User': 'user-1',
    });
    expect([answer.status, await answer.text()]).toEqual([200, PAGE]);
    await counted(1);
    expect(events[0]).toMatchObject({
      type: 'page_view',
      url: '/page?utm_source=mail',
      user_id: 'user-1',
      community_id: COMMUNITY,
      division_id: DIVISION,
      referrer: 'https://search.example/find',
      language: 'fr-CA',
      country: 'CA',
      browser: 'Chrome',
      os: 'Linux',
    });
    expect(events[0]).not.toHaveProperty('title');
    expect(JSON.stringify(events)).not.toContain('24.48.0.1');
  });

  test('knows a visitor again, by address, browser and languages', async () => {
    await serve(application);
    for (const headers of [
      {},
      {},
      { 'User-Agent': CHROME.replace('138', '139') },
      { 'X-Forwarded-For': '24.48.0.2' },
      { 'Accept-Language': 'de-DE' },
    ]) {
      await (await get('/page', headers)).text();
    }
    await counted(5);
    expect(new Set(events.map(({ visitor }) => visitor)).size).toBe(4);
    expect(new Set(events.map(({ event_id }) => event_id)).size).toBe(5);
  });

  test('tells of pages only: of no other method, answer, or kind', async () => {
    await serve(application);
    for (const path of ['/json', '/moved', '/broken', '/missing']) await (await get(path)).text();
    await (await get('/page', {}, 'POST')).text();
    await (await get('/page', {}, 'HEAD')).text();
    await (await get('/page')).text();
    await counted(1);
    await sent(1);
  });

  test.each([
    ['DNT', '1', 'do_not_track'],
    ['Sec-GPC', '1', 'global_privacy_control'],
    ['Sec-Purpose', 'prefetch', 'prefetch'],
    ['User-Agent', 'Googlebot/2.1 (+http://www.google.com/bot.html)', 'bot'],
  ])('passes %s on, and the collector drops the view by its name', async (header, value, reason) => {
    await serve(application);
    const dropped = async () => {
      const text = await metrics.metrics();
      return Number(text.match(`footfall_beacons_dropped_total{reason="${reason}"} (\\d+)`)?.[1]);
    };
    const before = await dropped();
    await (await get('/page', { [header]: value })).text();
    await sent(1);
    expect(await dropped()).toBe(before + 1);
    expect(events).toEqual([]);
  });

  test.each(['hangs', 'refuses', 'answers 503', 'is absent', 'cuts'])(
    'never delays or breaks an answer while the collector %s',
    async (how) => {
      const bad = createServer((request, response) => {
        request.resume();
        if (how === 'refuses') response.writeHead(400).end('{}');
        if (how === 'answers 503') response.writeHead(503, { 'Retry-After': '1' }).end();
        if (how === 'cuts') response.destroy();
      });
      await new Promise<void>((resolve) => bad.listen(0, '127.0.0.1', resolve));
      const { port } = bad.address() as AddressInfo;
      const close = () =>
        new Promise((resolve) => {
          bad.closeAllConnections();
          bad.close(resolve);
        });
      if (how === 'is absent') await close();
      await serve(application, {
        collector: `http://127.0.0.1:${port}`,
        maxWaiting: 3,
        maxAttempts: 2,
        // Whoever waited for the collector would wait for this.
        timeoutMs: 1_000_000,
      });
      for (let n = 0; n < 20; n++) {
        const answer = await get('/page');
        expect([answer.status, await answer.text()]).toEqual([200, PAGE]);
      }
      const lost = how === 'refuses' ? 'refused' : 'queue_full';
      await vi.waitFor(() => expect(tracker.stats().dropped[lost]).toBeGreaterThan(0));
      const { waiting, dropped } = tracker.stats();
      expect(waiting).toBeLessThanOrEqual(3);
      expect(waiting + Object.values(dropped).reduce((sum, count) => sum + count)).toBe(20);
      await tracker.close(0);
      if (how !== 'is absent') await close();
    },
  );
});

test('functions of the application that throw break nothing, and are counted', async () => {
  const throws = () => {
    throw new Error('of the application');
  };
  await serve((made) => {
    const app = new Hono();
    app.use(made.hono({ user: throws }));
    app.get('/page', (context) => context.html(PAGE));
    return getRequestListener(app.fetch);
  });
  expect(await (await get('/page')).text()).toBe(PAGE);
  await vi.waitFor(() => expect(tracker.stats().dropped.unreadable).toBe(1));
});

test('errors of the application stay what they are', async () => {
  await serve((made) =>
    getRequestListener(
      made.wrap(() => {
        throw new Error('of the application');
      }),
      { errorHandler: (error) => new Response(String(error), { status: 500 }) },
    ),
  );
  expect(await (await get('/page')).text()).toBe('Error: of the application');
  expect(tracker.stats()).toMatchObject({ sent: 0, waiting: 0 });
});

test('an application may make fingerprints of its own', async () => {
  await serve(applications.Hono ?? (() => undefined), {
    fingerprint: (request) => `${request.header('x-device')} ${request.address}`,
  });
  await (await get('/page', { 'X-Device': 'device-1' })).text();
  await (await get('/page', { 'X-Device': 'device-1', 'Accept-Language': 'de-DE' })).text();
  await counted(2);
  expect(new Set(events.map(({ visitor }) => visitor)).size).toBe(1);
});

test('X-Forwarded-For of somebody who is no trusted proxy is not believed', async () => {
  await serve(applications.Express ?? (() => undefined), { trustedProxies: [] });
  await (await get('/page')).text();
  await (await get('/page', { 'X-Forwarded-For': '24.48.0.2' })).text();
  await counted(2);
  expect(new Set(events.map(({ visitor }) => visitor)).size).toBe(1);
});

test.each([
  [{ secret: 'short' }, 'secret'],
  [{ collector: 'collector.example.org' }, 'collector'],
  [{ maxWaiting: 0 }, 'maxWaiting'],
  [{ maxAttempts: Number.NaN }, 'maxAttempts'],
  [{ trustedProxies: ['nowhere'] }, 'nowhere'],
])('%j is refused at the start, by its name', (options, name) => {
  expect(() => createTracker({ collector: 'https://c.example', secret: SECRET, ...options })).toThrow(name);
});
