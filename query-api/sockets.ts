/**
 * The sockets: `/ws/analytics/visitors/` and `/ws/analytics/dashboard/`.
 *
 * Whoever may not listen is refused before the upgrade. A message that is not in the contract is counted and
 * ignored, so that a newer client stays connected to an older server.
 */
import type { Writable } from 'node:stream';
import { upgradeWebSocket } from '@hono/node-server';
import type { Context, Hono } from 'hono';
import type { Logger } from 'pino';
import Value from 'typebox/value';
import { WebSocket, WebSocketServer } from 'ws';
import type { TrustedProxies } from '../contract/client-address.ts';
import type { PresenceNews } from '../contract/presence.ts';
import { RealtimeParams } from '../contract/query.ts';
import { ClientMessage } from '../contract/socket.ts';
import { SOCKET_SUBPROTOCOL } from '../contract/socket-protocol.ts';
import { LiveStoreError, SITE } from '../redis/port.ts';
import { seldom } from '../seldom.ts';
import type { Admit } from './admission.ts';
import { adopt } from './adopt-socket.ts';
import { addressOf, type Env } from './app.ts';
import { AtMost } from './at-most.ts';
import { Audience } from './audience.ts';
import { COUNT_INTERVAL_MS, SOCKET_KINDS, type SocketKind } from './audience-section.ts';
import { DashboardFeed, type DashboardSources } from './dashboard-feed.ts';
import { ApiError } from './errors.ts';
import type { Metrics } from './metrics.ts';
import { parseParameters } from './parameters.ts';
import { SocketClient } from './socket-client.ts';
import { SocketLimits } from './socket-limits.ts';

const SECOND = 1_000;
const PING_EVERY_S = 30;
/** News may be missed: a channel promises nothing. */
const CATCH_UP_EVERY_S = 5;
const MAX_MESSAGE_BYTES = 4 * 1024;
const CLOSE_GRACE_MS = 1_000;

interface SocketOptions {
  admit: Admit;
  allowedOrigins: readonly string[];
  trusted: TrustedProxies;
  sources: Omit<DashboardSources, 'onError'>;
  onNews(listener: (news: PresenceNews) => void): Promise<() => Promise<void>>;
  metrics: Metrics;
  log: Logger;
}

interface Grant {
  kind: SocketKind;
  scope: string;
  /** The connection under the socket. */
  wire: Writable;
  expiresAt: number;
}

