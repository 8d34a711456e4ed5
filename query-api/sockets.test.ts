import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { PRESENCE_CHANNEL, type PresenceNews } from '../contract/presence.ts';
import { calendar } from '../contract/reporting-day.ts';
import type { ServerMessage } from '../contract/socket.ts';
import { LiveStoreError } from '../redis/port.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';
import { between, COMMUNITIES, count, randomEvents } from './events.fixture.ts';

const START = Date.parse('2025-03-15T12:34:56Z');
const EVENTS = randomEvents(11, { count: 300, days: 3, until: START, calendar: calendar('UTC') });
const COMMUNITY = COMMUNITIES[0]?.id ?? '';

let now = START;
let stores: Stores;
let api: TestApi;
const open: WebSocket[] = [];

beforeAll(async () => {
  stores = await openStores(EVENTS);
});
afterEach(async () => {
  vi.restoreAllMocks();
  for (const socket of open.splice(0)) socket.terminate();
  await api.close();
  now = START;
});
afterAll(() => stores.close());

const start = async (
  ...[changes]: Parameters<typeof startApi> extends [unknown, ...infer Rest] ? Rest : never
) => {
  api = await startApi(stores, { now: () => now, ...changes });
};

interface Listener {
  socket: WebSocket;
  messages: ServerMessage[];
  of<T extends ServerMessage['type']>(type: T): Extract<ServerMessage, { type: T }>[];
}

interface ConnectOptions {
  protocols?: string[];
  headers?: Record<string, string>;
}

