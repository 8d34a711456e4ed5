import { exportJWK, exportSPKI, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { authenticator, signToken } from './auth.ts';
import { type IdentityProvider, startIdentityProvider } from './identity-provider.fixture.ts';

const SECRET = 'a secret of the tests, long enough for HS256';
const NOW = Date.parse('2026-05-04T12:00:00Z');
const NOW_S = NOW / 1_000;
const REFUSED = { code: 'unauthenticated' };

const withSecret = (payload: JWTPayload) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(SECRET));
const judge = (token: string, scope: { audience?: string; issuer?: string } = {}) =>
  authenticator({ secret: SECRET, ...scope }, () => NOW)(token);

describe('the time of a token', () => {
  it.each([
    ['ended 59 s ago', { exp: NOW_S - 59 }],
    ['begins in 60 s', { exp: NOW_S + 600, nbf: NOW_S + 60 }],
    ['began', { exp: NOW_S + 600, nbf: NOW_S - 600 }],
  ])('is good where it %s: clocks differ', async (_, claims) => {
    expect(await judge(await withSecret(claims))).toMatchObject({ mayRead: false });
  });

  it.each([
    ['ended 60 s ago', { exp: NOW_S - 60 }],
    ['begins in 61 s', { exp: NOW_S + 600, nbf: NOW_S + 61 }],
    ['has no end', { nbf: NOW_S - 600 }],
    ['has an end that is no number', JSON.parse('{"exp":"2030-01-01"}')],
  ])('is refused where it %s', async (_, claims) => {
    await expect(judge(await withSecret(claims))).rejects.toMatchObject(REFUSED);
  });
});

describe('audience and issuer', () => {
  const scope = { audience: 'footfall', issuer: 'https://id.example' };
  const exp = NOW_S + 600;

  it.each([
    ['the same', { aud: 'footfall', iss: 'https://id.example' }],
    ['one of several audiences', { aud: ['another', 'footfall'], iss: 'https://id.example' }],
  ])('are good when they are %s', async (_, claims) => {
    expect(await judge(await withSecret({ exp, sub: 'mia', ...claims }), scope)).toMatchObject({
      subject: 'mia',
    });
  });

  it.each([
    ['none', {}],
    ['no audience', { iss: 'https://id.example' }],
    ['another audience', { aud: 'shop', iss: 'https://id.example' }],
    ['no issuer', { aud: 'footfall' }],
    ['another issuer', { aud: 'footfall', iss: 'https://id.example.org' }],
  ])('are needed when they are set, and refused when there is %s', async (_, claims) => {
    await expect(judge(await withSecret({ exp, ...claims }), scope)).rejects.toMatchObject(REFUSED);
  });

  it('are not looked at when they are not set', async () => {
    expect(await judge(await withSecret({ exp, aud: 'shop', iss: 'anybody' }))).toBeDefined();
  });

  it('are in tokens of our own', async () => {
    const token = await signToken({ moderator: true, expiresIn: 60, ...scope }, SECRET, NOW);
    expect(await judge(token, scope)).toMatchObject({ mayRead: true, isStaff: false });
  });
});

it('takes a subject that is no text for none', async () => {
  const claims = JSON.parse('{"sub":{"admin":true}}');
  expect(await judge(await withSecret({ exp: NOW_S + 60, ...claims }))).toMatchObject({ subject: undefined });
});

it('refuses to start without a secret', () => {
  expect(() => authenticator({ secret: '' }, Date.now)).toThrow('JWT secret');
});