export class Sockets {
  /** For the HTTP server to hand upgrades to. */
  readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SOCKET_SUBPROTOCOL) ? SOCKET_SUBPROTOCOL : false),
  });
  readonly #options: SocketOptions;
  readonly #audiences = new Map<string, Audience>();
  /** And in which second of {@link PING_EVERY_S} each is sent a ping, so that not all are at once. */
  readonly #clients = new Map<SocketClient, number>();
  #opened = 0;
  readonly #limits = new SocketLimits();
  readonly #feed: DashboardFeed;
  #stopNews: (() => Promise<void>) | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #warnAway: (error: unknown) => void;
  #updating = false;
  #isBehind = false;
  #ticks = 0;

  constructor(options: SocketOptions) {
    this.#options = options;
    const onError = seldom((err, unsaid) => options.log.warn({ err, unsaid }, 'no dashboard update'));
    this.#feed = new DashboardFeed({ ...options.sources, onError });
    this.#warnAway = seldom((err, unsaid) =>
      options.log.warn(
        { err, unsaid },
        'the count cannot be read: sockets get it when the live store is back',
      ),
    );
  }

  /** Begins to listen to the presence news, and to tell the dashboards. */
  async start(): Promise<void> {
    this.#stopNews = await this.#options.onNews((news) => this.#audiences.get(news.scope)?.hear(news));
    this.#scheduleTick();
  }

  addRoutes(app: Hono<Env>): void {
    for (const kind of SOCKET_KINDS) {
      app.get(`/ws/analytics/${kind}`, async (c) => {
        const grant = await this.#admit(c, kind);
        return upgradeWebSocket(
          c,
          {
            onOpen: (_event, { raw }) => {
              if (raw instanceof WebSocket) this.#open(raw, grant);
            },
          },
          { onError: (error) => this.#options.log.error({ err: error }, 'a socket failed') },
        );
      });
    }
  }

  /** Says good-bye to every client, and cuts off who does not answer within a second. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    for (const client of this.#clients.keys()) client.close('goingAway');
    const deadline = Date.now() + CLOSE_GRACE_MS;
    while (this.#clients.size > 0 && Date.now() < deadline) await new Promise((done) => setTimeout(done, 10));
    for (const client of this.#clients.keys()) client.terminate();
    this.server.close();
    await this.#stopNews?.();
  }

  async #admit(c: Context<Env>, kind: SocketKind): Promise<Grant> {
    if (c.req.header('Upgrade')?.toLowerCase() !== 'websocket') {
      throw new ApiError('upgrade_required', 'this is a socket', { headers: { Upgrade: 'websocket' } });
    }
    if (!originAllowed(c, this.#options.allowedOrigins)) {
      throw new ApiError('origin_not_allowed', 'this origin is not in CORS_ALLOWED_ORIGINS');
    }
    const address = addressOf(c, this.#options.trusted);
    const { identity } = await this.#options.admit('staff_or_moderator', tokenOf(c), address);
    const { token, ...given } = c.req.queries();
    const { community_id } = parseParameters(RealtimeParams, given);
    // Until the connection ends, whether it becomes a socket or not.
    const wire = c.env.incoming.socket;
    wire.once('close', this.#limits.take(address, identity?.subject));
    return { kind, wire, scope: community_id?.toLowerCase() ?? SITE, expiresAt: identity?.expiresAt ?? 0 };
  }

  #open(socket: WebSocket, { kind, scope, wire, expiresAt }: Grant): void {
    const { metrics, sources } = this.#options;
    const client = new SocketClient(socket, wire, expiresAt, (reason) =>
      metrics.socketsClosed.inc({ reason }),
    );
    const audience = this.#audiences.get(scope) ?? new Audience(sources.now);
    this.#audiences.set(scope, audience);
    audience.add(client, kind);
    this.#clients.set(client, this.#opened++ % PING_EVERY_S);
    metrics.sockets.inc({ kind });

    const count = new AtMost(COUNT_INTERVAL_MS, () => {
      audience
        .answerCount(client, () => sources.online(scope))
        .catch((error: unknown) => this.#countFailed(client, error));
    });
    socket.once('close', () => {
      count.stop();
      this.#clients.delete(client);
      this.#leaveAudience(scope, audience, client);
      metrics.sockets.dec({ kind });
    });
    count.request();
    adopt(socket, {
      onMessage(text) {
        client.heard();
        if (isRequestCount(text)) count.request();
        else metrics.messagesIgnored.inc();
      },
      // Such as a message that is too large: the socket is closed for it.
      onError: (error) => this.#options.log.debug({ err: error }, 'a socket failed'),
    });
  }

  #leaveAudience(scope: string, audience: Audience, client: SocketClient): void {
    audience.remove(client);
    if (!audience.hasDashboard) this.#feed.forget(scope);
    if (audience.isEmpty) this.#audiences.delete(scope);
  }

  #scheduleTick(): void {
    this.#timer = setTimeout(() => this.#tick(), SECOND - (Date.now() % SECOND));
  }

  #tick(): void {
    this.#scheduleTick();
    this.#ticks++;
    const now = this.#options.sources.now();
    for (const [client, second] of this.#clients) {
      client.checkExpiry(now);
      if (this.#ticks % PING_EVERY_S === second) client.ping();
    }
    // A second in which the stores are slow is left out, not queued.
    if (this.#updating) return;
    this.#updating = true;
    void Promise.all([this.#updateDashboards(), this.#catchUp()]).finally(() => {
      this.#updating = false;
    });
  }

  async #catchUp(): Promise<void> {
    if (!this.#isBehind && this.#ticks % CATCH_UP_EVERY_S !== 0) return;
    try {
      await Promise.all(
        [...this.#audiences].map(([scope, audience]) =>
          audience.catchUp(() => this.#options.sources.online(scope)),
        ),
      );
      this.#isBehind = false;
    } catch (error) {
      this.#isBehind = true;
      this.#warnAway(error);
    }
  }

  #countFailed(client: SocketClient, error: unknown): void {
    if (error instanceof LiveStoreError && error.retryable) {
      this.#isBehind = true;
      this.#warnAway(error);
    } else {
      this.#options.log.error({ err: error }, 'the count cannot be read: closing a socket');
      client.close('failed');
    }
  }

  async #updateDashboards(): Promise<void> {
    const shown = [...this.#audiences].filter(([, audience]) => audience.hasDashboard);
    await Promise.all(
      shown.map(async ([scope, audience]) => {
        const update = await this.#feed.update(scope);
        if (update !== undefined) audience.sendToDashboards(update);
      }),
    );
  }
}

/** `?token=JWT`, or the subprotocols `bearer, JWT`. */
function tokenOf(c: Context<Env>): string | undefined {
  const [scheme, token] = (c.req.header('Sec-WebSocket-Protocol') ?? '')
    .split(',')
    .map((text) => text.trim());
  return scheme === SOCKET_SUBPROTOCOL && token !== undefined ? token : c.req.query('token');
}

/** Browsers name their origin, other clients none. Our own pages may listen as well. */
function originAllowed(c: Context<Env>, allowed: readonly string[]): boolean {
  const origin = c.req.header('Origin');
  if (origin === undefined || allowed.includes(origin)) return true;
  return URL.canParse(origin) && new URL(origin).host === c.req.header('Host');
}

function isRequestCount(text: string | undefined): boolean {
  if (text === undefined) return false;
  try {
    return Value.Check(ClientMessage, JSON.parse(text));
  } catch {
    return false;
  }
}
