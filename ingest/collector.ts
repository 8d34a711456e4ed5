/** The collector: takes beacons over HTTP, and acknowledges them once the log has them. */
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import type { Config } from '../config.ts';
import { MAX_BODY_BYTES } from '../contract/beacon.ts';
import { trustedProxies } from '../contract/client-address.ts';
import { OUTCOME_HEADER } from '../contract/outcome.ts';
import { oneKey, type VisitorKeys } from '../contract/visitor-key.ts';
import type { EventLog } from '../kafka/port.ts';
import type { LiveStore } from '../redis/port.ts';
import { admission } from './admission.ts';
import { type AppendedFrame, framer as createFramer } from './framer.ts';
import { type Answer, Exchange, type HeaderLines, headerLines, typeLines } from './http.ts';
import { collectorMetrics } from './metrics.ts';
import { PIXEL, pixelBeacon } from './pixel.ts';
import { readiness } from './readiness.ts';
import { refusals as createRefusals, REQUEST_ID_HEADER } from './refusals.ts';
import { type RequestHead, readHead } from './request.ts';
import { scriptServer } from './script.ts';
import { Turn, type TurnBudget } from './turn.ts';
import uws, { type HttpRequest, type HttpResponse, listen } from './uws.ts';
import { checkBeacon, parseBeacons } from './validation.ts';

const DRAIN_TIMEOUT_MS = 10_000;
const TURN_BUDGET: TurnBudget = { burst: 40, lasting: 4, patience: 100, calm: 1_000 };

export interface CollectorOptions {
  config: Pick<Config, 'host' | 'ingestPort' | 'trustedProxies' | 'respectDnt' | 'ingestRateLimit'>;
  log: EventLog;
  live: LiveStore;
  fingerprintSecret: string;
  /** Default: {@link fingerprintSecret} on all days. */
  visitorKeys?: VisitorKeys;
  script: { code: string; etag: string };
  metrics: Registry;
  logger: Logger;
  /** Bytes of events that may wait for the log before requests are refused. */
  maxPendingBytes?: number;
  /** Of work on requests that came together. Those for which no time is left are refused. */
  turnBudget?: TurnBudget;
  /** Which of several collectors that share the port: it listens alone on the port that is so many higher, too. */
  member?: number;
  now?: () => number;
}

export interface Collector {
  /** That nobody shares. */
  readonly port: number;
  /** Takes no new connection, answers what it has taken, then closes. The log stays open: it is the caller's. */
  close(): Promise<void>;
}

