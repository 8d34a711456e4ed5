import { afterEach, describe, expect, it } from 'vitest';
import { createAuthority, startTlsFront, type TlsFront } from '../certificates.fixture.ts';
import { describeWithStack } from '../stack.fixture.ts';
import { openLive } from './open.ts';
import { startRefusingRedis } from './refusing-redis.fixture.ts';

const authority = createAuthority();
const fronts: TlsFront[] = [];
afterEach(async () => {
  for (const front of fronts.splice(0)) await front.close();
});

async function front(target: number, host = '127.0.0.1', validForMs?: number): Promise<TlsFront> {
  const started = await startTlsFront({ secureContext: authority.certify(host, validForMs), target });
  fronts.push(started);
  return started;
}

async function ping(url: string, ca?: string): Promise<void> {
  const store = await openLive(url, { ca });
  try {
    await store.ping();
  } finally {
    await store.close();
  }
}

describe('rediss://', () => {
  /** That it is refused its password shows that it got through. */
  it('reaches a server whose authority is trusted, by address and by name', async () => {
    const server = await startRefusingRedis();
    const byAddress = await front(server.port);
    await expect(ping(`rediss://:secret@127.0.0.1:${byAddress.port}`, authority.pem)).rejects.toThrow(
      'WRONGPASS',
    );
    const byName = await front(server.port, 'localhost');
    await expect(ping(`rediss://:secret@localhost:${byName.port}`, authority.pem)).rejects.toThrow(
      'WRONGPASS',
    );
    expect(byName.serverNames).toContain('localhost');
    for (const started of fronts.splice(0)) await started.close();
    await server.close();
  });

  it('refuses a server of an unknown authority, and says so', async () => {
    const { port } = await front(1);
    for (const ca of [undefined, createAuthority('another').pem]) {
      await expect(ping(`rediss://127.0.0.1:${port}`, ca)).rejects.toThrow(
        /its certificate is of an unknown authority: .*TLS_CA_FILE/,
      );
    }
  });

  it('refuses a certificate of another host, and one that has ended', async () => {
    const other = await front(1, 'redis.example');
    await expect(ping(`rediss://127.0.0.1:${other.port}`, authority.pem)).rejects.toThrow('does not match');
    const ended = await front(1, '127.0.0.1', -60_000);
    await expect(ping(`rediss://127.0.0.1:${ended.port}`, authority.pem)).rejects.toThrow('expired');
  });
});

describe('rediss+cluster://', () => {
  it('refuses nodes of an unknown authority, and says so', async () => {
    const { port } = await front(1);
    await expect(ping(`rediss+cluster://127.0.0.1:${port}`)).rejects.toThrow(
      /its certificate is of an unknown authority: .*TLS_CA_FILE/,
    );
  });
});

describeWithStack('a real Redis behind TLS', 'STACK_REDIS', (url) => {
  it('is used for commands and for messages', async () => {
    const { port } = await front(Number(new URL(url).port));
    const store = await openLive(`rediss://127.0.0.1:${port}?prefix=tls-test:`, { ca: authority.pem });
    const heard: string[] = [];
    await store.subscribe('news', (message) => heard.push(message));
    await store.publish('news', 'hello');
    await expect.poll(() => heard).toEqual(['hello']);
    await store.cache('key', 'value', 1_000);
    expect(await store.cached('key')).toBe('value');
    await store.close();
  });
});
