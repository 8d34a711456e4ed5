/** What every answer tells browsers, beside what it answers: read it as what it says it is, and tell nobody. */
import { createHash } from 'node:crypto';
import type { MiddlewareHandler } from 'hono';
import { cors } from 'hono/cors';
import { secureHeaders } from 'hono/secure-headers';
import { clientAddress, type TrustedProxies } from '../contract/client-address.ts';
import type { Env } from './app.ts';

const NOWHERE = ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"];
const ONE_YEAR_S = 365 * 24 * 60 * 60;

/** A Content-Security-Policy that allows nothing but what is named: `script-src 'self'`. */
export function policy(...allowed: string[]): string {
  return ["default-src 'none'", ...allowed, ...NOWHERE].join('; ');
}

/** Names the text of a `<style>` in a policy. */
export function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** On all answers, errors included. What a page says of itself stays. */
export function answerHeaders(trusted: TrustedProxies): MiddlewareHandler<Env>[] {
  return [
    async (c, next) => {
      await next();
      if (!c.res.headers.has('Content-Security-Policy')) c.header('Content-Security-Policy', policy());
      if (cameByTls(c.env.incoming.socket.remoteAddress, c.req.header('X-Forwarded-Proto'), trusted)) {
        c.header('Strict-Transport-Security', `max-age=${ONE_YEAR_S}`);
      }
    },
    secureHeaders({
      // The dashboard's link has a token in it.
      referrerPolicy: 'no-referrer',
      xFrameOptions: 'DENY',
      strictTransportSecurity: false,
      originAgentCluster: false,
      xDnsPrefetchControl: false,
      xDownloadOptions: false,
      xPermittedCrossDomainPolicies: false,
      xXssProtection: false,
      removePoweredBy: false,
    }),
  ];
}

/** Known only where a trusted proxy ends TLS and says so. */
function cameByTls(remote: string | undefined, proto: string | undefined, trusted: TrustedProxies): boolean {
  const [first = ''] = (proto ?? '').split(',');
  return (
    first.trim().toLowerCase() === 'https' && trusted.has(clientAddress(remote ?? '', undefined, trusted))
  );
}

type CorsOptions = NonNullable<Parameters<typeof cors>[0]>;

/** As `cors` of Hono, but it says nothing at all to an origin that is not allowed. */
export function corsFor(
  allowed: readonly string[],
  options: Omit<CorsOptions, 'origin'>,
): MiddlewareHandler<Env> {
  const allow = cors({ ...options, origin: [...allowed] });
  return async (c, next) => {
    if (allowed.includes(c.req.header('Origin') ?? '')) return allow(c, next);
    await next();
    c.header('Vary', 'Origin', { append: true });
  };
}
