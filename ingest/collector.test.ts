import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pino from 'pino';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Event } from '../contract/event.ts';
import { DROP_REASONS, REJECT_STATUS } from '../contract/outcome.ts';
import type { VisitorKeys } from '../contract/visitor-key.ts';
import { openLog } from '../kafka/open.ts';
import { type EventLog, LogError } from '../kafka/port.ts';
import { openLive } from '../redis/open.ts';
import { type LiveStore, LiveStoreError } from '../redis/port.ts';
import { NO_TIME, startTestCollector } from './collector.fixture.ts';
import type { Collector, CollectorOptions } from './collector.ts';
import { REST_MS } from './crumbs.ts';

const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';
const BEACON = {
  url: 'https://example.org/page?utm_source=mail&secret=1#part',
  fingerprint: 'fingerprint-1',
};
/** For a second piece of work in a turn. */
const UUID = '01234567-89ab-4def-8123-456789abcdef';

let folder: string;
let log: EventLog;
let live: LiveStore;
let collector: Collector;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-collector-'));
  log = await openLog(`lmdb://${folder}`, {
    partitions: 4,
    retentionMs: 3_600_000,
    retentionBytes: 1e8,
    maxBytes: 1e9,
  });
  live = await openLive('memory://');
  collector = await start();
});

afterEach(async () => {
  await collector.close();
  await log.close();
  await live.close();
  await rm(folder, { recursive: true, force: true });
});

function start(
  config: Partial<CollectorOptions['config']> = {},
  other: Partial<
    Pick<
      CollectorOptions,
      'log' | 'now' | 'maxPendingBytes' | 'turnBudget' | 'visitorKeys' | 'member' | 'metrics' | 'logger'
    >
  > = {},
) {
  return startTestCollector({ log, live, ...other, config });
}

/** A collector like the one of every test, but for its configuration or an engine. */
async function restart(...how: Parameters<typeof start>): Promise<void> {
  await collector.close();
  collector = await start(...how);
}

function post(body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`http://127.0.0.1:${collector.port}/e`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'User-Agent': CHROME, ...headers },
    body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
  });
}

function headOf(body: string): string {
  return `POST /e HTTP/1.1\r\nHost: x\r\nUser-Agent: ${CHROME}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n`;
}

async function connected(port = collector.port): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket.setNoDelay(true);
}

/** The first of so many in a row that nobody listens on. */
async function freePorts(wanted: number): Promise<number> {
  for (;;) {
    const lowest = createServer().listen(0, '127.0.0.1');
    await once(lowest, 'listening');
    const { port: first } = lowest.address() as AddressInfo;
    const servers = [lowest];
    try {
      for (let n = 1; n < wanted; n++) {
        const next = createServer().listen(first + n, '127.0.0.1');
        await once(next, 'listening');
        servers.push(next);
      }
      return first;
    } catch {
      // Somebody has the next one: look elsewhere.
    } finally {
      for (const server of servers) server.close();
    }
  }
}

async function eventsInLog(expected: number): Promise<Event[]> {
  const events: Event[] = [];
  const subscription = await log.subscribe('test', {
    assigned: async (_partition, committed) => committed,
    async batch({ frames }) {
      for (const { body } of frames) {
        for (const line of body.toString().trimEnd().split('\n')) events.push(JSON.parse(line));
      }
    },
    revoked() {},
  });
  await vi.waitFor(() => expect(events.length).toBeGreaterThanOrEqual(expected));
  await subscription.close();
  return events;
}

test('while the live store is away addresses are limited by what this collector sees, which is counted; ready says what is degraded', async () => {
  const away = new LiveStoreError('unavailable', 'connection refused');
  vi.spyOn(live, 'take').mockRejectedValue(away);
  vi.spyOn(live, 'ping').mockRejectedValue(away);
  const metrics = new Registry();
  const warn = vi.fn();
  await restart({ ingestRateLimit: 2 }, { metrics, logger: pino({ level: 'warn' }, { write: warn }) });
  for (const status of [202, 202, 429]) expect((await post(BEACON)).status).toBe(status);
  expect(await metrics.metrics()).toContain('footfall_rate_limits_unshared_total 3');
  expect(warn).toHaveBeenCalledOnce();
  const readiness = await fetch(`http://127.0.0.1:${collector.port}/readyz`);
  expect(readiness.status).toBe(200);
  expect(await readiness.json()).toEqual({
    ready: true,
    problems: [],
    degraded: ['live: connection refused'],
  });
});

