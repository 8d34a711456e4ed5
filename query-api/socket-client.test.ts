import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { SocketClient } from './socket-client.ts';
import { textFrame } from './text-frame.ts';

let server: WebSocketServer;
let peer: Socket;
let socket: WebSocket;
/** Of the server's side. */
let wire: Socket;

/** A peer that shakes hands, and then neither reads nor answers. */
beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { port }: AddressInfo | { port: number } = Object(server.address());
  peer = connect(port, '127.0.0.1');
  peer.on('error', () => {});
  peer.write(
    'GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  );
  const [accepted, request] = await once(server, 'connection');
  [socket, wire] = [accepted, request.socket];
});
afterEach(() => {
  peer.destroy();
  socket.terminate();
  server.close();
});

it('closes a reader that is too slow instead of buffering without end', async () => {
  const onServerClose = vi.fn();
  const client = new SocketClient(socket, wire, Number.POSITIVE_INFINITY, onServerClose);
  const frame = textFrame('x'.repeat(64 * 1024));
  let sent = 0;
  for (; sent < 10_000 && onServerClose.mock.calls.length === 0; sent++) {
    client.write(frame);
    await new Promise(setImmediate);
  }
  expect(onServerClose.mock.calls).toEqual([['slowReader']]);
  expect(socket.bufferedAmount).toBeLessThan(1024 * 1024);
  const before = socket.bufferedAmount;
  client.write(frame);
  expect(socket.bufferedAmount).toBe(before);

  const closed = once(socket, 'close');
  client.checkExpiry(0);
  await closed;
});

it('keeps a peer that says something though it answers no ping', () => {
  const onServerClose = vi.fn();
  const client = new SocketClient(socket, wire, Number.POSITIVE_INFINITY, onServerClose);
  for (let i = 0; i < 3; i++) {
    client.ping();
    client.heard();
  }
  expect(onServerClose).not.toHaveBeenCalled();
  expect(socket.readyState).toBe(socket.OPEN);
});

it('terminates a peer that neither answers a ping nor says anything', async () => {
  const onServerClose = vi.fn();
  const client = new SocketClient(socket, wire, Number.POSITIVE_INFINITY, onServerClose);
  const closed = once(socket, 'close');
  client.ping();
  expect(onServerClose).not.toHaveBeenCalled();
  client.ping();
  expect(onServerClose.mock.calls).toEqual([['dead']]);
  await closed;
});
