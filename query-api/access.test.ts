import { SignJWT, UnsecuredJWT } from 'jose';
import Type from 'typebox';
import Value from 'typebox/value';
import { describe, expect, it, vi } from 'vitest';
import { SECRET } from './api.fixture.ts';
import { signToken } from './auth.ts';
import { ENDPOINTS } from './routes.ts';
import { useApi } from './use-api.fixture.ts';

const OpenApi = Type.Object({
  openapi: Type.String({ pattern: '^3\\.1' }),
  paths: Type.Record(
    Type.String(),
    Type.Record(
      Type.String(),
      Type.Object({
        security: Type.Array(Type.Unknown()),
        parameters: Type.Array(
          Type.Object({
            name: Type.String(),
            in: Type.Enum(['path', 'query']),
            required: Type.Boolean(),
            schema: Type.Object({ type: Type.Optional(Type.String()) }),
          }),
        ),
        responses: Type.Record(Type.String(), Type.Unknown()),
      }),
    ),
  ),
});

const { api, start } = useApi();
const key = new TextEncoder().encode(SECRET);
/** Of a community, and of nothing else. */
const UNKNOWN_ID = '20000000-0000-4000-8000-aaaaaaaaaaa1';
const unsigned = () => new UnsecuredJWT({ is_staff: true }).setExpirationTime('1h').encode();
const claims = (payload: Record<string, unknown>) =>
  new SignJWT(payload).setProtectedHeader({ alg: 'HS256' }).setExpirationTime('1h').sign(key);

async function document() {
  const response = await fetch(`${api().url}/api/analytics/openapi.json`);
  expect(response.status).toBe(200);
  return Value.Parse(OpenApi, await response.json());
}

describe('the OpenAPI document', () => {
  it('has every endpoint, with the parameters of its path', async () => {
    const { paths } = await document();
    expect(Object.keys(paths)).toEqual(ENDPOINTS.map(({ path }) => `/api/analytics/${path}`));
    for (const [path, operations] of Object.entries(paths)) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters } of Object.values(operations))
        expect(parameters.filter((p) => p.in === 'path').map((p) => p.name)).toEqual(named);
    }
  });

  it('can be read as a page without scripts', async () => {
    const response = await fetch(`${api().url}/api/analytics/docs`);
    const page = await response.text();
    expect(response.headers.get('Content-Type')).toContain('text/html');
    for (const { path } of ENDPOINTS) expect(page).toContain(`/api/analytics/${path}`);
    expect(page).not.toContain('<script');
  });
});