test('what an address sends to one collector counts at another', async () => {
  await restart({ ingestRateLimit: 6 });
  const other = await start({ ingestRateLimit: 6 });
  const take = vi.spyOn(live, 'take');
  const sendTo = async ({ port }: Collector) => {
    const { status } = await fetch(`http://127.0.0.1:${port}/e`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': CHROME },
      body: JSON.stringify(BEACON),
    });
    return status;
  };
  for (let i = 0; i < 5; i++) expect(await sendTo(collector)).toBe(202);
  // The first at the other one is its own first: it is reported, and the answer says what the address has sent in all.
  expect(await sendTo(other)).toBe(202);
  await vi.waitFor(async () => expect(await sendTo(other)).toBe(429));
  await other.close();
  const keys = take.mock.calls.map(([key]) => key);
  expect(keys).not.toHaveLength(0);
  expect(keys.join()).not.toContain('127.0.0.1');
});

test('collectors share a port: each takes connections, has a port of its own, and leaves the others when it closes', async () => {
  const port = await freePorts(3);
  const registries = [1, 2].map(() => new Registry());
  const members = await Promise.all(
    registries.map((metrics, n) => start({ ingestPort: port }, { metrics, member: n + 1 })),
  );
  expect(members.map((member) => member.port)).toEqual([port + 1, port + 2]);
  const send = () =>
    fetch(`http://127.0.0.1:${port}/e`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': CHROME, Connection: 'close' },
      body: JSON.stringify(BEACON),
    });
  for (const { status } of await Promise.all(Array.from({ length: 64 }, send))) expect(status).toBe(202);
  const taken = await Promise.all(
    registries.map(async (registry) => {
      const metric = await registry.getSingleMetric('footfall_beacons_accepted_total')?.get();
      return metric?.values[0]?.value ?? 0;
    }),
  );
  expect(taken.reduce((sum, beacons) => sum + beacons)).toBe(64);
  for (const beacons of taken) expect(beacons).toBeGreaterThan(0);
  await members[0]?.close();
  for (const { status } of await Promise.all(Array.from({ length: 16 }, send))) expect(status).toBe(202);
  await members[1]?.close();
});

