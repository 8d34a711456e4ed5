import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';

let stores: Stores;
let api: TestApi;
beforeAll(async () => {
  stores = await openStores();
  api = await startApi(stores, { config: { timeZone: 'America/Toronto', rateLimitAnonymous: 2 } });
});
afterAll(async () => {
  await api.close();
  await stores.close();
});

async function overview() {
  const response = await fetch(`${api.url}/`);
  expect(response.status).toBe(200);
  return { response, page: await response.text() };
}

describe('the overview page', () => {
  it('is there without a token, and costs nothing of the allowance', async () => {
    await overview();
    const { response, page } = await overview();
    expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('RateLimit-Limit')).toBeNull();
    expect(page).toMatch(/^<!doctype html>/);
  });

  it('may run its own script and style, and nothing else', async () => {
    const { response, page } = await overview();
    const policy = response.headers.get('Content-Security-Policy') ?? '';
    const directives = new Map(
      policy.split('; ').map((directive) => {
        const [name = '', ...sources] = directive.split(' ');
        return [name, sources.join(' ')];
      }),
    );
    for (const tag of ['script', 'style']) {
      const blocks = [...page.matchAll(new RegExp(`<${tag}\\b[^>]*>(.*?)</${tag}>`, 'gs'))];
      expect(blocks).toHaveLength(1);
      const hash = createHash('sha256')
        .update(blocks[0]?.[1] ?? '')
        .digest('base64');
      expect(directives.get(`${tag}-src`)).toBe(`'sha256-${hash}'`);
    }
    expect(directives.get('default-src')).toBe("'none'");
    expect(directives.get('connect-src')).toBe("'self'");
    expect(directives.get('form-action')).toBe("'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page).not.toMatch(/\s(style|on\w+)="/);
  });

  it('asks no other server', async () => {
    const { response, page } = await overview();
    const outside = [...page.matchAll(/(?:https?:)?\/\/[\w.-]+\.\w+/g)].map(([address]) => address);
    expect(outside.filter((address) => !address.includes('www.w3.org'))).toEqual([]);
    expect(response.headers.get('Referrer-Policy')).toBe('no-referrer');
  });

  it('names the reporting zone', async () => {
    const { page } = await overview();
    expect(page).toContain('Days are those of America/Toronto.');
    expect(page).not.toContain('{{');
  });

  it('leads to the document of the API', async () => {
    const { page } = await overview();
    const links = [...page.matchAll(/<a href="([^"]+)"/g)].map(([, path = '']) => path);
    expect(new Set(links)).toEqual(new Set(['api/analytics/docs', 'api/analytics/openapi.json']));
    for (const path of new Set(links)) expect((await fetch(`${api.url}/${path}`)).status, path).toBe(200);
  });

  it('is only at the root, and only to be read', async () => {
    for (const path of ['overview', 'overview.html', 'index.html', 'api', '%2e%2e/package.json']) {
      const response = await fetch(`${api.url}/${path}`);
      expect(response.status, path).toBe(404);
      expect(await response.json()).toMatchObject({ error: 'not_found' });
    }
    expect((await fetch(`${api.url}/`, { method: 'HEAD' })).status).toBe(200);
    const posted = await fetch(`${api.url}/`, { method: 'POST' });
    expect(posted.status).toBe(405);
    expect(posted.headers.get('Allow')).toContain('GET');
  });
});
