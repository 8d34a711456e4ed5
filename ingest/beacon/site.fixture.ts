/**
 * A site whose pages load the beacon from a real collector of another origin: what its log has is what was taken. Between them
 * stands a door that shows what was sent, and does what networks and overloaded servers do.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { Registry } from 'prom-client';
import type { Beacon } from '../../contract/beacon.ts';
import type { Event } from '../../contract/event.ts';
import { openLog } from '../../kafka/open.ts';
import { openLive } from '../../redis/open.ts';
import { type Collector, startCollector } from '../collector.ts';
import { bundleBeacon } from './bundle.ts';

/** An answer in place of the collector's; or its answer is lost on the way back; or none ever comes. */
type Fault = { status: number; headers?: Record<string, string> } | 'lost' | 'hang';

interface Sent {
  beacon: Beacon;
  /** Of the request: how many beacons it had, and how it came. */
  together: number;
  contentType: string | undefined;
  cookie: string | undefined;
  /** What it was answered, undefined where no answer came. */
  status: number | undefined;
}

export interface TestSite {
  /** Origin of the pages. */
  origin: string;
  /** Origin of the collector, as the pages see it. */
  collector: string;
  /** `data-` attributes of the script on the pages. */
  attributes: string;
  /** Stands in the head, before the script. */
  head: string;
  /** In place of the script. */
  script: string | undefined;
  /** Headers of the pages. */
  headers: Record<string, string>;
  /** What the next requests with beacons get. */
  faults: Fault[];
  /** Every beacon that came to the door, in order. */
  sent: Sent[];
  /** Methods of all requests to the collector. */
  methods: string[];
  /** Of those sent and answered 202, each once, in order. */
  of(type: Beacon['type']): Beacon[];
  /** What the collector's log has of what was sent, in order. */
  readonly events: Event[];
  /** The collector's process ends; nobody listens. */
  stopCollector(): Promise<void>;
  startCollector(respectDnt?: boolean): Promise<void>;
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Of an application that works offline: what was got once is not asked for again. */
const WORKER = `
  addEventListener('install', () => skipWaiting());
  addEventListener('activate', (event) => event.waitUntil(clients.claim()));
  addEventListener('fetch', (event) => {
    if (event.request.method !== 'GET') return;
    event.respondWith(caches.open('site').then(async (cache) => {
      const known = await cache.match(event.request);
      if (known) return known;
      const got = await fetch(event.request);
      await cache.put(event.request, got.clone());
      return got;
    }));
  });`;

const READABLE = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'Retry-After' };