describe('an accepted beacon', () => {
  test('is answered 202 and is in the log, hashed and cleaned', async () => {
    const beacon = {
      ...BEACON,
      event_id: UUID.toUpperCase(),
      user_id: 'u1',
      referrer: 'https://search.example/find?q=private',
      title: 'Ünï — code',
      unknown_field: 'ignored',
    };
    const answer = await post(beacon);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('x-footfall')).toBe('accepted');

    const [event] = await eventsInLog(1);
    expect(event).toMatchObject({
      type: 'page_view',
      url: '/page?utm_source=mail',
      event_id: UUID,
      user_id: 'u1',
      referrer: 'https://search.example/find',
      title: 'Ünï — code',
      browser: 'Chrome',
      os: 'Linux',
      device: 'desktop',
    });
    expect(event?.visitor).toMatch(/^[0-9a-f]{64}$/);
    expect(Math.abs(Date.now() - (event?.received_at ?? 0))).toBeLessThan(60_000);
    expect(JSON.stringify(event)).not.toContain('fingerprint-1');
    expect(JSON.stringify(event)).not.toContain('127.0.0.1');
    expect(event).not.toHaveProperty('unknown_field');
  });

  test('is in a frame whose size, and time to be durable, are counted', async () => {
    const metrics = new Registry();
    await restart({}, { metrics });
    expect((await post([BEACON, BEACON, BEACON])).status).toBe(202);
    const found = async (name: string, metricName: string) =>
      (await metrics.getSingleMetric(name)?.get())?.values.find(
        (each) => 'metricName' in each && each.metricName === metricName && each.labels.into === 'log',
      )?.value;
    expect(await found('footfall_frame_events', 'footfall_frame_events_sum')).toBe(3);
    expect(await found('footfall_frame_bytes', 'footfall_frame_bytes_sum')).toBeGreaterThan(300);
    expect(await found('footfall_append_seconds', 'footfall_append_seconds_count')).toBe(1);
    expect(await found('footfall_append_seconds', 'footfall_append_seconds_sum')).toBeGreaterThan(0);
  });

  test('keeps of an address the path, fragments that are one, and campaigns', async () => {
    const urls: [string, string][] = [
      [
        'https://example.org/app?utm_source=mail&secret=1#/inbox/7?filter=secret',
        '/app#/inbox/7?utm_source=mail',
      ],
      ['https://example.org/app#!/inbox', '/app#!/inbox'],
      ['/app#access_token=secret', '/app'],
    ];
    await post(urls.map(([url]) => ({ ...BEACON, url })));
    expect((await eventsInLog(3)).map(({ url }) => url)).toEqual(urls.map(([, stored]) => stored));
  });

  test('is taken with a title or a referrer of any length that browsers have, cut', async () => {
    const title = `${'t'.repeat(511)}\u{1f463}${'t'.repeat(3_000)}`;
    const referrer = `https://example.org/${'p'.repeat(8_000)}`;
    expect((await post({ ...BEACON, title, referrer })).status).toBe(202);
    const [event] = await eventsInLog(1);
    expect(event?.title).toBe('t'.repeat(511));
    expect(event?.referrer).toHaveLength(500);
  });

  test('that is marked late is late in the log, and counted so', async () => {
    await post([{ ...BEACON, late: true }, { ...BEACON, late: false }, BEACON]);
    expect((await eventsInLog(3)).map(({ late }) => late)).toEqual([true, undefined, undefined]);
    const metrics = await (await fetch(`http://127.0.0.1:${collector.port}/metrics`)).text();
    expect(metrics).toContain('footfall_beacons_late_total 1');
  });

  test('may be one of 100 in an array, sent as text/plain; a visitor stays in one partition', async () => {
    const beacons = Array.from({ length: 100 }, (_, i) => ({ ...BEACON, fingerprint: `visitor-${i % 10}` }));
    const answer = await post(beacons, { 'Content-Type': 'text/plain;charset=UTF-8' });
    expect(answer.status).toBe(202);
    expect(await eventsInLog(100)).toHaveLength(100);
    const lag = await log.lag('test');
    expect(lag.reduce((frames, { end }) => frames + end, 0)).toBeLessThanOrEqual(4);
  });

  test('takes its country from the last address that no trusted proxy added', async () => {
    await restart({ trustedProxies: ['127.0.0.1'] });
    await post(BEACON, { 'X-Forwarded-For': '24.48.0.1' });
    await post(BEACON, { 'X-Forwarded-For': '8.8.8.8, 24.48.0.1, 127.0.0.1' });
    await post(BEACON, { 'X-Forwarded-For': 'not an address' });
    const countries = (await eventsInLog(3)).map(({ country }) => country);
    expect(countries).toEqual(['CA', 'CA', undefined]);
  });

  test('does not believe X-Forwarded-For of a client that is no proxy', async () => {
    await post(BEACON, { 'X-Forwarded-For': '24.48.0.1' });
    expect((await eventsInLog(1))[0]).not.toHaveProperty('country');
  });
});

