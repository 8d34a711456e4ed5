import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, startTlsFront, type TlsFront } from '../certificates.fixture.ts';
import { OwnServer } from './networked.fixture.ts';
import { openSessions, type SessionsOptions } from './open.ts';

const SSL_REQUEST_BYTES = 8;
const authority = createAuthority();
const folder = mkdtempSync(join(tmpdir(), 'footfall-tls-'));
const file = (name: string, text: string) => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

let server: OwnServer;
const fronts: TlsFront[] = [];
beforeAll(async () => {
  server = await OwnServer.make();
  await server.start();
});
afterEach(async () => {
  for (const front of fronts.splice(0)) await front.close();
});
afterAll(async () => {
  await server.remove();
  rmSync(folder, { recursive: true });
});

async function front(
  host: string,
  { validForMs, direct = false }: { validForMs?: number; direct?: boolean } = {},
) {
  const started = await startTlsFront({
    secureContext: authority.certify(host, validForMs),
    target: Number(new URL(server.url()).port),
    ...(!direct && {
      greet: async (socket) => {
        let asked = 0;
        while (asked < SSL_REQUEST_BYTES) asked += (await once(socket, 'data'))[0].length;
        socket.write('S');
      },
    }),
  });
  fronts.push(started);
  return started;
}

const urlOf = (port: number, parameters: string, host = '127.0.0.1') => {
  const url = new URL(server.url());
  url.host = `${host}:${port}`;
  url.search = parameters;
  return url.href;
};

async function open(url: string, options: Partial<SessionsOptions> = {}): Promise<void> {
  const store = await openSessions(url, { sessionTimeoutMs: 1, reachWithinMs: 0, ...options });
  try {
    await store.ping();
  } finally {
    await store.close();
  }
}

const UNKNOWN = /its certificate is of an unknown authority: .*TLS_CA_FILE/;

describe.each(['sslmode=require', 'sslmode=verify-full', 'sslnegotiation=postgres'])('%s', (mode) => {
  it('reaches a server whose authority is trusted, by address and by name', async () => {
    const byAddress = await front('127.0.0.1');
    await open(urlOf(byAddress.port, mode), { ca: authority.pem });
    const byName = await front('localhost');
    await open(urlOf(byName.port, mode, 'localhost'), { ca: authority.pem });
    expect(byName.serverNames).toContain('localhost');
  });

  it('refuses a server of an unknown authority at once, and says why', async () => {
    const { port } = await front('127.0.0.1');
    const begun = performance.now();
    await expect(open(urlOf(port, mode), { reachWithinMs: 60_000 })).rejects.toThrow(UNKNOWN);
    await expect(open(urlOf(port, mode), { ca: createAuthority('another').pem })).rejects.toThrow(UNKNOWN);
    expect(performance.now() - begun).toBeLessThan(30_000);
  });

  it.each([
    ['of another host', 'db.example', {}, /its certificate is refused: .*does not match/],
    ['that has ended', '127.0.0.1', { validForMs: -60_000 }, /its certificate is refused: .*expired/],
  ])('refuses a certificate %s', async (_, host, options, message) => {
    const { port } = await front(host, options);
    await expect(open(urlOf(port, mode), { ca: authority.pem })).rejects.toThrow(message);
  });
});

it('without sslmode there is no TLS, whatever the environment says to the driver', async () => {
  process.env.PGSSLMODE = 'require';
  try {
    await open(server.url());
    await open(`${server.url()}?sslmode=disable`);
  } finally {
    delete process.env.PGSSLMODE;
  }
});

it('a server without TLS is refused to who asks for it', async () => {
  await expect(open(`${server.url()}?sslmode=require`)).rejects.toThrow('does not support SSL');
});

it('sslmode=no-verify takes whoever answers', async () => {
  const { port } = await front('db.example');
  await open(urlOf(port, 'sslmode=no-verify'));
});

it('sslnegotiation=direct begins with TLS, and verifies as well', async () => {
  const { port } = await front('127.0.0.1', { direct: true });
  await open(urlOf(port, 'sslnegotiation=direct'), { ca: authority.pem });
  await expect(open(urlOf(port, 'sslnegotiation=direct'))).rejects.toThrow(UNKNOWN);
});

it('sslrootcert names who alone is trusted', async () => {
  const { port } = await front('127.0.0.1');
  const [ours, others] = [
    file('ours.pem', authority.pem),
    file('others.pem', createAuthority('another').pem),
  ];
  await open(urlOf(port, `sslrootcert=${ours}`));
  await expect(open(urlOf(port, `sslrootcert=${others}`), { ca: authority.pem })).rejects.toThrow(UNKNOWN);
});

it.each([
  ['sslmode=prefer', 'sslmode is one of disable, require, verify-full, no-verify'],
  ['sslmode=verify-ca', 'sslmode is one of'],
  ['sslmode=', 'sslmode is one of'],
  ['sslnegotiation=later', 'sslnegotiation is one of postgres, direct'],
  ['sslmode=require&uselibpqcompat=true', 'unknown parameter uselibpqcompat'],
  [`sslrootcert=${folder}/missing.pem`, `sslrootcert=${folder}/missing.pem cannot be read`],
  [`sslcert=${file('garbage.pem', 'garbage')}`, 'is not PEM'],
])('%s is an error', async (parameters, message) => {
  await expect(open(urlOf(1, parameters))).rejects.toMatchObject({
    name: 'EngineUrlError',
    message: expect.stringContaining(message),
  });
});
