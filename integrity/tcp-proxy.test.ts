import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { TcpProxy } from './tcp-proxy.ts';

let echo: Server;
let proxy: TcpProxy;
const clients: Socket[] = [];

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const address = echo.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  proxy = await TcpProxy.open(address.port);
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy();
  await proxy.close();
  echo.close();
});

async function client(): Promise<{ socket: Socket; received: () => string; ended: Promise<string> }> {
  const socket = connect(proxy.port, '127.0.0.1');
  clients.push(socket);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  const ended = new Promise<string>((resolve) => {
    socket.once('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    socket.once('close', () => resolve('closed'));
  });
  await Promise.race([once(socket, 'connect'), ended]);
  return { socket, received: () => text, ended };
}

it('carries bytes both ways, in order, also with a delay', async () => {
  const one = await client();
  proxy.delay(20);
  for (let n = 0; n < 20; n++) one.socket.write(`${n} `);
  const sent = Array.from({ length: 20 }, (_, n) => `${n} `).join('');
  await vi.waitFor(() => expect(one.received()).toBe(sent), { timeout: 5_000 });
});

it('cuts what is open, and takes new connections at once', async () => {
  const one = await client();
  one.socket.write('a');
  await vi.waitFor(() => expect(one.received()).toBe('a'));
  proxy.cut();
  expect(await one.ended).toMatch(/ECONNRESET|closed/);
  expect(proxy.cuts).toBe(1);
  const two = await client();
  two.socket.write('b');
  await vi.waitFor(() => expect(two.received()).toBe('b'));
});

it('refuses until it is restored, on the same port', async () => {
  const { port } = proxy;
  await proxy.refuse();
  expect(await (await client()).ended).toBe('ECONNREFUSED');
  await proxy.restore();
  expect(proxy.port).toBe(port);
  const one = await client();
  one.socket.write('a');
  await vi.waitFor(() => expect(one.received()).toBe('a'));
});

it('swallows what is sent while it is half-open, and cuts the connection in the end', async () => {
  const one = await client();
  one.socket.write('a');
  await vi.waitFor(() => expect(one.received()).toBe('a'));
  proxy.swallow();
  one.socket.write('lost');
  const two = await client();
  two.socket.write('lost as well');
  await proxy.restore();
  expect(await one.ended).toMatch(/ECONNRESET|closed/);
  expect([one.received(), two.received()]).toEqual(['a', '']);
});
