import { once } from 'node:events';
import { request } from 'node:http';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { resettableAgent } from './resettable-agent.ts';

/** More than a peer that does not read takes in, less than a kernel keeps to send. */
const BODY_BYTES = 1_000_000;

it('what a reset connection had not sent yet is never sent', async () => {
  const server = createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { agent, reset } = resettableAgent(false);
  try {
    const outgoing = request({ agent, port: (server.address() as AddressInfo).port, method: 'POST' });
    const failed = once(outgoing, 'response').catch((error: NodeJS.ErrnoException) => error.code);
    const handedOver = once(outgoing, 'finish');
    outgoing.end(Buffer.alloc(BODY_BYTES));
    const [incoming] = (await once(server, 'connection')) as [Socket];
    await handedOver;

    reset();
    expect(await failed).toBe('ECONNRESET');
    let received = 0;
    incoming.on('error', () => {});
    incoming.on('data', (chunk) => {
      received += chunk.length;
    });
    await once(incoming.resume(), 'close');
    expect(received).toBeLessThan(BODY_BYTES);
  } finally {
    agent.destroy();
    server.close();
  }
});

it('a connection serves one request after the other, and a new one is made after a reset', async () => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { agent, reset } = resettableAgent(false);
  const ask = async () => {
    const outgoing = request({ agent, port: (server.address() as AddressInfo).port }).end();
    const [answer] = await once(outgoing, 'response');
    await once(answer.resume(), 'end');
  };
  try {
    await ask();
    await ask();
    expect(sockets.size).toBe(1);
    reset();
    await ask();
    expect(sockets.size).toBe(2);
  } finally {
    agent.destroy();
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});
