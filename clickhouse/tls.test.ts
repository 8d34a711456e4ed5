import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, startTlsFront, type TlsFront } from '../certificates.fixture.ts';
import { startFront } from './http-front-process.fixture.ts';
import { openAnalytics } from './open.ts';
import { batch } from './reference.case.ts';

const authority = createAuthority();
let folder: string;
let server: Awaited<ReturnType<typeof startFront>>;
const fronts: TlsFront[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-clickhouse-tls-'));
  server = await startFront(join(folder, 'data'), {});
});
afterEach(async () => {
  for (const front of fronts.splice(0)) await front.close();
});
afterAll(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

async function front(host = '127.0.0.1', validForMs?: number): Promise<TlsFront> {
  const target = Number(new URL(server.url).port);
  const started = await startTlsFront({ secureContext: authority.certify(host, validForMs), target });
  fronts.push(started);
  return started;
}

describe('https://', () => {
  it('reaches a server whose authority is trusted, with statements, inserts and questions', async () => {
    const { port, serverNames } = await front('localhost');
    const store = await openAnalytics(`https://localhost:${port}`, { rawDays: 36_500, ca: authority.pem });
    await store.insert(batch(3));
    await store.ping();
    await store.close();
    expect(serverNames).toContain('localhost');
  });

  it('reaches a server by its address', async () => {
    const { port } = await front();
    await (await openAnalytics(`https://127.0.0.1:${port}`, { rawDays: 36_500, ca: authority.pem })).close();
  });

  it('refuses a server of an unknown authority, and says so', async () => {
    const { port } = await front();
    for (const ca of [undefined, createAuthority('another').pem]) {
      await expect(openAnalytics(`https://127.0.0.1:${port}`, { rawDays: 1, ca })).rejects.toThrow(
        /its certificate is of an unknown authority: .*TLS_CA_FILE/,
      );
    }
  });

  it('refuses a certificate of another host, and one that has ended', async () => {
    const options = { rawDays: 1, ca: authority.pem };
    const other = await front('clickhouse.example');
    await expect(openAnalytics(`https://127.0.0.1:${other.port}`, options)).rejects.toThrow('does not match');
    const ended = await front('127.0.0.1', -60_000);
    await expect(openAnalytics(`https://127.0.0.1:${ended.port}`, options)).rejects.toThrow('expired');
  });
});
