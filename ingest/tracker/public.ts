/** The tracker as applications see it. Only types: the build copies this file beside the module. */

/** A request for a page, whatever it came through. */
export interface PageRequest {
  method: string;
  /** As the visitor asked for it: an address, or a path with its query. */
  url: string;
  /** The visitor's, as far as trusted proxies tell; empty where nobody does. */
  address: string;
  header(name: string): string | undefined;
}

export interface TrackerOptions {
  /** Origin of the collector, such as `https://collector.example.org`. */
  collector: string;
  /** Key of the visitors' fingerprints: the same on all servers of a site. At least 16 characters. */
  secret: string;
  /** Proxies before the application, as addresses or CIDR ranges: what they say in `X-Forwarded-For` is believed. */
  trustedProxies?: readonly string[];
  /** 8 to 128 characters. Default: an HMAC of address, user agent and languages */
  fingerprint?(request: PageRequest): string;
  /** Page views that may wait for the collector; what comes then is dropped. Default: 1000 */
  maxWaiting?: number;
  /** Requests to the collector at a time. Default: 4 */
  maxConcurrent?: number;
  /** Default: 5000 */
  timeoutMs?: number;
  /** How often a page view is tried, with growing pauses. Default: 8, over about two minutes */
  maxAttempts?: number;
}

/** Who asks, where on the platform, where they belong, and from where: out of what the framework gives. */
export interface Visitor<Source extends unknown[]> {
  user?(...source: Source): string | number | null | undefined;
  community?(...source: Source): string | null | undefined;
  division?(...source: Source): string | null | undefined;
  /** Peer of the connection, where the framework does not say it. */
  peer?(...source: Source): string | undefined;
}

/** What is read of Hono's context. */
export interface HonoContext {
  req: { method: string; url: string; header(name: string): string | undefined };
  res: Response;
  env: unknown;
}

/** What is read of Express' request and of its response. */
export interface ExpressRequest {
  method: string;
  originalUrl: string;
  headers: Record<string, string | string[] | undefined>;
  socket: { remoteAddress?: string | undefined };
}
export interface ExpressResponse {
  statusCode: number;
  getHeader(name: string): unknown;
  once(event: 'finish', listener: () => void): unknown;
}

/**
 * - `queue_full`: too many wait already
 * - `refused`: the collector calls it wrong
 * - `given_up`: tried as often as it may be
 * - `unreadable`: a function of the options threw, or the request makes no sense
 * - `closed`: the tracker was closed before it could be sent
 */
export type TrackerDrop = 'queue_full' | 'refused' | 'given_up' | 'unreadable' | 'closed';

export interface TrackerStats {
  /** Page views that the collector has acknowledged. */
  sent: number;
  waiting: number;
  dropped: Record<TrackerDrop, number>;
}

/** Each of the three tells of page views; none of them throws, or makes a response wait. */
export interface Tracker {
  /** `app.use(tracker.hono())` */
  hono<Context extends HonoContext>(
    visitor?: Visitor<[Context]>,
  ): (context: Context, next: () => Promise<void>) => Promise<void>;
  /** `app.use(tracker.express())` */
  express<Request extends ExpressRequest>(
    visitor?: Visitor<[Request]>,
  ): (request: Request, response: ExpressResponse, next: () => void) => void;
  /** A handler of requests of the Fetch API that does what the given one does. */
  wrap<Rest extends unknown[]>(
    handler: (request: Request, ...rest: Rest) => Response | Promise<Response>,
    visitor?: Visitor<[Request, ...Rest]>,
  ): (request: Request, ...rest: Rest) => Promise<Response>;
  stats(): TrackerStats;
  /** Takes no more, and resolves once all that waits is sent, or dropped at the end of the time. Default: 5000 */
  close(timeoutMs?: number): Promise<void>;
}

/**
 * Page views of pages without script, told by the server that made them.
 *
 * @throws TypeError naming the option that is wrong
 */
export declare function createTracker(options: TrackerOptions): Tracker;