describe('access', () => {
  const REFUSED: [
    who: string,
    status: number,
    header: () => Promise<string | undefined> | string | undefined,
  ][] = [
    ['nobody', 401, () => undefined],
    ['another scheme', 401, () => 'Basic YWRtaW46YWRtaW4='],
    ['garbage', 401, () => 'Bearer garbage'],
    ['a token without signature', 401, () => `Bearer ${unsigned()}`],
    [
      'another secret',
      401,
      async () => `Bearer ${await signToken({ staff: true, expiresIn: 60 }, `${SECRET}!`)}`,
    ],
    ['an expired token', 401, async () => `Bearer ${await api().token({ staff: true, expiresIn: -61 })}`],
    [
      'a token without an end',
      401,
      async () =>
        `Bearer ${await new SignJWT({ is_staff: true }).setProtectedHeader({ alg: 'HS256' }).sign(key)}`,
    ],
    [
      'another algorithm',
      401,
      async () =>
        `Bearer ${await new SignJWT({ is_staff: true })
          .setProtectedHeader({ alg: 'HS512' })
          .setExpirationTime('1h')
          .sign(new TextEncoder().encode(SECRET.repeat(2)))}`,
    ],
    ['a user', 403, async () => `Bearer ${await api().token({})}`],
    [
      'a claim that is not true',
      403,
      async () => `Bearer ${await claims({ is_staff: 'true', is_moderator: 1 })}`,
    ],
  ];
  const ADMITTED: [who: string, header: () => Promise<string>][] = [
    ['staff', async () => `Bearer ${await api().token({ staff: true })}`],
    ['a moderator', async () => `bearer ${await api().token({ moderator: true })}`],
    [
      'staff within the clock tolerance',
      async () => `Bearer ${await api().token({ staff: true, expiresIn: -30 })}`,
    ],
  ];

  async function statuses(header: string | undefined) {
    const { paths } = await document();
    const headers = header === undefined ? {} : { Authorization: header };
    const operations = Object.entries(paths).flatMap(([path, each]) =>
      Object.entries(each).map(([method, { security }]) => ({ path, method, security })),
    );
    return Promise.all(
      operations.map(async ({ path, method, security }) => {
        const url = api().url + path.replace('{id}', UNKNOWN_ID).replace('{fingerprint}', 'a-fingerprint');
        const response = await fetch(url, { method: method.toUpperCase(), headers });
        await response.arrayBuffer();
        return { path, method, isPublic: security.length === 0, status: response.status, response };
      }),
    );
  }

  it.each(REFUSED)('is refused on every route to %s: %i', async (_who, expected, header) => {
    for (const { path, isPublic, status, response } of await statuses(await header())) {
      expect(status, path).toBe(isPublic ? 200 : expected);
      if (status === 401) expect(response.headers.get('WWW-Authenticate')).toMatch(/^Bearer/);
    }
  });

  it.each(ADMITTED)('is given on every route to %s, but for those of staff alone', async (who, header) => {
    for (const { path, method, status } of await statuses(await header())) {
      const isForStaff = /\/(pipeline|privacy)\//.test(path);
      const found = path.endsWith('/erasures/{id}') ? 404 : 200;
      const done = method === 'delete' ? 202 : found;
      expect(status, path).toBe(isForStaff && who === 'a moderator' ? 403 : done);
    }
  });

  it('is public on the document and its page alone', () => {
    const open = ENDPOINTS.filter((endpoint) => endpoint.access === 'public').map(({ path }) => path);
    expect(open).toEqual(['openapi.json', 'docs']);
  });
});

describe('paths and methods', () => {
  it('hold with and without their trailing slash', async () => {
    expect((await api().get('visitors')).status).toBe(200);
    expect((await api().get('visitors/today')).status).toBe(200);
    expect((await api().get('docs/')).status).toBe(200);
  });

  it('are refused where they are unknown', async () => {
    const nowhere = await api().get('nowhere/');
    expect(nowhere.status).toBe(404);
    expect(await nowhere.json()).toMatchObject({ error: 'not_found' });
    const posted = await fetch(`${api().url}/api/analytics/visitors/`, { method: 'POST', body: '{}' });
    expect(posted.status).toBe(405);
    expect(posted.headers.get('Allow')).toBe('GET, HEAD');
    expect(await posted.json()).toMatchObject({ error: 'method_not_allowed' });
  });

  it('answer HEAD without a body', async () => {
    const headers = { Authorization: `Bearer ${await api().token()}` };
    const response = await fetch(`${api().url}/api/analytics/visitors/`, { method: 'HEAD', headers });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe('');
  });
});

describe('operators', () => {
  it('see that the API is alive, ready and what it counts', async () => {
    await api().get('visitors/');
    expect((await fetch(`${api().url}/healthz`)).status).toBe(200);
    expect((await fetch(`${api().url}/readyz`)).status).toBe(200);
    const metrics = await (await fetch(`${api().url}/metrics`)).text();
    expect(metrics).toMatch(/footfall_api_request_seconds_count\{endpoint="visitors\/",status="200"\} \d+/);
    expect(metrics).toMatch(/footfall_api_query_seconds_count\{query="visitors"\} \d+/);
    expect(metrics).toContain('footfall_api_sockets{kind="dashboard"} 0');
  });

  it('are told in words why it is not ready', async () => {
    const problems = ['the log does not answer'];
    const degraded = ['the live store does not answer'];
    const other = await start({ readiness: async () => ({ ready: false, problems, degraded }) });
    const response = await fetch(`${other.url}/readyz`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ ready: false, problems, degraded });
  });
});