/** @throws when the port is taken */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { config, log, live, logger, fingerprintSecret } = options;
  const now = options.now ?? Date.now;
  const serveScript = scriptServer(options.script);
  const turn = new Turn(options.turnBudget ?? TURN_BUDGET);
  let draining = false;
  const isDraining = () => draining;
  let underWay = 0;

  const framer = createFramer(log, {
    ...(options.maxPendingBytes === undefined ? {} : { maxPendingBytes: options.maxPendingBytes }),
    onAppended,
  });
  const metrics = collectorMetrics(options.metrics, {
    pendingBytes: () => framer.pendingBytes,
    backlog: () => log.backlog(),
  });
  const refusals = createRefusals({ metrics, log: logger, now });
  const { admit, addressOf } = await admission({
    framer,
    live,
    metrics,
    refusals,
    log: logger,
    fingerprintSecret,
    visitorKeys: options.visitorKeys ?? oneKey(fingerprintSecret),
    trustedProxies: trustedProxies(config.trustedProxies),
    respectDnt: config.respectDnt,
    rateLimit: config.ingestRateLimit,
    now,
  });

  function begin(res: HttpResponse, headers: HeaderLines = ''): Exchange {
    underWay += 1;
    return new Exchange(res, headers, (aborted) => {
      underWay -= 1;
      if (aborted) metrics.aborted();
    });
  }

  /** The offset, with the line's place in the frame, is what raw has of an event: so one can be followed. */
  function onAppended({ seconds, ...frame }: AppendedFrame): void {
    metrics.frame({ seconds, ...frame });
    logger.debug({ ...frame, ms: Math.round(seconds * 1_000) }, 'a frame is durable');
  }

  function guarded(client: Exchange, work: () => void): void {
    try {
      work();
    } catch (error) {
      client.answer(refusals.failed(error));
    }
  }

  function settle(client: Exchange, work: Promise<Answer>): void {
    work.then(
      (answer) => client.answer(answer),
      (error: unknown) => client.answer(refusals.failed(error)),
    );
  }

  function postBeacons(res: HttpResponse, req: HttpRequest): void {
    const client = begin(res, ANY_ORIGIN);
    if (turn.isOver) {
      // Without its body, which costs more to take than to let the engine pass over it.
      client.answer(refusals.overloaded());
      return;
    }
    const head = readHead(res, req);
    client.readBody(MAX_BODY_BYTES, (body) => {
      guarded(client, () => turn.use(() => takeBeacons(client, head, body)));
    });
  }

  function takeBeacons(client: Exchange, head: RequestHead, body: Buffer | undefined): void {
    if (body === undefined) {
      const message = `the body is larger than ${MAX_BODY_BYTES} bytes`;
      client.answer({ ...refusals.reject({ error: 'body_too_large', message }), close: true });
      return;
    }
    if (turn.isOver) {
      client.answer(refusals.overloaded());
      return;
    }
    if (!BEACON_TYPE.test(head.contentType)) {
      const message = 'the content type must be application/json or text/plain';
      client.answer(refusals.reject({ error: 'unsupported_media_type', message }));
      return;
    }
    const parsed = parseBeacons(body);
    if ('rejection' in parsed) client.answer(refusals.reject(parsed.rejection));
    else admit(head, parsed, (answer) => client.answer(answer));
  }

  function getPixel(res: HttpResponse, req: HttpRequest): void {
    const client = begin(res, NOT_CACHED);
    if (turn.isOver) {
      client.answer(refusals.overloaded());
      return;
    }
    const head = readHead(res, req);
    const asked = { query: req.getQuery() ?? '', referer: req.getHeader('referer') };
    guarded(client, () => turn.use(() => takePixel(client, head, asked)));
  }

  function takePixel(client: Exchange, head: RequestHead, asked: { query: string; referer: string }): void {
    const day = new Date(now()).toISOString().slice(0, 10);
    const beacon = pixelBeacon({ ...head, ...asked, address: addressOf(head) }, fingerprintSecret, day);
    const parsed = checkBeacon(beacon);
    if ('rejection' in parsed) {
      client.answer(refusals.reject(parsed.rejection));
      return;
    }
    admit(head, parsed, (answer) => {
      if (answer.status !== 202) return client.answer(answer);
      client.answer({ status: 200, headers: (answer.headers ?? '') + GIF_TYPE, body: PIXEL });
    });
  }

  const app = uws
    .App()
    .post('/e', postBeacons)
    .options('/e', (res) => begin(res).answer({ status: 204, headers: PREFLIGHT }))
    .get('/pixel.gif', getPixel)
    .get('/beacon.js', (res, req) => begin(res).answer(serveScript(req)))
    .get('/healthz', (res) => begin(res).answer({ status: 200, headers: JSON_TYPE, body: '{"status":"ok"}' }))
    .get('/readyz', (res) => settle(begin(res), readiness({ log, live, framer, refusals, isDraining })))
    .get('/metrics', (res) => {
      const { contentType } = options.metrics;
      const printed = options.metrics.metrics();
      settle(
        begin(res, typeLines(contentType)),
        printed.then((body) => ({ status: 200, body })),
      );
    })
    .any('/*', (res, req) => {
      const known = ROUTES[req.getUrl()];
      const message = known === undefined ? 'there is no such address here' : `use ${known}`;
      const error = known === undefined ? 'not_found' : 'method_not_allowed';
      const allow = known === undefined ? '' : headerLines({ Allow: known });
      const status = known === undefined ? 404 : 405;
      const body = JSON.stringify({ error, message });
      begin(res).answer({ status, headers: JSON_TYPE + allow, body, close: true });
    });

  const { member } = options;
  const own = await listen(app, config.host, config.ingestPort + (member ?? 0));
  const sockets = [own];
  if (member !== undefined) {
    sockets.push(await listen(app, config.host, config.ingestPort, { shared: true }));
  }

  return {
    port: uws.us_socket_local_port(own),
    async close() {
      if (draining) return;
      draining = true;
      for (const socket of sockets) uws.us_listen_socket_close(socket);
      const deadline = now() + DRAIN_TIMEOUT_MS;
      while (underWay > 0 && now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
      if (underWay > 0) logger.warn({ underWay }, 'clients were cut at the end of the drain');
      app.close();
    },
  };
}

const BEACON_TYPE = /^(application\/json|text\/plain)\s*(;|$)/i;
const ROUTES: Readonly<Record<string, string>> = {
  '/e': 'POST, OPTIONS',
  '/pixel.gif': 'GET',
  '/beacon.js': 'GET',
  '/healthz': 'GET',
  '/readyz': 'GET',
  '/metrics': 'GET',
};
const JSON_TYPE = typeLines('application/json');
const GIF_TYPE = typeLines('image/gif');
/** Any page may send beacons; nothing that an answer says is a secret, and no cookie is read. */
const ANY_ORIGIN = headerLines({
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': `${OUTCOME_HEADER}, Retry-After, ${REQUEST_ID_HEADER}`,
});
const PREFLIGHT =
  ANY_ORIGIN +
  headerLines({
    'Access-Control-Allow-Methods': 'POST',
    'Access-Control-Allow-Headers': 'Content-Type',
    'Access-Control-Max-Age': '86400',
  });
const NOT_CACHED = headerLines({
  'Cache-Control': 'no-store',
  'Cross-Origin-Resource-Policy': 'cross-origin',
});
