import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { MAX_BODY_BYTES } from '../contract/beacon.ts';
import { startTestCollector } from '../ingest/collector.fixture.ts';
import type { Collector } from '../ingest/collector.ts';
import { openLog } from '../kafka/open.ts';
import type { EventLog } from '../kafka/port.ts';
import { openStores, type Stores, startApi, type TestApi } from '../query-api/api.fixture.ts';
import { openLive } from '../redis/open.ts';
import type { LiveStore } from '../redis/port.ts';
import { describeWithNginx, type Edge, startEdge } from './nginx.fixture.ts';

const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0';
const BEACON = { url: 'https://example.org/', fingerprint: 'fingerprint-1' };
/** Requests of an address, beacons a minute and questions an hour. */
const LIMIT = 3;

describeWithNginx('the edge', () => {
  let folder: string;
  let log: EventLog;
  let live: LiveStore;
  let collector: Collector;
  let stores: Stores;
  let api: TestApi;
  let edge: Edge;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'footfall-edge-'));
    log = await openLog(`lmdb://${folder}`, {
      partitions: 1,
      retentionMs: 3_600_000,
      retentionBytes: 1e8,
      maxBytes: 1e9,
    });
    live = await openLive('memory://');
    collector = await startTestCollector({
      log,
      live,
      config: { trustedProxies: ['127.0.0.1'], ingestRateLimit: LIMIT },
    });
    stores = await openStores();
    api = await startApi(stores, { config: { rateLimitAnonymous: LIMIT, corsAllowedOrigins: [] } });
    edge = await startEdge({ ingest: collector.port, 'query-api': Number(new URL(api.url).port) });
  });
  afterAll(async () => {
    await edge?.close();
    await api?.close();
    await stores?.close();
    await collector?.close();
    await live?.close();
    await log?.close();
    await rm(folder, { recursive: true, force: true });
  });

  interface Ask {
    /** Address that the client has. */
    from: string;
    method?: string;
    headers?: Record<string, string>;
    body?: string;
  }

  async function ask(
    url: string,
    { from, body, ...options }: Ask,
  ): Promise<IncomingMessage & { text: string }> {
    const sent = request(url, { ...options, localAddress: from, agent: false });
    sent.end(body);
    const [answer]: IncomingMessage[] = await once(sent, 'response');
    if (answer === undefined) throw new Error('no answer');
    return Object.assign(answer, { text: await text(answer) });
  }

  const send = (from: string, body: string, headers: Record<string, string> = {}) =>
    ask(`${edge.ingest}/e`, {
      from,
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': FIREFOX, ...headers },
      body,
    });

  test('takes beacons, and serves the script and the pixel', async () => {
    const answer = await send('127.0.0.2', JSON.stringify(BEACON));
    expect(answer.statusCode).toBe(202);
    expect(answer.headers['access-control-allow-origin']).toBe('*');
    expect((await ask(`${edge.ingest}/beacon.js`, { from: '127.0.0.2' })).text).toBe('beacon();');
    const pixel = await ask(`${edge.ingest}/pixel.gif?url=/page`, {
      from: '127.0.0.2',
      headers: { 'User-Agent': FIREFOX },
    });
    expect(pixel.headers['content-type']).toBe('image/gif');
  });

  test('says to the collector from which address a beacon comes, whatever its sender says', async () => {
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i <= LIMIT; i += 1) {
      const forged = { 'X-Forwarded-For': `203.0.113.${i}`, 'X-Real-IP': `203.0.113.${i}` };
      statuses.push((await send('127.0.0.3', JSON.stringify(BEACON), forged)).statusCode);
    }
    expect(statuses).toEqual([...Array(LIMIT).fill(202), 429]);
    expect((await send('127.0.0.4', JSON.stringify(BEACON))).statusCode).toBe(202);
  });

  test('says to the query API whose question it is, whatever the client says', async () => {
    const url = `${edge.api}/api/analytics/visitors/`;
    const statuses: (number | undefined)[] = [];
    for (let i = 0; i <= LIMIT; i += 1) {
      const headers = { 'X-Forwarded-For': `203.0.113.${i}` };
      statuses.push((await ask(url, { from: '127.0.0.3', headers })).statusCode);
    }
    expect(statuses).toEqual([...Array(LIMIT).fill(401), 429]);
    expect((await ask(url, { from: '127.0.0.4' })).statusCode).toBe(401);
  });

  test('lets the collector refuse a body that is too large, with its name for that', async () => {
    for (const size of [MAX_BODY_BYTES + 1, 2 * MAX_BODY_BYTES - 1]) {
      const answer = await send('127.0.0.5', 'x'.repeat(size));
      expect(answer.statusCode).toBe(413);
      expect(answer.headers['x-footfall']).toBe('body_too_large');
      expect(JSON.parse(answer.text)).toMatchObject({ error: 'body_too_large' });
    }
    expect((await send('127.0.0.5', 'x'.repeat(4 * MAX_BODY_BYTES))).statusCode).toBe(413);
  });

  test('passes sockets, also those of the page that the API serves itself', async () => {
    const page = await ask(`${edge.api}/`, { from: '127.0.0.6' });
    expect(page.headers['content-type']).toContain('text/html');
    const token = await api.token();
    const address = `${edge.api.replace('http', 'ws')}/ws/analytics/visitors/?token=${token}`;
    for (const options of [{}, { origin: edge.api }]) {
      const socket = new WebSocket(address, options);
      const [message] = await once(socket, 'message');
      expect(JSON.parse(String(message))).toMatchObject({ type: 'visitor_count' });
      socket.close();
      await once(socket, 'close');
    }
    const foreign = new WebSocket(address, { origin: 'https://elsewhere.example' });
    foreign.on('error', () => {});
    const [, refusal] = await once(foreign, 'unexpected-response');
    expect(refusal.statusCode).toBe(403);
  });

  test('answers its own health check, and shows nothing that is for operators', async () => {
    for (const origin of [edge.ingest, edge.api]) {
      expect((await ask(`${origin}/healthz`, { from: '127.0.0.7' })).statusCode).toBe(200);
      for (const path of [
        '/metrics',
        '/metrics/',
        '//metrics',
        '/%6detrics',
        '/readyz',
        '/readyz?x',
        '/readyz/',
      ]) {
        const answer = await ask(origin + path, { from: '127.0.0.7' });
        expect([path, answer.statusCode]).toEqual([path, 404]);
      }
    }
  });
});
