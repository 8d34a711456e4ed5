/**
 * Some of the sockets of a scope, which are written to together: what has happened since the last time becomes one write a
 * socket, of the very same bytes.
 */
import type { PresenceNews, VisitorMoment } from '../contract/presence.ts';
import type { ServerMessage } from '../contract/socket.ts';
import { AtMost } from './at-most.ts';
import { Sampler } from './sampler.ts';
import { textFrame } from './text-frame.ts';

/** Counts come four times a second at most: the latest value, all others are skipped. */
export const COUNT_INTERVAL_MS = 250;
const MOMENTS_A_SECOND = 50;

export const SOCKET_KINDS = ['visitors', 'dashboard'] as const;
export type SocketKind = (typeof SOCKET_KINDS)[number];

/** A socket, as far as an audience knows it. */
export interface Listener {
  /** Whole frames. */
  write(frames: Uint8Array): void;
}

export class Section {
  readonly clients = new Map<Listener, SocketKind>();
  readonly #joined: Sampler;
  readonly #left: Sampler;
  readonly #counts: AtMost;
  #news: PresenceNews[] = [];
  #countIsDue = false;
  /** For dashboards alone; the latest. */
  #update: Buffer | undefined;

  /**
   * @param now ms since the epoch
   * @param onDue is called when there may be something to {@link flush}
   */
  constructor(now: () => number, onDue: () => void) {
    this.#joined = new Sampler(MOMENTS_A_SECOND, now);
    this.#left = new Sampler(MOMENTS_A_SECOND, now);
    this.#counts = new AtMost(COUNT_INTERVAL_MS, () => {
      this.#countIsDue = true;
      onDue();
    });
  }

  get isDue(): boolean {
    return this.#countIsDue || this.#news.length > 0 || this.#update !== undefined;
  }

  hear(news: PresenceNews): void {
    if (news.joined.length > 0 || news.left.length > 0) this.#news.push(news);
  }

  requestCount(): void {
    this.#counts.request();
  }

  tellDashboards(update: Buffer): void {
    if ([...this.clients.values()].includes('dashboard')) this.#update = update;
  }

  /** @param atMost of those who came, and as many of those who left */
  flush(count: number | undefined, atMost: number): void {
    const news = this.#news.splice(0);
    const frames = [
      ...tell(
        'visitor_joined',
        this.#joined,
        news.flatMap(({ joined }) => joined),
        atMost,
      ),
      ...tell(
        'visitor_left',
        this.#left,
        news.flatMap(({ left }) => left),
        atMost,
      ),
    ];
    if (this.#countIsDue && count !== undefined) frames.push(frameOf({ type: 'visitor_count', count }));
    this.#countIsDue = false;
    const forAll = Buffer.concat(frames);
    const forDashboards = this.#update === undefined ? forAll : Buffer.concat([forAll, this.#update]);
    this.#update = undefined;
    for (const [client, kind] of this.clients) {
      const bytes = kind === 'dashboard' ? forDashboards : forAll;
      if (bytes.length > 0) client.write(bytes);
    }
  }

  stop(): void {
    this.#counts.stop();
    this.#news = [];
    this.#countIsDue = false;
    this.#update = undefined;
  }
}

export function frameOf(message: ServerMessage): Buffer {
  return textFrame(JSON.stringify(message));
}

function tell(
  type: 'visitor_joined' | 'visitor_left',
  sampler: Sampler,
  moments: readonly VisitorMoment[],
  atMost: number,
): Buffer[] {
  const { some, sampled } = sampler.take(moments, atMost);
  return some.map(({ id, at }) => {
    const visitor = { id, timestamp: new Date(at).toISOString() };
    return frameOf(sampled ? { type, visitor, sampled } : { type, visitor });
  });
}