describe('a refused request', () => {
  const refused: [string, unknown, Record<string, string>, keyof typeof REJECT_STATUS, object][] = [
    ['not JSON', '{"url":', {}, 'malformed_json', {}],
    ['not UTF-8', new Uint8Array([0x22, 0xff, 0xfe, 0x22]), {}, 'malformed_json', {}],
    ['an empty body', '', {}, 'malformed_json', {}],
    ['nested too deeply', '['.repeat(30_000), {}, 'malformed_json', {}],
    ['a number', '7', {}, 'invalid_beacon', { rule: 'must be object' }],
    ['an array in an array', [[BEACON]], {}, 'invalid_beacon', { index: 0 }],
    ['an empty array', [], {}, 'invalid_batch', {}],
    ['101 beacons', Array.from({ length: 101 }, () => BEACON), {}, 'invalid_batch', {}],
    [
      'without url',
      { fingerprint: 'fingerprint-1' },
      {},
      'invalid_beacon',
      { field: 'url', rule: 'is required' },
    ],
    ['without fingerprint', { url: '/' }, {}, 'invalid_beacon', { field: 'fingerprint' }],
    [
      'a short fingerprint',
      { ...BEACON, fingerprint: '1234567' },
      {},
      'invalid_beacon',
      { field: 'fingerprint' },
    ],
    ['an unknown type', { ...BEACON, type: 'click' }, {}, 'invalid_beacon', { field: 'type' }],
    ['a script as url', { ...BEACON, url: 'javascript:alert(1)' }, {}, 'invalid_beacon', { field: 'url' }],
    ['no address at all', { ...BEACON, url: 'http://[' }, {}, 'invalid_beacon', { field: 'url' }],
    [
      'no UUID',
      { ...BEACON, event_id: 'x' },
      {},
      'invalid_beacon',
      { field: 'event_id', rule: 'must be a UUID' },
    ],
    ['a NUL', { ...BEACON, user_id: 'a\0b' }, {}, 'invalid_beacon', { field: 'user_id' }],
    [
      'half a surrogate',
      `{"url":"/","fingerprint":"12345678","title":"\\ud800"}`,
      {},
      'invalid_beacon',
      { field: 'title' },
    ],
    [
      'a long session',
      { ...BEACON, session_id: 's'.repeat(65) },
      {},
      'invalid_beacon',
      { field: 'session_id' },
    ],
    ['the third of three', [BEACON, BEACON, { url: 1 }], {}, 'invalid_beacon', { index: 2 }],
    ['over 64 KiB', `"${'x'.repeat(70_000)}"`, {}, 'body_too_large', {}],
    [
      'a form',
      'url=1',
      { 'Content-Type': 'application/x-www-form-urlencoded' },
      'unsupported_media_type',
      {},
    ],
    ['no content type', new Uint8Array([0x7b, 0x7d]), { 'Content-Type': '' }, 'unsupported_media_type', {}],
  ];

  test.each(refused)('%s', async (_what, body, headers, reason, details) => {
    const answer = await post(body, headers);
    expect(answer.status).toBe(REJECT_STATUS[reason]);
    expect(answer.headers.get('x-footfall')).toBe(reason);
    expect(await answer.json()).toMatchObject({ error: reason, ...details });
    const ends = (await log.lag('test')).map(({ end }) => end);
    expect(
      ends.every((end) => end === 0),
      'nothing of it is taken',
    ).toBe(true);
  });

  test('with prototype keys changes nothing but is judged by its own fields', async () => {
    const answer = await post('{"__proto__":{"url":"/","fingerprint":"12345678"},"constructor":1}');
    expect(answer.status).toBe(400);
    expect(({} as Record<string, unknown>).url).toBeUndefined();
  });

  test('over the limit of its address: 429, with the time to wait', async () => {
    await restart({ ingestRateLimit: 5 });
    expect((await post(Array.from({ length: 5 }, () => BEACON))).status).toBe(202);
    const answer = await post(BEACON);
    expect(answer.status).toBe(429);
    expect(answer.headers.get('x-footfall')).toBe('rate_limited');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  test('while the log takes nothing: 503, with the time to wait; ready again says so', async () => {
    const away = async () => {
      throw new LogError('unavailable', 'the disk is gone');
    };
    await restart({}, { log: { ...bound(log), append: away, ping: away } });
    const answer = await post(BEACON);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('x-footfall')).toBe('log_unavailable');
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    const readiness = await fetch(`http://127.0.0.1:${collector.port}/readyz`);
    expect(readiness.status).toBe(503);
    expect(await readiness.json()).toEqual({
      ready: false,
      problems: ['log: the disk is gone'],
      degraded: [],
    });
  });

  test('while too much waits for the log: 503 overloaded, and what waits is not lost', async () => {
    let release = () => {};
    const stalled = new Promise<void>((resolve) => {
      release = resolve;
    });
    const append: EventLog['append'] = (...frame) => stalled.then(() => log.append(...frame));
    await restart({}, { log: { ...bound(log), append }, maxPendingBytes: 100_000 });
    const requests = Array.from({ length: 40 }, (_, request) =>
      Array.from({ length: 20 }, () => ({
        ...BEACON,
        title: `request ${request}`,
        url: `/${'p'.repeat(490)}`,
      })),
    );
    const answers = requests.map((beacons) => post(beacons));
    const first = await Promise.race(answers);
    expect(first.status).toBe(503);
    expect(first.headers.get('x-footfall')).toBe('overloaded');
    release();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([202, 503]));
    const inLog = (await eventsInLog(1)).map(({ title }) => title);
    for (const [request, status] of statuses.entries()) {
      const events = inLog.filter((title) => title === `request ${request}`);
      expect(events).toHaveLength(status === 202 ? 20 : 0);
    }
  });

  test('that came with more than a turn has time for: 503 overloaded, and the log has what was accepted', async () => {
    await restart({}, { turnBudget: NO_TIME });
    const answers = await Promise.all(Array.from({ length: 300 }, () => post(BEACON)));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused).not.toHaveLength(0);
    for (const { headers } of refused) {
      expect(headers.get('x-footfall')).toBe('overloaded');
      expect(headers.get('retry-after')).toBe('1');
    }
    const accepted = answers.filter(({ status }) => status === 202);
    expect(accepted.length + refused.length).toBe(300);
    expect(await eventsInLog(accepted.length)).toHaveLength(accepted.length);
  });

  test('before its body has come, where the turn has no time for it: the connection goes on with the next request', async () => {
    await restart({}, { turnBudget: NO_TIME });
    const body = JSON.stringify({ ...BEACON, title: 't'.repeat(400), referrer: `/${'r'.repeat(400)}` });
    const half = body.length / 2;
    const sockets = await Promise.all(Array.from({ length: 300 }, () => connected()));
    try {
      const answers = sockets.map((socket) => {
        const seen = { text: '' };
        socket.on('data', (data) => {
          seen.text += data;
        });
        return seen;
      });
      for (const [n, socket] of sockets.entries()) {
        socket.write(headOf(body) + (n % 2 === 0 ? body : body.slice(0, half)));
      }
      const [whole, halves] = [0, 1].map((part) => answers.filter((_, n) => n % 2 === part));
      await vi.waitFor(() => expect(whole?.every(({ text }) => text !== '')).toBe(true));
      const early = halves?.filter(({ text }) => text.startsWith('HTTP/1.1 503')) ?? [];
      expect(early).not.toHaveLength(0);
      for (const [n, socket] of sockets.entries()) if (n % 2 === 1) socket.write(body.slice(half));
      await vi.waitFor(() => expect(halves?.every(({ text }) => text !== '')).toBe(true));
      for (const socket of sockets) socket.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
      await vi.waitFor(() =>
        expect(answers.every(({ text }) => text.includes('200 OK') && text.endsWith('{"status":"ok"}'))).toBe(
          true,
        ),
      );
      const accepted = answers.filter(({ text }) => text.startsWith('HTTP/1.1 202')).length;
      expect(await eventsInLog(accepted)).toHaveLength(accepted);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  test('by an unknown path or method: 404, 405', async () => {
    const at = `http://127.0.0.1:${collector.port}`;
    expect((await fetch(`${at}/nothing`)).status).toBe(404);
    const wrong = await fetch(`${at}/e`);
    expect(wrong.status).toBe(405);
    expect(wrong.headers.get('allow')).toBe('POST, OPTIONS');
  });
});

describe('a dropped beacon is acknowledged and named, and the log has only its count', () => {
  const dropped: Record<(typeof DROP_REASONS)[number], Record<string, string>> = {
    bot: { 'User-Agent': 'Googlebot/2.1 (+http://www.google.com/bot.html)' },
    prefetch: { 'Sec-Purpose': 'prefetch;prerender' },
    do_not_track: { DNT: '1' },
    global_privacy_control: { 'Sec-GPC': '1' },
  };
  test.each(DROP_REASONS)('%s', async (reason) => {
    const answer = await post(BEACON, dropped[reason]);
    expect(answer.status).toBe(202);
    expect(answer.headers.get('x-footfall')).toBe(reason);
    const metrics = await (await fetch(`http://127.0.0.1:${collector.port}/metrics`)).text();
    expect(metrics).toContain(`footfall_beacons_dropped_total{reason="${reason}"} 1`);
    expect(await eventsInLog(1)).toEqual([
      { received_at: expect.closeTo(Date.now(), -5), dropped: { [reason]: 1 } },
    ]);
  });

  test('one line a frame, however many they are', async () => {
    const requests = DROP_REASONS.flatMap((reason) => [dropped[reason], dropped[reason]]);
    await Promise.all(requests.map((headers) => post([BEACON, BEACON], headers)));
    const lines: unknown[] = await eventsInLog(1);
    const counts = JSON.stringify(lines).matchAll(/"(\w+)":(\d+)[,}]/g);
    const total = [...counts].reduce((sum, [, name, n]) => sum + (name === 'received_at' ? 0 : Number(n)), 0);
    expect(total).toBe(2 * requests.length);
    expect(lines.length).toBeLessThan(requests.length);
  });

  test('also where the log cannot take the count, which is counted', async () => {
    const refusing: EventLog = Object.create(log, {
      append: { value: () => Promise.reject(new LogError('full', 'full in a test')) },
    });
    await restart({}, { log: refusing });
    const answer = await post([BEACON, BEACON], dropped.bot);
    expect([answer.status, answer.headers.get('x-footfall')]).toEqual([202, 'bot']);
    const metrics = await (await fetch(`http://127.0.0.1:${collector.port}/metrics`)).text();
    expect(metrics).toContain('footfall_drops_not_recorded_total 2');
  });

  test('unless RESPECT_DNT is false', async () => {
    await restart({ respectDnt: false });
    expect((await post(BEACON, { DNT: '1', 'Sec-GPC': '1' })).headers.get('x-footfall')).toBe('accepted');
  });
});

describe("where a key is a day's", () => {
  const DAY = 86_400_000;
  const NOON = Date.parse('2026-03-10T12:00:00Z');
  let clock: number;
  const keys: VisitorKeys = {
    at(instant) {
      const day = Math.floor(instant / DAY) - Math.floor(NOON / DAY);
      return day < 2 ? { secret: `the salt of day ${day}`, hidesIds: true } : undefined;
    },
  };
  beforeEach(async () => {
    clock = NOON;
    await restart({}, { visitorKeys: keys, now: () => clock });
  });

  test('a visitor is the same on one day and another on the next, and so are ids of sessions and users', async () => {
    for (const hours of [0, 1, 24]) {
      clock = NOON + hours * 3_600_000;
      expect((await post({ ...BEACON, session_id: 'tab', user_id: 'ann' })).status).toBe(202);
    }
    const [first, second, third] = (await eventsInLog(3)).sort((a, b) => a.received_at - b.received_at);
    for (const name of ['visitor', 'session_id', 'user_id'] as const) {
      expect(second?.[name]).toBe(first?.[name]);
      expect(third?.[name]).toMatch(/^[\w-]{43,64}$/);
      expect(third?.[name]).not.toBe(first?.[name]);
    }
    expect(JSON.stringify([first, third])).not.toMatch(/"(tab|ann)"/);
  });

  test('without one of today: 503 salt_unavailable', async () => {
    clock = NOON + 2 * DAY;
    const answer = await post(BEACON);
    expect([answer.status, answer.headers.get('x-footfall'), answer.headers.get('retry-after')]).toEqual([
      503,
      'salt_unavailable',
      '1',
    ]);
    expect(await eventsInLog(0)).toEqual([]);
  });
});

describe('the pixel', () => {
  const pixel = (query: string, headers: Record<string, string> = {}) =>
    fetch(`http://127.0.0.1:${collector.port}/pixel.gif${query}`, {
      headers: { 'User-Agent': CHROME, ...headers },
    });

  test('that are more than a turn has time for: 503 overloaded, and the log has what was counted', async () => {
    await restart({}, { turnBudget: NO_TIME });
    const answers = await Promise.all(Array.from({ length: 300 }, () => pixel('?url=/a')));
    const refused = answers.filter(({ status }) => status === 503);
    expect(refused).not.toHaveLength(0);
    for (const { headers } of refused) expect(headers.get('x-footfall')).toBe('overloaded');
    const counted = answers.filter(({ status }) => status === 200);
    expect(counted.length + refused.length).toBe(300);
    expect(await eventsInLog(counted.length)).toHaveLength(counted.length);
  });

  test('counts a page view and answers a GIF that is not cached', async () => {
    const answer = await pixel('?url=https%3A%2F%2Fexample.org%2Fa&fingerprint=fingerprint-1');
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('image/gif');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(
      Buffer.from(await answer.arrayBuffer())
        .subarray(0, 3)
        .toString(),
    ).toBe('GIF');
    await post({ ...BEACON });
    const [one, two] = await eventsInLog(2);
    expect(one?.visitor).toBe(two?.visitor);
  });

  test('without a fingerprint is the same visitor for a day, by address and browser; the page is the referer', async () => {
    await pixel('', { Referer: 'https://example.org/from' });
    await pixel('?url=/b');
    await pixel('?url=/b', { 'User-Agent': CHROME.replace('138', '139') });
    const events = await eventsInLog(3);
    expect(new Set(events.map(({ visitor }) => visitor)).size).toBe(2);
    expect(events.map(({ url }) => url)).toContain('/from');
  });

  test('is never late: an image is asked for once', async () => {
    expect((await pixel('?url=/b&late=true')).status).toBe(200);
    expect((await eventsInLog(1))[0]).not.toHaveProperty('late');
  });

  test('without a page is refused', async () => {
    const answer = await pixel('');
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ error: 'invalid_beacon', field: 'url' });
  });
});

