/** Everybody who listens to one scope, the site or a community: counts at most 4 times a second, comings and goings sampled. */
import type { PresenceNews, VisitorMoment } from '../contract/presence.ts';
import type { ServerMessage } from '../contract/socket.ts';
import { AtMost } from './at-most.ts';
import { Sampler } from './sampler.ts';
import type { SocketClient } from './socket-client.ts';

export const COUNT_INTERVAL_MS = 250;
const MOMENTS_A_SECOND = 50;

export type SocketKind = 'visitors' | 'dashboard';

export class Audience {
  readonly #clients = new Map<SocketClient, SocketKind>();
  readonly #joined: Sampler;
  readonly #left: Sampler;
  readonly #counts = new AtMost(COUNT_INTERVAL_MS, () => this.#sendCount());
  #latestCount: number | undefined;
  /** Somebody asked for the count in vain. */
  #isOwed = false;
  #newsSeen = 0;

  /** @param now ms since the epoch */
  constructor(now: () => number) {
    this.#joined = new Sampler(MOMENTS_A_SECOND, now);
    this.#left = new Sampler(MOMENTS_A_SECOND, now);
  }

  add(client: SocketClient, kind: SocketKind): void {
    this.#clients.set(client, kind);
  }

  remove(client: SocketClient): void {
    this.#clients.delete(client);
    if (this.#clients.size === 0) this.#counts.stop();
  }

  get isEmpty(): boolean {
    return this.#clients.size === 0;
  }

  get hasDashboard(): boolean {
    return [...this.#clients.values()].includes('dashboard');
  }

  hear(news: PresenceNews): void {
    this.#latestCount = news.count;
    this.#newsSeen++;
    this.#tell('visitor_joined', this.#joined, news.joined);
    this.#tell('visitor_left', this.#left, news.left);
    this.#counts.request();
  }

  /** Sends one client the count. Where it cannot be read, {@link catchUp} sends it. */
  async answerCount(client: SocketClient, read: () => Promise<number>): Promise<void> {
    try {
      const count = await this.#readCount(read);
      client.send({ type: 'visitor_count', count });
      this.#latestCount ??= count;
    } catch (error) {
      this.#isOwed = true;
      throw error;
    }
  }

  /** Sends everybody the count where the last one is no longer true, since news were missed, or where one is owed. */
  async catchUp(read: () => Promise<number>): Promise<void> {
    const count = await this.#readCount(read);
    if (count === this.#latestCount && !this.#isOwed) return;
    this.#latestCount = count;
    this.#isOwed = false;
    this.#counts.request();
  }

  /** News that came while it was read are newer than what was read. */
  async #readCount(read: () => Promise<number>): Promise<number> {
    const newsBefore = this.#newsSeen;
    const counted = await read();
    return newsBefore === this.#newsSeen ? counted : (this.#latestCount ?? counted);
  }

  sendToDashboards(message: ServerMessage): void {
    this.#send(message, 'dashboard');
  }

  #sendCount(): void {
    if (this.#latestCount !== undefined) this.#send({ type: 'visitor_count', count: this.#latestCount });
  }

  #tell(type: 'visitor_joined' | 'visitor_left', sampler: Sampler, moments: readonly VisitorMoment[]): void {
    const { some, sampled } = sampler.take(moments);
    for (const { id, at } of some) {
      const visitor = { id, timestamp: new Date(at).toISOString() };
      this.#send(sampled ? { type, visitor, sampled } : { type, visitor });
    }
  }

  #send(message: ServerMessage, only?: SocketKind): void {
    const text = JSON.stringify(message);
    for (const [client, kind] of this.#clients) {
      if (only === undefined || kind === only) client.sendText(text);
    }
  }
}