describe('tokens of a key set', () => {
  let provider: IdentityProvider;
  beforeEach(async () => {
    provider = await startIdentityProvider();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await provider.close();
  });
  const authenticate = () => authenticator({ jwksUrl: provider.url }, Date.now);

  it.each(['RS256', 'PS256', 'ES256', 'EdDSA'])('are good when signed with its key: %s', async (alg) => {
    await provider.rotate('1', alg);
    const token = await provider.token('1', { is_moderator: true, sub: 'mia' });
    expect(await authenticate()(token)).toMatchObject({ subject: 'mia', mayRead: true });
  });

  it('need the audience and the issuer as others do', async () => {
    await provider.rotate('1', 'ES256');
    const strict = authenticator({ jwksUrl: provider.url, audience: 'footfall', issuer: 'id' }, Date.now);
    await expect(strict(await provider.token('1'))).rejects.toMatchObject(REFUSED);
    expect(await strict(await provider.token('1', { aud: 'footfall', iss: 'id' }))).toBeDefined();
  });

  it('are judged by keys that are kept: the set is read once', async () => {
    await provider.rotate('1', 'ES256');
    const judge = authenticate();
    const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => provider.token('1', { sub })));
    await Promise.all(tokens.map(judge));
    for (const token of tokens) await judge(token);
    expect(provider.requests()).toBe(1);
  });

  it('of a new key are good once the set may be asked again, those of the one before no longer', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await provider.rotate('1', 'ES256');
    const judge = authenticate();
    const before = await provider.token('1');
    await judge(before);
    await provider.rotate('2', 'ES256');
    const after = await provider.token('2');
    vi.setSystemTime(Date.now() + 29_000);
    await expect(judge(after)).rejects.toMatchObject(REFUSED);
    expect(provider.requests()).toBe(1);
    vi.setSystemTime(Date.now() + 2_000);
    expect(await judge(after)).toBeDefined();
    expect(provider.requests()).toBe(2);
    await expect(judge(before)).rejects.toMatchObject(REFUSED);
  });

  it('of a key that was withdrawn are refused after 10 minutes', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    await provider.rotate('1', 'ES256');
    const judge = authenticate();
    const token = await provider.token('1', { exp: Math.floor(Date.now() / 1_000) + 3_600 });
    await judge(token);
    await provider.rotate('2', 'ES256');
    vi.setSystemTime(Date.now() + 601_000);
    await expect(judge(token)).rejects.toMatchObject(REFUSED);
  });

  it('with key ids that nobody knows do not make us ask again and again', async () => {
    await provider.rotate('1', 'ES256');
    const judge = authenticate();
    await judge(await provider.token('1'));
    for (const kid of ['x', 'y', 'z']) {
      const token = await provider.token('1', {}, { kid });
      await expect(judge(token)).rejects.toMatchObject(REFUSED);
    }
    expect(provider.requests()).toBe(1);
  });

  it('are refused when a secret signed them, also one that is the public key', async () => {
    await provider.rotate('1', 'RS256');
    const publicKey = provider.publicKey('1');
    const secrets = [SECRET, await exportSPKI(publicKey), JSON.stringify(await exportJWK(publicKey))];
    for (const secret of secrets) {
      const forged = await new SignJWT({ is_staff: true })
        .setProtectedHeader({ alg: 'HS256', kid: '1' })
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(secret));
      await expect(authenticate()(forged)).rejects.toMatchObject(REFUSED);
    }
  });

  it('are refused when nobody signed them', async () => {
    await provider.rotate('1', 'RS256');
    const unsigned = new UnsecuredJWT({ is_staff: true }).setExpirationTime('1h').encode();
    await expect(authenticate()(unsigned)).rejects.toMatchObject(REFUSED);
  });

  it('are refused when they bring their key along', async () => {
    await provider.rotate('1', 'ES256');
    const other = await startIdentityProvider();
    await other.rotate('1', 'ES256');
    const jwk = await exportJWK(other.publicKey('1'));
    const forged = await other.token('1', { is_staff: true }, { jwk, jku: other.url });
    await other.close();
    await expect(authenticate()(forged)).rejects.toMatchObject(REFUSED);
    expect(other.requests()).toBe(0);
  });

  it('without a key id are refused where several keys would do', async () => {
    await provider.rotate('1', 'ES256');
    const token = await provider.token('1', {}, { kid: null });
    expect(await authenticate()(token)).toBeDefined();
    await provider.add('2', 'ES256');
    await expect(authenticate()(token)).rejects.toMatchObject(REFUSED);
  });

  it.each([
    ['answers with an error', 500, '{}'],
    ['answers with a page', 200, '<html>'],
    ['sends us elsewhere', 302, ''],
  ])('cannot be judged while the provider %s', async (_, status, body) => {
    await provider.rotate('1', 'ES256');
    provider.fail(status, body);
    await expect(authenticate()(await provider.token('1'))).rejects.toMatchObject({
      code: 'unavailable',
      headers: { 'Retry-After': '5' },
    });
  });

  it('cannot be judged while nobody answers', async () => {
    await provider.rotate('1', 'ES256');
    const token = await provider.token('1');
    await provider.close();
    await expect(authenticate()(token)).rejects.toMatchObject({ code: 'unavailable' });
  });
});