describe('pages of other origins', () => {
  test('may send JSON after a preflight, and read what became of it', async () => {
    const preflight = await fetch(`http://127.0.0.1:${collector.port}/e`, { method: 'OPTIONS' });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*');
    const answer = await post(BEACON, { Origin: 'https://example.org' });
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(answer.headers.get('access-control-expose-headers')).toContain('X-Footfall');
  });

  test('get the script, once', async () => {
    const at = `http://127.0.0.1:${collector.port}/beacon.js`;
    const script = await fetch(at);
    expect(script.headers.get('content-type')).toContain('text/javascript');
    expect(script.headers.get('content-encoding')).toBe('gzip');
    expect(await script.text()).toBe('beacon();');
    const plain = await fetch(at, { headers: { 'Accept-Encoding': 'identity' } });
    expect(plain.headers.get('content-encoding')).toBeNull();
    expect(await plain.text()).toBe('beacon();');
    expect((await fetch(at, { headers: { 'If-None-Match': '"1"' } })).status).toBe(304);
  });
});

describe('rude clients', () => {
  test('that leave in the middle of a body or before the answer do no harm', async () => {
    for (let i = 0; i < 50; i += 1) {
      await new Promise<void>((resolve, reject) => {
        const socket = connect(collector.port, '127.0.0.1', () => {
          const body = JSON.stringify(BEACON);
          const head = headOf(body);
          socket.write(i % 2 === 0 ? head + body.slice(0, 10) : head + body, () => {
            socket.resetAndDestroy();
            resolve();
          });
        });
        socket.once('error', reject);
      });
    }
    expect((await post(BEACON)).status).toBe(202);
  });

  test('that never finish their head or body, however steadily they send, are cut and counted', async () => {
    const body =
      'POST /e HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10000\r\n\r\n{"url"';
    await Promise.all(
      [body, 'POST /e HTTP/1.1\r\nHost: x\r\nX-Endless: '].map(
        (beginning) =>
          new Promise<void>((resolve) => {
            const socket = connect(collector.port, '127.0.0.1', () => socket.write(beginning));
            const trickle = setInterval(() => socket.write('a'), 200);
            socket.once('error', () => {});
            socket.once('close', () => {
              clearInterval(trickle);
              resolve();
            });
          }),
      ),
    );
    const metrics = await (await fetch(`http://127.0.0.1:${collector.port}/metrics`)).text();
    expect(metrics).toContain('footfall_requests_aborted_total 1');
  });

  test('that send bodies byte by byte are served, and go on with whole ones', async () => {
    const body = JSON.stringify(BEACON);
    const head = headOf(body);
    const socket = await connected();
    try {
      for (const pauseMs of [0, 5]) {
        socket.write(head);
        for (const byte of body) {
          await new Promise<void>((written) => socket.write(byte, () => written()));
          await delay(pauseMs);
        }
        expect(String(await once(socket, 'data'))).toContain('202 Accepted');
      }
      socket.write(head + body);
      expect(String(await once(socket, 'data'))).toContain('202 Accepted');
    } finally {
      socket.destroy();
    }
  });

  test('that send a body in many small chunks at once are answered, and asked for the next one', async () => {
    const chunks = JSON.stringify(BEACON).match(/.{1,5}/g) ?? [];
    const request =
      `POST /e HTTP/1.1\r\nHost: x\r\nUser-Agent: ${CHROME}\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n` +
      chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('') +
      '0\r\n\r\n';
    const socket = await connected();
    try {
      for (let n = 0; n < 2; n++) {
        socket.write(request);
        expect(String(await once(socket, 'data'))).toContain('202 Accepted');
      }
    } finally {
      socket.destroy();
    }
  });

  test('whose crumbs are not read when the collector closes do no harm', async () => {
    let instant = Date.now();
    const closing = await start({}, { now: () => (instant += 10_000) });
    const socket = await connected(closing.port);
    socket.write(headOf('a'.repeat(1_000)));
    for (const byte of 'a'.repeat(10)) {
      socket.write(byte);
      await delay(5);
    }
    socket.on('error', () => {});
    const cut = new Promise((resolve) => socket.once('close', resolve));
    await closing.close();
    await cut;
    // They would be read again by then.
    await delay(REST_MS + 100);
  });

  test('that leave while their crumbs are not read do no harm', async () => {
    const body = JSON.stringify(BEACON);
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        const socket = await connected();
        socket.write(headOf(body));
        for (const byte of body.slice(0, 20)) {
          socket.write(byte);
          await delay(5);
        }
        socket.resetAndDestroy();
      }),
    );
    await vi.waitFor(
      async () => {
        const metrics = await (await fetch(`http://127.0.0.1:${collector.port}/metrics`)).text();
        expect(metrics).toContain('footfall_requests_aborted_total 20');
      },
      { timeout: 5_000 },
    );
    expect((await post(BEACON)).status).toBe(202);
  });
});

