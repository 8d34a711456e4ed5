/** The Hono app: the endpoints behind their door, and what operators ask. */

import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { methodNotAllowed } from 'hono/method-not-allowed';
import { type RequestIdVariables, requestId } from 'hono/request-id';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { clientAddress, type TrustedProxies } from '../contract/client-address.ts';
import type { Admit } from './admission.ts';
import { bearerToken } from './auth.ts';
import { addDashboard } from './dashboard.ts';
import type { Services } from './endpoint.ts';
import { ApiError, errorResponse, REQUEST_ID_HEADER } from './errors.ts';
import { answerHeaders, corsFor } from './headers.ts';
import type { Metrics } from './metrics.ts';
import { BASE_PATH, ENDPOINTS } from './routes.ts';

export interface Readiness {
  ready: boolean;
  /** In words, for operators. */
  problems: string[];
  /** What is missing though all else works, in words. */
  degraded: string[];
}

export interface AppOptions {
  services: Services;
  admit: Admit;
  allowedOrigins: readonly string[];
  trusted: TrustedProxies;
  /** IANA name of the reporting zone. */
  timeZone: string;
  readiness: () => Promise<Readiness>;
  registry: Registry;
  metrics: Metrics;
  log: Logger;
}

export type Env = { Bindings: HttpBindings; Variables: RequestIdVariables };

const EXPOSED_HEADERS = [
  'Content-Disposition',
  'ETag',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  REQUEST_ID_HEADER,
];

export function createApp(options: AppOptions): Hono<Env> {
  const { log, metrics } = options;
  // Not strict: what is registered without a trailing slash is found with one too.
  const app = new Hono<Env>({ strict: false });
  // The client's, or its proxy's, where it has one that can be printed.
  app.use(requestId({ headerName: REQUEST_ID_HEADER }));
  const answerError = (error: Error, c: Context<Env>) => errorResponse(error, c.get('requestId'), log);
  app.onError(answerError);
  app.notFound((c) => answerError(new ApiError('not_found', 'there is nothing at this path'), c));
  app.use(...answerHeaders(options.trusted));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => {
        const message = `${c.req.method} is not for this path`;
        const headers = { Allow: methods.join(', ') };
        return answerError(new ApiError('method_not_allowed', message, { headers }), c);
      },
    }),
  );
  app.use(
    `${BASE_PATH}*`,
    corsFor(options.allowedOrigins, {
      credentials: true,
      allowMethods: ['GET', 'HEAD', 'DELETE'],
      allowHeaders: ['Authorization', 'Content-Type', 'If-None-Match'],
      exposeHeaders: EXPOSED_HEADERS,
      maxAge: 600,
    }),
  );

  for (const endpoint of ENDPOINTS) {
    app[endpoint.method](
      routePath(endpoint.path),
      async (c, next) => {
        const stop = metrics.requestSeconds.startTimer({ endpoint: endpoint.path });
        await next();
        const { status } = c.res;
        const ms = Math.round(1_000 * stop({ status }));
        log.debug(
          { requestId: c.get('requestId'), endpoint: endpoint.path, status, ms },
          'a request was answered',
        );
      },
      async (c) => {
        const token = bearerToken(c.req.header('Authorization'));
        const { headers, identity } = await options.admit(
          endpoint.access,
          token,
          addressOf(c, options.trusted),
        );
        const response = await endpoint.respond({
          given: { ...c.req.queries(), ...valuesOf(c.req.param()) },
          accept: c.req.header('Accept'),
          ifNoneMatch: c.req.header('If-None-Match'),
          subject: identity?.subject,
          services: options.services,
        });
        response.headers.set(REQUEST_ID_HEADER, c.get('requestId'));
        for (const [name, value] of Object.entries(headers)) response.headers.set(name, value);
        return response;
      },
    );
  }

  addDashboard(app);
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    const readiness = await options.readiness();
    return c.json(readiness, readiness.ready ? 200 : 503);
  });
  app.get('/metrics', async (c) =>
    c.body(await options.registry.metrics(), 200, { 'Content-Type': options.registry.contentType }),
  );
  return app;
}

function routePath(path: string): string {
  return BASE_PATH + path.replace(/\{(\w+)\}/g, ':$1').replace(/\/$/, '');
}

export function addressOf(c: Context<Env>, trusted: TrustedProxies): string {
  const remote = c.env.incoming.socket.remoteAddress ?? '';
  return clientAddress(remote, c.req.header('X-Forwarded-For'), trusted);
}

function valuesOf(path: Record<string, string>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(path).map(([name, value]) => [name, [value]]));
}
