import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ENDPOINTS } from './routes.ts';
import { useApi } from './use-api.fixture.ts';

const { api, start } = useApi();

interface Asked {
  what: string;
  answer: Response;
}

/** Answers of every kind there is, as `headers` ask for them. */
async function everyKind(headers: Record<string, string> = {}): Promise<Asked[]> {
  const staff = { Authorization: `Bearer ${await api().token()}` };
  const visitor = { Authorization: `Bearer ${await api().token({})}` };
  const limited = await start({ config: { rateLimitAnonymous: 1 } });
  const broken = await start({ readiness: () => Promise.reject(new Error('a bug')) });
  const base = '/api/analytics/';
  const requests: [what: string, url: string, init?: RequestInit][] = [
    ...ENDPOINTS.map(({ path }): [string, string, RequestInit] => [
      path,
      `${api().url}${base}${path.replace(/\{\w+\}/, '20000000-0000-4000-8000-aaaaaaaaaaa1')}`,
      { headers: staff },
    ]),
    ...['/', '/unauthorized', '/healthz', '/readyz', '/metrics', '/assets/none.js', '/nowhere'].map(
      (path): [string, string] => [path, `${api().url}${path}`],
    ),
    ['401', `${api().url}${base}visitors/`],
    ['403', `${api().url}${base}visitors/`, { headers: visitor }],
    ['404', `${api().url}${base}nowhere/`],
    ['405', `${api().url}${base}visitors/`, { method: 'PUT' }],
    ['400', `${api().url}${base}visitors/?end_date=never`, { headers: staff }],
    ['426', `${api().url}/ws/analytics/visitors/`],
    ['limited', `${limited.url}${base}docs`],
    ['429', `${limited.url}${base}docs`],
    ['500', `${broken.url}/readyz`],
  ];
  const asked: Asked[] = [];
  for (const [what, url, init = {}] of requests) {
    asked.push({ what, answer: await fetch(url, { ...init, headers: { ...init.headers, ...headers } }) });
  }
  return asked;
}

describe('every answer', () => {
  it('is to be taken for what it is said to be, frames nowhere, and runs nothing that it does not name', async () => {
    const asked = await everyKind();
    const statuses = new Set(asked.map(({ answer }) => answer.status));
    for (const status of [200, 400, 401, 403, 404, 405, 426, 429, 500]) expect(statuses).toContain(status);
    for (const { what, answer } of asked) {
      await answer.arrayBuffer();
      const header = (name: string) => answer.headers.get(name) ?? '';
      expect(header('X-Content-Type-Options'), what).toBe('nosniff');
      expect(header('Referrer-Policy'), what).toBe('no-referrer');
      expect(header('X-Frame-Options'), what).toBe('DENY');
      const policy = header('Content-Security-Policy');
      expect(policy, what).toContain("default-src 'none'");
      expect(policy, what).toContain("frame-ancestors 'none'");
      expect(policy, what).not.toMatch(/unsafe|\*|https?:|data:/);
    }
  });

  it('allows the page of the documentation its one style', async () => {
    const answer = await fetch(`${api().url}/api/analytics/docs`);
    const [, style = ''] = /<style>([\s\S]*?)<\/style>/.exec(await answer.text()) ?? [];
    const hash = createHash('sha256').update(style).digest('base64');
    expect(answer.headers.get('Content-Security-Policy')).toContain(`style-src 'sha256-${hash}'`);
  });
});

describe('Strict-Transport-Security', () => {
  const ask = async (url: string, proto: string | undefined) => {
    const headers = proto === undefined ? {} : { 'X-Forwarded-Proto': proto };
    return (await fetch(`${url}/healthz`, { headers })).headers.get('Strict-Transport-Security');
  };

  it.each(['https', 'HTTPS', 'https, http'])('is said to who came by TLS: %s', async (proto) => {
    expect(await ask(api().url, proto)).toBe('max-age=31536000');
  });

  it.each([undefined, 'http', 'http, https', ''])('is not said to others: %s', async (proto) => {
    expect(await ask(api().url, proto)).toBeNull();
  });

  it('is not said where somebody says so who is no trusted proxy', async () => {
    const { url } = await start({ config: { trustedProxies: ['10.0.0.1'] } });
    expect(await ask(url, 'https')).toBeNull();
  });
});

describe('another origin', () => {
  const ofCors = (answer: Response) =>
    [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'));

  it.each([
    'https://evil.example',
    'http://admin.example',
    'https://admin.example:8443',
    'https://admin.example.evil.example',
    'null',
  ])('is told nothing by CORS, by errors neither: %s', async (origin) => {
    for (const { what, answer } of await everyKind({ Origin: origin })) {
      await answer.arrayBuffer();
      expect(ofCors(answer), what).toEqual([]);
    }
  });

  it('has no preflight', async () => {
    const headers = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'GET' };
    const answer = await fetch(`${api().url}/api/analytics/visitors/`, { method: 'OPTIONS', headers });
    expect(answer.status).toBe(405);
    expect(ofCors(answer)).toEqual([]);
  });

  it('does not get what a cache keeps for an allowed one', async () => {
    for (const origin of ['https://evil.example', 'https://admin.example']) {
      const answer = await api().get('settings/', { Origin: origin });
      expect(answer.headers.get('Vary')).toContain('Origin');
    }
  });
});
