/** Tells of the page views of an application that answers with pages: middleware for Hono, Express, and fetch handlers. */
import { clientAddress, trustedProxies } from '../../contract/client-address.ts';
import { openDelivery } from './delivery.ts';
import { beaconOf, hashedFingerprint, headersOf, isPageView } from './page-view.ts';
import type { createTracker as CreateTracker, PageRequest, TrackerOptions, Visitor } from './public.ts';

const MIN_SECRET_LENGTH = 16;

/** What a framework says of a request, before its address is known. */
interface Asked extends Omit<PageRequest, 'address'> {
  peer: string | undefined;
}

export const createTracker: typeof CreateTracker = (options) => {
  const { secret, fingerprint } = options;
  if (typeof secret !== 'string' || secret.length < MIN_SECRET_LENGTH) {
    throw new TypeError(`secret: needs at least ${MIN_SECRET_LENGTH} characters`);
  }
  const proxies = trustedProxies(options.trustedProxies ?? []);
  const delivery = openDelivery({
    endpoint: endpointOf(options.collector),
    maxWaiting: atLeastOne('maxWaiting', options.maxWaiting ?? 1_000),
    maxConcurrent: atLeastOne('maxConcurrent', options.maxConcurrent ?? 4),
    timeoutMs: atLeastOne('timeoutMs', options.timeoutMs ?? 5_000),
    maxAttempts: atLeastOne('maxAttempts', options.maxAttempts ?? 8),
  });

  /** After the response, so that it waits for nothing that is done here. */
  function tell<Source extends unknown[]>(
    asked: () => Asked,
    visitor: Visitor<Source>,
    ...source: Source
  ): void {
    setImmediate(() => {
      try {
        const { peer = visitor.peer?.(...source), ...rest } = asked();
        const address = clientAddress(peer ?? '', rest.header('x-forwarded-for'), proxies);
        const request: PageRequest = { ...rest, address };
        const known = {
          user: visitor.user?.(...source),
          community: visitor.community?.(...source),
          division: visitor.division?.(...source),
        };
        const print = fingerprint?.(request) ?? hashedFingerprint(secret, request);
        delivery.send({ headers: headersOf(request), beacon: beaconOf(request, known, print) });
      } catch {
        delivery.drop('unreadable');
      }
    });
  }

  return {
    hono:
      (visitor = {}) =>
      async (context, next) => {
        await next();
        const { req, res, env } = context;
        if (!isPageView(req.method, res.status, res.headers.get('content-type'))) return;
        const asked = () => ({
          method: req.method,
          url: req.url,
          header: (name: string) => req.header(name),
          peer: peerOf(env),
        });
        tell(asked, visitor, context);
      },
    express:
      (visitor = {}) =>
      (request, response, next) => {
        response.once('finish', () => {
          if (!isPageView(request.method, response.statusCode, response.getHeader('content-type'))) return;
          const header = (name: string) => [request.headers[name.toLowerCase()]].flat()[0];
          const asked = () => ({
            method: request.method,
            // With a host, since a path may begin with two slashes.
            url: `http://${header('host') ?? 'page'}${request.originalUrl}`,
            header,
            peer: request.socket.remoteAddress,
          });
          tell(asked, visitor, request);
        });
        next();
      },
    wrap:
      (handler, visitor = {}) =>
      async (request, ...rest) => {
        const response = await handler(request, ...rest);
        if (isPageView(request.method, response.status, response.headers.get('content-type'))) {
          const asked = () => ({
            method: request.method,
            url: request.url,
            header: (name: string) => request.headers.get(name) ?? undefined,
            peer: peerOf(rest[0]),
          });
          tell(asked, visitor, request, ...rest);
        }
        return response;
      },
    stats: () => delivery.stats(),
    close: (timeoutMs = 5_000) => delivery.close(timeoutMs),
  };
};

function endpointOf(collector: TrackerOptions['collector']): string {
  if (!URL.canParse(collector) || !/^https?:$/.test(new URL(collector).protocol)) {
    throw new TypeError(`collector: ${collector} is not an http or https address`);
  }
  return new URL('/e', collector).href;
}

function atLeastOne(name: string, value: number): number {
  if (!(value >= 1)) throw new TypeError(`${name}: must be at least 1, not ${value}`);
  return value;
}

/** Hono's adapter for Node hands on the request as Node has it. */
function peerOf(environment: unknown): string | undefined {
  const { incoming } = (environment ?? {}) as { incoming?: { socket?: { remoteAddress?: string } } };
  return incoming?.socket?.remoteAddress;
}