test('10,000 mutations of valid beacons get an answer of the table, and only whole requests are taken', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}`);
  const random = mulberry32(seed);
  const valid = JSON.stringify([
    { ...BEACON, event_id: UUID, user_id: 'u', community_id: UUID, title: 'ü' },
    BEACON,
  ]);
  const statuses = new Map<number, number>();
  let accepted = 0;
  for (let round = 0; round < 100; round += 1) {
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const body = mutate(Buffer.from(valid), random);
        const answer = await taken(new Uint8Array(body));
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        if (answer.status === 202) {
          const sent = JSON.parse(body.toString());
          accepted += Array.isArray(sent) ? sent.length : 1;
        }
      }),
    );
  }
  expect([...statuses.keys()].filter((status) => ![202, 400, 413].includes(status))).toEqual([]);
  expect(statuses.get(400)).toBeGreaterThan(100);
  expect(await eventsInLog(accepted)).toHaveLength(accepted);
}, 180_000);

/** Comes again where it is told to, as senders do: a machine that stands still for a while is overloaded afterwards. */
async function taken(body: Uint8Array): Promise<Response> {
  for (let tries = 0; tries < 10; tries += 1) {
    const answer = await post(body);
    await answer.arrayBuffer();
    const retryAfter = answer.headers.get('Retry-After');
    if (answer.status !== 503 || retryAfter === null) return answer;
    await delay(1_000 * Number(retryAfter));
  }
  throw new Error('the collector refused the same ten times');
}

function mutate(body: Buffer, random: () => number): Buffer {
  const bytes = [...body];
  for (let edits = 1 + Math.floor(random() * 3); edits > 0; edits -= 1) {
    const at = Math.floor(random() * bytes.length);
    const kind = random();
    if (kind < 0.4) bytes[at] = Math.floor(random() * 256);
    else if (kind < 0.6) bytes.splice(at, 1 + Math.floor(random() * 8));
    else if (kind < 0.8)
      bytes.splice(
        at,
        0,
        ...Buffer.from(['{', '[', '"', '\\u0000', 'null', '1e999', '}'][Math.floor(random() * 7)] ?? ''),
      );
    else bytes.splice(at, 0, ...bytes.slice(at, at + Math.floor(random() * 40)));
  }
  return Buffer.from(bytes);
}

/** A small seeded generator (Tommy Ettinger's mulberry32, public domain). */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** The log with its methods bound, so that single ones can be replaced by a fault. */
function bound(target: EventLog): EventLog {
  return {
    partitions: target.partitions,
    identity: () => target.identity(),
    append: (...args) => target.append(...args),
    subscribe: (...args) => target.subscribe(...args),
    deadLetter: (...args) => target.deadLetter(...args),
    deadLetters: (...args) => target.deadLetters(...args),
    lag: (...args) => target.lag(...args),
    ping: () => target.ping(),
    backlog: () => target.backlog(),
    close: () => target.close(),
  };
}

test('every answer with a body is to be taken for what it is said to be', async () => {
  const paths = [
    '/beacon.js',
    '/pixel.gif?url=/a',
    '/pixel.gif',
    '/healthz',
    '/readyz',
    '/metrics',
    '/nowhere',
    '/e',
  ];
  const asked = paths.map((path) =>
    fetch(`http://127.0.0.1:${collector.port}${path}`, { headers: { 'User-Agent': CHROME } }),
  );
  const answers = await Promise.all([...asked, post('{'), post(BEACON, { 'Content-Type': 'text/html' })]);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400, 404, 405, 415]));
  for (const answer of answers) {
    expect(await answer.text(), answer.url).not.toBe('');
    expect(answer.headers.get('X-Content-Type-Options'), answer.url).toBe('nosniff');
  }
});
