import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, it, vi } from 'vitest';
import { useApi } from './use-api.fixture.ts';

const { api } = useApi();

function upgrade(path: string, options: { allowHalfOpen?: boolean; headers?: string[] } = {}): Socket {
  const { hostname, port } = new URL(api().url);
  const socket = connect({
    host: hostname,
    port: Number(port),
    allowHalfOpen: options.allowHalfOpen ?? false,
  });
  const lines = [
    `GET ${path} HTTP/1.1`,
    `Host: ${hostname}:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...(options.headers ?? []),
  ];
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  return socket;
}

/** What is on the wire until the server ends the connection. */
async function answered(socket: Socket): Promise<{ status: string; headers: Headers; body: string }> {
  const whole = await text(socket);
  const end = whole.indexOf('\r\n\r\n');
  const [status = '', ...lines] = whole.slice(0, end).split('\r\n');
  const headers = new Headers(
    lines.map((line): [string, string] => [
      line.slice(0, line.indexOf(':')),
      line.slice(line.indexOf(':') + 2),
    ]),
  );
  return { status, headers, body: whole.slice(end + 4) };
}

const SOCKET = '/ws/analytics/visitors/';
it.each<[what: string, status: string, path: () => Promise<string>, headers: string[], body: object]>([
  [
    'without a token',
    '401 Unauthorized',
    async () => SOCKET,
    [],
    { error: 'unauthenticated', message: expect.stringMatching(/token/) },
  ],
  [
    'of a user',
    '403 Forbidden',
    async () => `${SOCKET}?token=${await api().token({})}`,
    [],
    { error: 'forbidden', message: expect.stringMatching(/staff/) },
  ],
  [
    'of another origin',
    '403 Forbidden',
    async () => `${SOCKET}?token=${await api().token()}`,
    ['Origin: https://evil.example'],
    { error: 'origin_not_allowed', message: expect.stringMatching(/CORS_ALLOWED_ORIGINS/) },
  ],
  [
    'with a wrong parameter',
    '400 Bad Request',
    async () => `${SOCKET}?token=${await api().token()}&community_id=42`,
    [],
    { error: 'invalid_parameter', field: 'community_id' },
  ],
  ['where no socket is', '404 Not Found', async () => '/ws/nowhere/', [], { error: 'not_found' }],
])('an upgrade %s is refused with a body that says why', async (_what, status, path, given, said) => {
  const { status: line, headers, body } = await answered(upgrade(await path(), { headers: given }));
  expect(line).toBe(`HTTP/1.1 ${status}`);
  expect(JSON.parse(body)).toMatchObject(said);
  expect(headers.get('Content-Type')).toBe('application/json');
  expect(headers.get('Content-Length')).toBe(`${Buffer.byteLength(body)}`);
  expect(headers.get('Connection')).toBe('close');
  expect(headers.get('X-Request-Id')).not.toBeNull();
});

it('a refusal has the body and the headers of the same refusal of another request', async () => {
  const upgraded = await answered(upgrade('/api/analytics/visitors/'));
  const plain = await fetch(`${api().url}/api/analytics/visitors/`);
  expect(upgraded.body).toBe(await plain.text());
  const known = (headers: Headers) =>
    [...headers].filter(([name]) => !['x-request-id', 'date', 'connection', 'keep-alive'].includes(name));
  expect(known(upgraded.headers)).toEqual(known(plain.headers));
});

it('a client that does not close its end is cut off', async () => {
  const socket = upgrade(SOCKET, { allowHalfOpen: true });
  socket.on('error', () => {}).resume();
  await once(socket, 'end');
  await vi.waitFor(
    () => {
      if (!socket.destroyed) socket.write('still here');
      expect(socket.destroyed).toBe(true);
    },
    { timeout: 20_000 },
  );
});