export async function openTestSite(): Promise<TestSite> {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-site-'));
  const log = await openLog(`lmdb://${folder}`, {
    partitions: 1,
    retentionMs: 3_600_000,
    retentionBytes: 1e8,
    maxBytes: 1e9,
  });
  const live = await openLive('memory://');
  let collector: Collector | undefined;
  let respects = true;
  const logged: Event[] = [];
  /** Sessions of tests before: browsers send the leave of a page that was closed whenever they like. */
  const past = new Set<string | undefined>();

  const door = createServer((request, response) => {
    pass(request, response).catch(() => response.destroy());
  });
  const pages = createServer((request, response) => {
    if (request.url === '/worker.js') {
      response.writeHead(200, { 'Content-Type': 'text/javascript' }).end(WORKER);
      return;
    }
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', ...site.headers });
    if (request.url === '/without-storage') {
      response.end('<iframe sandbox="allow-scripts" src="/framed"></iframe>');
      return;
    }
    response.end(`<!doctype html><title>Page ${request.url}</title>${site.head}
      ${site.script ?? `<script src="${site.collector}/beacon.js" defer ${site.attributes}></script>`}
      <p>Text</p><a href="/next">next</a>`);
  });

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    site.methods.push(request.method ?? '');
    const body = await bodyOf(request);
    if (collector === undefined) throw new Error('nobody listens');
    const beacons: Beacon[] = body === '' ? [] : [JSON.parse(body)].flat();
    const sent = beacons.map(
      (beacon): Sent => ({
        beacon,
        together: beacons.length,
        contentType: request.headers['content-type'],
        cookie: request.headers.cookie,
        status: undefined,
      }),
    );
    const isNow = sent.some(({ beacon }) => !past.has(beacon.session_id));
    if (isNow) site.sent.push(...sent);
    const fault = isNow ? site.faults.shift() : undefined;
    if (fault === 'hang') return;
    const answer =
      fault === undefined || fault === 'lost' ? await ask(collector.port, request, body) : undefined;
    if (fault === 'lost') throw new Error('the answer is lost');
    const status = answer?.status ?? (typeof fault === 'object' ? fault.status : 500);
    for (const one of sent) one.status = status;
    const headers = typeof fault === 'object' ? { ...READABLE, ...fault.headers } : headersOf(answer);
    response.writeHead(status, headers).end(answer && Buffer.from(await answer.arrayBuffer()));
  }

  const site: TestSite = {
    origin: await listen(pages),
    collector: await listen(door),
    attributes: '',
    head: '',
    script: undefined,
    headers: {},
    faults: [],
    sent: [],
    methods: [],
    of: (type) => {
      const taken = site.sent.filter(({ beacon, status }) => beacon.type === type && status === 202);
      return [...new Map(taken.map(({ beacon }) => [beacon.event_id, beacon])).values()];
    },
    get events() {
      const ids = new Set(site.sent.map(({ beacon }) => beacon.event_id));
      return logged.filter(({ event_id }) => ids.has(event_id));
    },
    async stopCollector() {
      await collector?.close();
      collector = undefined;
    },
    async startCollector(respectDnt = true) {
      respects = respectDnt;
      collector = await startCollector({
        config: { host: '127.0.0.1', ingestPort: 0, trustedProxies: [], respectDnt, ingestRateLimit: 0 },
        log,
        live,
        fingerprintSecret: 'a secret of the test',
        script: await bundleBeacon(respectDnt),
        metrics: new Registry(),
        logger: pino({ level: 'silent' }),
      });
    },
    async reset() {
      for (const { beacon } of site.sent) past.add(beacon.session_id);
      Object.assign(site, { attributes: '', head: '', script: undefined, headers: {} });
      for (const list of [site.sent, site.methods, site.faults, logged]) list.length = 0;
      if (collector !== undefined && respects) return;
      await site.stopCollector();
      await site.startCollector();
    },
    async close() {
      await subscription.close();
      await Promise.all([close(pages), close(door)]);
      await site.stopCollector();
      await log.close();
      await live.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
  const subscription = await log.subscribe('test', {
    assigned: async (_partition, committed) => committed,
    async batch({ frames }) {
      for (const { body } of frames) {
        for (const line of body.toString().trimEnd().split('\n')) {
          const event: Event | { dropped: unknown } = JSON.parse(line);
          if (!('dropped' in event)) logged.push(event);
        }
      }
    },
    revoked() {},
  });
  await site.startCollector();
  return site;
}

function ask(port: number, request: IncomingMessage, body: string): Promise<Response> {
  const headers = new Headers();
  for (const name of [
    'content-type',
    'user-agent',
    'dnt',
    'sec-gpc',
    'sec-purpose',
    'access-control-request-method',
  ]) {
    const value = request.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  return fetch(`http://127.0.0.1:${port}${request.url}`, {
    method: request.method ?? 'GET',
    headers,
    ...(body === '' ? {} : { body }),
  });
}

/** It was decompressed on the way. */
function headersOf(answer: Response | undefined): Record<string, string> {
  const headers = Object.fromEntries(answer?.headers ?? []);
  for (const name of [
    'content-encoding',
    'content-length',
    'transfer-encoding',
    'connection',
    'keep-alive',
  ]) {
    delete headers[name];
  }
  return headers;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
