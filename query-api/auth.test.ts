import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { authenticator, signToken } from './auth.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function keySet(algorithm: string) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  const body = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: '1', alg: algorithm }] });
  const server = createServer((_request, response) => response.end(body)).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((listening) => server.once('listening', listening));
  const { port }: AddressInfo | { port: number } = Object(server.address());
  return { jwksUrl: `http://127.0.0.1:${port}/jwks.json`, privateKey };
}

describe('tokens of a key set', () => {
  it.each(['RS256', 'ES256', 'EdDSA'])('are good when signed with its key: %s', async (alg) => {
    const { jwksUrl, privateKey } = await keySet(alg);
    const token = await new SignJWT({ is_moderator: true })
      .setProtectedHeader({ alg, kid: '1' })
      .setSubject('mia')
      .setExpirationTime('1h')
      .sign(privateKey);
    const identity = await authenticator({ jwksUrl }, Date.now)(token);
    expect(identity).toMatchObject({ subject: 'mia', mayRead: true });
  });

  it('are refused when a secret signed them', async () => {
    const { jwksUrl } = await keySet('RS256');
    const token = await signToken({ staff: true, expiresIn: 60 }, 'a secret that is long enough for HS256');
    await expect(authenticator({ jwksUrl }, Date.now)(token)).rejects.toMatchObject({
      code: 'unauthenticated',
    });
  });

  it('cannot be judged while the key set cannot be had', async () => {
    const { privateKey } = await keySet('ES256');
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: 'ES256' })
      .setExpirationTime('1h')
      .sign(privateKey);
    const authenticate = authenticator({ jwksUrl: 'http://127.0.0.1:9/jwks.json' }, Date.now);
    await expect(authenticate(token)).rejects.toMatchObject({ code: 'unavailable' });
  });
});

it('refuses to start without a secret', () => {
  expect(() => authenticator({ secret: '' }, Date.now)).toThrow('JWT secret');
});
