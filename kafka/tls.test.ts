import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { createAuthority, startTlsFront, type TlsFront } from '../certificates.fixture.ts';
import { kafkaClient } from './kafka-cluster.ts';
import { openLog } from './open.ts';
import type { BrokerAccess } from './port.ts';

/** Of the protocol: the first request of every client. */
const API_VERSIONS = 18;
const authority = createAuthority();
const TRUSTING: BrokerAccess = { tls: true, ca: authority.pem };

const fronts: TlsFront[] = [];
const servers: Server[] = [];
afterEach(async () => {
  for (const front of fronts.splice(0)) await front.close();
  for (const server of servers.splice(0)) server.close();
});

interface Broker extends TlsFront {
  /** Numbers of the requests that came through. */
  requests: number[];
}

/** Takes requests and answers none. */
async function mute(host: string, validForMs?: number): Promise<Broker> {
  const requests: number[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (request) => requests.push(request.readInt16BE(4)));
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  const address = server.address();
  const target = typeof address === 'object' && address !== null ? address.port : 0;
  const front = await startTlsFront({ secureContext: authority.certify(host, validForMs), target });
  fronts.push(front);
  return { ...front, requests };
}

const open = (port: number, access: BrokerAccess) =>
  openLog(`kafka://127.0.0.1:${port}`, {
    ...{ partitions: 1, retentionMs: 1, retentionBytes: 1, maxBytes: 2, access },
    onTrouble: () => {},
  });

test.each(['127.0.0.1', 'localhost'])('a broker whose authority is trusted is asked: %s', async (host) => {
  const broker = await mute(host);
  const admin = kafkaClient([`${host}:${broker.port}`], TRUSTING).admin();
  const connected = admin.connect().catch((error: unknown) => error);
  await expect.poll(() => broker.requests).toContain(API_VERSIONS);
  expect(broker.serverNames).toContain(host === 'localhost' ? 'localhost' : false);
  await broker.close();
  fronts.splice(0);
  await connected;
  await admin.disconnect();
});

test.each([
  [
    'of an unknown authority',
    '127.0.0.1',
    undefined,
    { tls: true },
    /of an unknown authority: .*TLS_CA_FILE/,
  ],
  [
    'of another authority than the one that is trusted',
    '127.0.0.1',
    undefined,
    { tls: true, ca: createAuthority('another').pem },
    /of an unknown authority: .*TLS_CA_FILE/,
  ],
  ['of another host', 'kafka.example', undefined, TRUSTING, /its certificate is refused: .*does not match/],
  ['that has ended', '127.0.0.1', -60_000, TRUSTING, /its certificate is refused: .*expired/],
])('a certificate %s is refused at once, and said so', async (_, host, validForMs, access, message) => {
  const broker = await mute(host, validForMs);
  const begun = performance.now();
  await expect(open(broker.port, access)).rejects.toThrow(message);
  expect(performance.now() - begun).toBeLessThan(15_000);
  expect(broker.requests).toEqual([]);
});
