import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { adopt } from './adopt-socket.ts';

let server: WebSocketServer;
let client: WebSocket;
let socket: WebSocket;

beforeEach(async () => {
  server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const { port }: AddressInfo | { port: number } = Object(server.address());
  client = new WebSocket(`ws://127.0.0.1:${port}`);
  [socket] = await once(server, 'connection');
  if (client.readyState !== WebSocket.OPEN) await once(client, 'open');
});
afterEach(() => {
  client.terminate();
  server.close();
});

/** Listens as the adapter does, right after it has said that the socket is open. */
function adapterListens(hear: () => void): void {
  for (const event of ['message', 'close', 'error']) socket.on(event, () => hear());
}

it('hears the messages of a socket alone, each once', async () => {
  const [onMessage, theirs] = [vi.fn(), vi.fn()];
  adopt(socket, { onMessage, onError: () => {} });
  adapterListens(theirs);
  await Promise.resolve();
  client.send('text');
  client.send(Buffer.from([1, 2]));
  await vi.waitFor(() => expect(onMessage.mock.calls).toEqual([['text'], [undefined]]));
  client.close();
  await once(socket, 'close');
  expect(theirs).not.toHaveBeenCalled();
  expect(server.clients.size).toBe(0);
});

it('is told of an error, which ends nothing else', async () => {
  const onError = vi.fn();
  adopt(socket, { onMessage: () => {}, onError });
  adapterListens(() => {});
  await Promise.resolve();
  socket.emit('error', new Error('broken'));
  expect(onError).toHaveBeenCalledOnce();
});

it('holds nothing that the adapter held', async () => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  let request: { headers: string } | undefined = { headers: 'many' };
  const held = new WeakRef(request);
  const listenWith = (of: object) => adapterListens(() => String(of));
  adopt(socket, { onMessage: () => {}, onError: () => {} });
  listenWith(request);
  request = undefined;
  await vi.waitFor(() => {
    collect();
    // Not the object itself: the assertion would hold it.
    expect(held.deref() === undefined).toBe(true);
  });
  expect(socket.readyState).toBe(WebSocket.OPEN);
});