function connect(path: string, { protocols = [], headers = {} }: ConnectOptions = {}): Listener {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/ws/analytics/${path}`, protocols, {
    headers,
  });
  open.push(socket);
  const messages: ServerMessage[] = [];
  socket.on('message', (data) => messages.push(JSON.parse(String(data))));
  return {
    socket,
    messages,
    of: (type) =>
      messages.filter(
        (message): message is Extract<ServerMessage, { type: typeof type }> => message.type === type,
      ),
  };
}

async function listen(path: string): Promise<Listener> {
  const mark = path.includes('?') ? '&' : '?';
  const listener = connect(`${path}${mark}token=${await api.token()}`);
  await vi.waitFor(() => expect(listener.of('visitor_count')).toHaveLength(1));
  return listener;
}

async function refusal(path: string, options?: ConnectOptions): Promise<number | undefined> {
  const { socket } = connect(path, options);
  socket.on('error', () => {});
  const [, response] = await once(socket, 'unexpected-response');
  return response.statusCode;
}

const publish = (news: Partial<PresenceNews>) =>
  api.live.publish(
    PRESENCE_CHANNEL,
    JSON.stringify({ scope: 'site', count: 0, joined: [], left: [], ...news }),
  );

describe('a socket', () => {
  it('gets the count when it connects, and who comes and goes', async () => {
    await start();
    await api.tracker.addVisitor('ada', COMMUNITY);
    const site = await listen('visitors/');
    const community = await listen(`visitors/?community_id=${COMMUNITY.toUpperCase()}`);
    expect(site.messages).toEqual([{ type: 'visitor_count', count: 1 }]);
    expect(community.messages).toEqual([{ type: 'visitor_count', count: 1 }]);

    await api.tracker.addVisitor('bob');
    const timestamp = new Date(START).toISOString();
    await vi.waitFor(() => {
      expect(site.of('visitor_joined')).toEqual([
        { type: 'visitor_joined', visitor: { id: 'bob', timestamp } },
      ]);
      expect(site.of('visitor_count').at(-1)?.count).toBe(2);
    });

    await api.tracker.removeVisitor('ada');
    now += 5_000;
    await api.tracker.sweep(now);
    await vi.waitFor(() => {
      expect(site.of('visitor_left').map((message) => message.visitor.id)).toEqual(['ada']);
      expect(site.of('visitor_count').at(-1)?.count).toBe(1);
      expect(community.of('visitor_left').map((message) => message.visitor.id)).toEqual(['ada']);
      expect(community.of('visitor_count').at(-1)?.count).toBe(0);
    });
    expect(community.of('visitor_joined')).toEqual([]);
  });

  it('is answered when it asks for the count, and what is not in the contract is ignored', async () => {
    await start();
    const { socket, of } = await listen('visitors/');
    for (const text of ['garbage', '{"type":"unknown"}', 'null', Buffer.from([1, 2, 3])]) socket.send(text);
    socket.send('{"type":"request_count"}');
    await vi.waitFor(() => expect(of('visitor_count')).toHaveLength(2));
    expect(await api.registry.metrics()).toContain('footfall_api_socket_messages_ignored_total 4');
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it('is closed for a message that is too large', async () => {
    await start();
    const { socket } = await listen('visitors/');
    socket.send('x'.repeat(5_000));
    expect((await once(socket, 'close'))[0]).toBe(1009);
  });

  it('gets few counts of many, and the last of them', async () => {
    await start();
    const { of } = await listen('visitors/');
    for (let i = 1; i <= 200; i++) await publish({ count: i });
    await vi.waitFor(() => expect(of('visitor_count').at(-1)?.count).toBe(200));
    expect(of('visitor_count').length).toBeLessThan(50);
  });

  it('gets a sample of a rush, and is told so', async () => {
    await start();
    const { of } = await listen('visitors/');
    const crowd = Array.from({ length: 200 }, (_, i) => ({ id: `visitor-${i}`, at: START }));
    await publish({ count: 200, joined: crowd, left: crowd.slice(0, 3) });
    await vi.waitFor(() => expect(of('visitor_count').at(-1)?.count).toBe(200));
    expect(of('visitor_joined')).toHaveLength(50);
    expect(of('visitor_joined').every((message) => message.sampled === true)).toBe(true);
    expect(of('visitor_left').map((message) => message.sampled)).toEqual([undefined, undefined, undefined]);
  });

  it('is closed when its token ends, clock tolerance included', async () => {
    await start();
    const { socket } = await listen('visitors/');
    const closed = once(socket, 'close');
    now += 661_000;
    expect((await closed)[0]).toBe(4401);
  });

  it('stays open while the live store is away, and gets the count when it is back', async () => {
    await start();
    await api.tracker.addVisitor('ada');
    const before = await listen('visitors/');
    const away = vi.spyOn(api.live, 'online');
    away.mockRejectedValue(new LiveStoreError('unavailable', 'connection refused'));
    const { socket, of } = connect(`visitors/?token=${await api.token()}`);
    await once(socket, 'open');
    await vi.waitFor(() => expect(away).toHaveBeenCalled());
    await api.live.arrive([{ visitor: 'bob', scope: 'site', at: now, until: now + 60_000 }]);
    away.mockRestore();
    await vi.waitFor(() => expect(of('visitor_count')).toEqual([{ type: 'visitor_count', count: 2 }]), {
      timeout: 10_000,
    });
    await vi.waitFor(() => expect(before.of('visitor_count').at(-1)?.count).toBe(2));
  });

  it('is told when news were missed', async () => {
    await start();
    const { of } = await listen('visitors/');
    await api.live.arrive([{ visitor: 'bob', scope: 'site', at: now, until: now + 60_000 }]);
    await vi.waitFor(() => expect(of('visitor_count').at(-1)?.count).toBe(1), { timeout: 10_000 });
  });

  it('is closed when the count can never be read', async () => {
    await start();
    vi.spyOn(api.live, 'online').mockRejectedValue(new LiveStoreError('closed', 'the live store is closed'));
    const { socket } = connect(`visitors/?token=${await api.token()}`);
    expect((await once(socket, 'close'))[0]).toBe(1011);
  });

  it('is closed with the server', async () => {
    await start();
    const { socket } = await listen('dashboard/');
    const closed = once(socket, 'close');
    await api.close();
    expect((await closed)[0]).toBe(1001);
  });
});

describe('the dashboard socket', () => {
  it('is told of the site or the community on the second, and the visitors socket is not', async () => {
    await start();
    const today = between(EVENTS, '2025-03-15', '2025-03-15');
    const ofCommunity = today.filter((event) => event.community_id === COMMUNITY);
    await api.live.countVisitors('2025-03-15', 'site', ['a', 'b', 'c']);
    await api.live.countVisitors('2025-03-15', COMMUNITY, ['a']);
    await api.tracker.addVisitor('a', COMMUNITY);
    await api.tracker.addVisitor('b');
    const [site, community, visitors] = [
      await listen('dashboard/'),
      await listen(`dashboard/?community_id=${COMMUNITY}`),
      await listen('visitors/'),
    ];
    const timestamp = new Date(START).toISOString();
    const update = { type: 'dashboard_update', timestamp };
    await vi.waitFor(
      () => {
        const page_views_today = count(today).page_views;
        expect(site.of('dashboard_update')[0]).toEqual({
          ...update,
          online: 2,
          visitors_today: 3,
          page_views_today,
        });
        expect(community.of('dashboard_update')[0]).toEqual({
          ...update,
          online: 1,
          visitors_today: 1,
          page_views_today: count(ofCommunity).page_views,
        });
      },
      { timeout: 10_000 },
    );
    expect(visitors.of('dashboard_update')).toEqual([]);
  });
});

describe('the upgrade', () => {
  it('takes the token as a subprotocol, and answers the subprotocol', async () => {
    await start();
    const { socket } = connect('visitors/', { protocols: ['bearer', await api.token({ moderator: true })] });
    await once(socket, 'open');
    expect(socket.protocol).toBe('bearer');
  });

  it.each(['visitors/', 'dashboard/'])('of %s is refused to who may not listen', async (path) => {
    await start();
    expect(await refusal(path)).toBe(401);
    expect(await refusal(`${path}?token=garbage`)).toBe(401);
    expect(await refusal(path, { protocols: ['bearer', 'garbage'] })).toBe(401);
    expect(await refusal(`${path}?token=${await api.token({})}`)).toBe(403);
    expect(await refusal(`${path}?token=${await api.token()}&community_id=42`)).toBe(400);
    expect(await refusal(`elsewhere/?token=${await api.token()}`)).toBe(404);
  });

  it('is for the origins of the allow-list and our own pages', async () => {
    await start();
    const path = `visitors/?token=${await api.token()}`;
    expect(await refusal(path, { headers: { Origin: 'https://evil.example' } })).toBe(403);
    expect(await refusal(path, { headers: { Origin: 'null' } })).toBe(403);
    for (const Origin of ['https://admin.example', api.url]) {
      const { socket } = connect(path, { headers: { Origin } });
      await once(socket, 'open');
    }
  });

  it('counts against the limit of requests', async () => {
    await start({ config: { rateLimitUser: 1 } });
    const path = `visitors/?token=${await api.token()}`;
    await once(connect(path).socket, 'open');
    expect(await refusal(path)).toBe(429);
  });

  it('is refused to an address that has a hundred sockets', async () => {
    await start();
    const tokens: string[] = [];
    for (const subject of ['ada', 'bob', 'eve']) tokens.push(await api.token({ staff: true, subject }));
    const path = `visitors/?token=${tokens[2]}`;
    const sockets = Array.from({ length: 100 }, (_, i) => connect(`visitors/?token=${tokens[i % 2]}`).socket);
    await Promise.all(sockets.map((socket) => once(socket, 'message')));
    expect(await refusal(path)).toBe(429);
    expect(await refusal(path, { headers: { 'X-Forwarded-For': 'nonsense' } })).toBe(429);
    const { socket } = connect(path, { headers: { 'X-Forwarded-For': '203.0.113.1' } });
    await once(socket, 'open');
  });

  it('is refused to a user who has fifty sockets, and given again when one is closed', async () => {
    await start();
    const path = `dashboard/?token=${await api.token()}`;
    const from = (i: number) => ({ headers: { 'X-Forwarded-For': `203.0.113.${i}` } });
    // All at once: the limit holds while upgrades are under way too.
    const all = Array.from({ length: 60 }, (_, i) => connect(path, from(i)).socket);
    const opened: WebSocket[] = [];
    const statuses: (number | undefined)[] = [];
    for (const socket of all) {
      socket.on('open', () => opened.push(socket));
      socket.on('unexpected-response', (_request, response) => statuses.push(response.statusCode));
      socket.on('error', () => {});
    }
    await vi.waitFor(() => expect(opened.length + statuses.length).toBe(60));
    expect(statuses).toEqual(Array.from({ length: 10 }, () => 429));
    const another = await api.token({ staff: true, subject: 'another' });
    await once(connect(`visitors/?token=${another}`, from(1)).socket, 'open');
    opened[0]?.close();
    await vi.waitFor(async () => {
      const { socket } = connect(path, from(99));
      socket.on('error', () => {});
      await once(socket, 'open');
    });
  });

  it('takes no place of an address or a user where it is refused', async () => {
    await start();
    const token = await api.token();
    for (let i = 0; i < 60; i++) expect(await refusal(`visitors/?token=${token}&community_id=42`)).toBe(400);
    await once(connect(`visitors/?token=${token}`).socket, 'open');
  });

  it('is needed', async () => {
    await start();
    const response = await fetch(`${api.url}/ws/analytics/visitors/`);
    expect(response.status).toBe(426);
  });
});
