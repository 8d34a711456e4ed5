/**
 * Who may what: every path and method, asked by every role, against the `access` that stands beside the route.
 *
 * `access-table.txt` is what was answered. A route that is new or has another access makes it differ: look at the
 * difference, then write it anew with `npx vitest run query-api/access-table.test.ts -u`.
 */
import { once } from 'node:events';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import Type from 'typebox';
import Value from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { trustedProxies } from '../contract/client-address.ts';
import { calendar } from '../contract/reporting-day.ts';
import type { Access } from './admission.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';
import { createApp } from './app.ts';
import { apiMetrics } from './metrics.ts';
import { Privacy } from './privacy.ts';
import { BASE_PATH, ENDPOINTS } from './routes.ts';
import { Sockets } from './sockets.ts';
import { VisitorAnalytics } from './visitor-analytics.ts';

const METHODS = ['GET', 'PUT', 'POST', 'DELETE', 'PATCH'];
const ROLES = ['nobody', 'expired', 'visitor', 'moderator', 'staff'] as const;
type Role = (typeof ROLES)[number];

/** What each access answers to whom; undefined: the route's own answer. */
const REFUSALS: Record<Access, Partial<Record<Role, number>>> = {
  public: {},
  staff_or_moderator: { nobody: 401, expired: 401, visitor: 403 },
  staff: { nobody: 401, expired: 401, visitor: 403, moderator: 403 },
};

/** Not of the document: for operators and browsers, with nothing of visitors in them. */
const OPEN = ['/', '/unauthorized', '/assets/*', '/healthz', '/readyz', '/metrics'];
/** Answers nothing by itself but preflights, which say nothing. */
const MIDDLEWARE = ['ALL /*', `ALL ${BASE_PATH}*`, 'ALL /assets/*'];
const SOCKETS = ['/ws/analytics/visitors', '/ws/analytics/dashboard'];

const Document = Type.Object({
  paths: Type.Record(
    Type.String(),
    Type.Record(Type.String(), Type.Object({ security: Type.Array(Type.Unknown()) })),
  ),
});

interface Route {
  method: string;
  path: string;
  access: Access;
}

let stores: Stores;
let api: TestApi;
let tokens: Record<Role, string | undefined>;
let documented: { method: string; path: string; needsToken: boolean }[];

beforeAll(async () => {
  stores = await openStores();
  api = await startApi(stores);
  tokens = {
    nobody: undefined,
    expired: await api.token({ staff: true, expiresIn: -61 }),
    visitor: await api.token({ subject: 'a visitor' }),
    moderator: await api.token({ moderator: true }),
    staff: await api.token({ staff: true }),
  };
  const { paths } = Value.Parse(Document, await (await fetch(`${api.url}${BASE_PATH}openapi.json`)).json());
  documented = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { security }]) => ({
      method: method.toUpperCase(),
      path,
      needsToken: security.length > 0,
    })),
  );
});
afterAll(async () => {
  await api.close();
  await stores.close();
});

/** From what stands beside the routes. */
function declared(): Route[] {
  return ENDPOINTS.map((endpoint) => ({
    method: endpoint.method.toUpperCase(),
    path: BASE_PATH + endpoint.path,
    access: endpoint.access,
  }));
}

/** What the server has, whoever has put it there. */
function registered(): string[] {
  const registry = new Registry();
  const metrics = apiMetrics(registry);
  const log = pino({ level: 'silent' });
  const now = Date.now;
  const analytics = new VisitorAnalytics({ ...stores, calendar: calendar('UTC'), now });
  const privacy = new Privacy({ ...stores, secrets: async () => [], hidesIds: false, now });
  const never = () => Promise.reject(new Error('nobody asks'));
  const shared = { admit: never, allowedOrigins: [], trusted: trustedProxies([]), metrics, log };
  const app = createApp({
    ...shared,
    services: {
      analytics,
      privacy,
      cache: never,
      ledger: never,
      online: never,
      settings: () => ({
        time_zone: 'UTC',
        today: '2026-01-01',
        raw_days: 1,
        realtime_ttl_seconds: 1,
        ranges_count: 'visitors' as const,
      }),
      now,
    },
    timeZone: 'UTC',
    readiness: never,
    registry,
  });
  const sources = { online: never, visitorsToday: never, pageViewsToday: never, now };
  const sockets = new Sockets({ ...shared, sources, onNews: never });
  sockets.addRoutes(app);
  sockets.server.close();
  return app.routes.map(({ method, path }) => `${method} ${path}`);
}

