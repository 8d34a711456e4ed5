import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { textFrame } from './text-frame.ts';

let server: WebSocketServer;
let client: WebSocket;
let wire: Socket;
let socket: WebSocket;

beforeAll(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false });
  await once(server, 'listening');
  const { port }: AddressInfo | { port: number } = Object(server.address());
  client = new WebSocket(`ws://127.0.0.1:${port}`);
  const opened = once(client, 'open');
  const [accepted, request] = await once(server, 'connection');
  [socket, wire] = [accepted, request.socket];
  await opened;
});
afterAll(() => {
  client.terminate();
  server.close();
});

it.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])(
  'of %i bytes is read by a client as what it was',
  async (length) => {
    const received = once(client, 'message');
    wire.write(textFrame('x'.repeat(length)));
    const [data, isBinary] = await received;
    expect(isBinary).toBe(false);
    expect(String(data)).toBe('x'.repeat(length));
  },
);

it('may have any text, and stand between frames that ws makes', async () => {
  const texts = ['日本 😀 é', '{"type":"visitor_count"}', ''];
  const received: string[] = [];
  client.on('message', (data) => received.push(String(data)));
  socket.send('before');
  wire.write(Buffer.concat(texts.map(textFrame)));
  socket.ping();
  socket.send('after');
  await once(socket, 'pong');
  expect(received).toEqual(['before', ...texts, 'after']);
});