describe('rate limits', () => {
  const ask = (url: string, headers: Record<string, string>) =>
    fetch(`${url}/api/analytics/openapi.json`, { headers });

  it('count anonymous requests by address, behind a trusted proxy too', async () => {
    const { url, live } = await start({ config: { rateLimitAnonymous: 2 } });
    const take = vi.spyOn(live, 'take');
    const from = (address: string) => ask(url, { 'X-Forwarded-For': address });
    const first = await from('203.0.113.1');
    expect(first.status).toBe(200);
    expect(first.headers.get('RateLimit-Limit')).toBe('2');
    expect(first.headers.get('RateLimit-Remaining')).toBe('1');
    expect((await from('203.0.113.1')).status).toBe(200);
    const third = await from('203.0.113.1');
    expect(third.status).toBe(429);
    expect(await third.json()).toMatchObject({ error: 'rate_limited' });
    expect(Number(third.headers.get('Retry-After'))).toBeGreaterThan(3_500);
    expect(third.headers.get('RateLimit-Remaining')).toBe('0');
    expect((await from('203.0.113.2')).status).toBe(200);
    // An address itself is kept nowhere.
    expect(take).toHaveBeenCalledTimes(4);
    expect(take.mock.calls.join()).not.toContain('203.0.113');
  });

  it('do not believe a forwarded address from a peer that is not trusted', async () => {
    const { url } = await start({ config: { rateLimitAnonymous: 1, trustedProxies: [] } });
    expect((await ask(url, { 'X-Forwarded-For': '203.0.113.1' })).status).toBe(200);
    expect((await ask(url, { 'X-Forwarded-For': '203.0.113.2' })).status).toBe(429);
  });

  it('count a user wherever the requests come from, apart from the anonymous ones', async () => {
    const other = await start({ config: { rateLimitAnonymous: 1, rateLimitUser: 2 } });
    expect((await other.get('growth/')).headers.get('RateLimit-Limit')).toBe('2');
    expect((await other.get('growth/', { 'X-Forwarded-For': '203.0.113.9' })).status).toBe(200);
    expect((await other.get('growth/')).status).toBe(429);
    const another = { Authorization: `Bearer ${await other.token({ staff: true, subject: 'another' })}` };
    expect((await other.get('growth/', another)).status).toBe(200);
    expect((await ask(other.url, {})).status).toBe(200);
  });

  it('limit whoever guesses tokens', async () => {
    const { url } = await start({ config: { rateLimitAnonymous: 1 } });
    const guess = () =>
      fetch(`${url}/api/analytics/visitors/`, { headers: { Authorization: 'Bearer guess' } });
    expect((await guess()).status).toBe(401);
    expect((await guess()).status).toBe(429);
  });

  it('are off at 0', async () => {
    expect((await api().get('growth/')).headers.get('RateLimit-Limit')).toBeNull();
  });
});

describe('CORS', () => {
  const ask = (origin: string, init: RequestInit = {}) =>
    fetch(`${api().url}/api/analytics/visitors/`, { ...init, headers: { ...init.headers, Origin: origin } });

  it('answers the preflight of an allowed origin', async () => {
    const response = await ask('https://admin.example', {
      method: 'OPTIONS',
      headers: { 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization' },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('https://admin.example');
    expect(response.headers.get('Access-Control-Allow-Credentials')).toBe('true');
    expect(response.headers.get('Access-Control-Allow-Headers')).toContain('Authorization');
  });

  it('lets an allowed origin read refusals too', async () => {
    const response = await ask('https://admin.example');
    expect(response.status).toBe(401);
    expect(response.headers.get('Access-Control-Allow-Origin')).toBe('https://admin.example');
    expect(response.headers.get('Vary')).toContain('Origin');
  });

  it('says nothing to another origin', async () => {
    const response = await ask('https://evil.example');
    expect(response.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });
});