const filledIn = (path: string) => path.replace(/\{\w+\}/g, '20000000-0000-4000-8000-aaaaaaaaaaa1');
const plain = (path: string) => path.replace(/\{(\w+)\}/g, ':$1').replace(/(.)\/$/, '$1');

async function ask(method: string, path: string, role: Role): Promise<number> {
  const token = tokens[role];
  const headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
  const response = await fetch(api.url + filledIn(path), { method, headers });
  await response.arrayBuffer();
  return response.status;
}

/** 101 where the socket opens. */
async function askSocket(path: string, role: Role): Promise<number> {
  const token = tokens[role];
  const socket = new WebSocket(
    `${api.url.replace('http', 'ws')}${path}`,
    token === undefined ? [] : ['bearer', token],
  );
  socket.on('error', () => {});
  const status = await Promise.race([
    once(socket, 'open').then(() => 101),
    once(socket, 'unexpected-response').then(([, response]): number => response.statusCode),
  ]);
  socket.terminate();
  return status;
}

const byRole = async (status: (role: Role) => Promise<number>) => {
  const answers: Partial<Record<Role, number>> = {};
  for (const role of ROLES) answers[role] = await status(role);
  return answers;
};

function mustFit({ method, path, access }: Route, answers: Partial<Record<Role, number>>): void {
  for (const role of ROLES) {
    const refusal = REFUSALS[access][role];
    const what = `${method} ${path} (${access}) asked by ${role}: ${answers[role]}`;
    if (refusal !== undefined) expect(answers[role], what).toBe(refusal);
    else expect([401, 403, 405, 426, 500, 503], what).not.toContain(answers[role]);
  }
}

describe('every route', () => {
  it('is in the document, with its access, or is one of those that all may ask', () => {
    const routes = declared();
    expect(documented).toEqual(
      expect.arrayContaining(
        routes.map(({ method, path, access }) => ({ method, path, needsToken: access !== 'public' })),
      ),
    );
    expect(documented).toHaveLength(routes.length);
    const known = [
      ...routes.map(({ method, path }) => `${method} ${plain(path)}`),
      ...[...OPEN, ...SOCKETS].map((path) => `GET ${path}`),
      ...MIDDLEWARE,
    ];
    // An endpoint has two handlers: its clock and its answer.
    expect([...new Set(registered())].sort()).toEqual(known.sort());
  });

  it('answers each role as its access says', async () => {
    const rows: Row[] = [];
    for (const route of declared()) {
      const answers = await byRole((role) => ask(route.method, route.path, role));
      mustFit(route, answers);
      rows.push({ ...route, answers });
    }
    for (const path of SOCKETS) {
      const route: Route = { method: 'SOCKET', path: `${path}/`, access: 'staff_or_moderator' };
      const answers = await byRole((role) => askSocket(route.path, role));
      mustFit(route, answers);
      rows.push({ ...route, answers });
    }
    for (const path of OPEN) {
      const route: Route = { method: 'GET', path, access: 'public' };
      rows.push({ ...route, answers: await byRole((role) => ask('GET', path, role)) });
    }
    await expect(table(rows)).toMatchFileSnapshot('access-table.txt');
  });

  it('answers HEAD as it answers GET', async () => {
    for (const route of declared().filter(({ method }) => method === 'GET')) {
      mustFit({ ...route, method: 'HEAD' }, await byRole((role) => ask('HEAD', route.path, role)));
    }
  });

  it('takes no other method, of nobody', async () => {
    const routes = declared();
    for (const path of new Set(routes.map((route) => route.path))) {
      const taken = routes.filter((route) => route.path === path).map(({ method }) => method);
      for (const method of METHODS.filter((name) => !taken.includes(name))) {
        expect(await ask(method, path, 'staff'), `${method} ${path}`).toBe(405);
      }
    }
  });

  it('that is a socket is refused to who asks without an upgrade', async () => {
    for (const path of SOCKETS) for (const role of ROLES) expect(await ask('GET', path, role)).toBe(426);
  });
});

interface Row extends Route {
  answers: Partial<Record<Role, number>>;
}

function table(rows: Row[]): string {
  const cells = rows.map(({ method, path, access, answers }) => [
    method,
    path,
    access,
    ...ROLES.map((role) => String(answers[role])),
  ]);
  const all = [['method', 'path', 'access', ...ROLES], ...cells];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}
