/** Who is online on the site and in each community: tracks visitors in the live store and tells who comes and goes. */
import type { PresenceNews, VisitorMoment } from '../contract/presence.ts';
import { PRESENCE_CHANNEL } from '../contract/presence.ts';
import type { LiveStore, PresenceChange, SignOfLife } from './port.ts';
import { SITE } from './port.ts';
import { parsePresenceNews } from './presence-news.ts';

/** A message names at most so many who came and so many who left; `count` is exact in any case. */
const MAX_LISTED = 200;

interface VisitorTrackerOptions {
  /** A visitor is gone so long after the last sign of life. */
  realtimeTtlMs: number;
  now?: () => number;
  /** Told of messages in the channel that are not presence news. Default: a process warning. */
  onError?: (error: Error) => void;
  /** Told of everyone who comes to the site or a community, or leaves: for who wants to follow a visitor. Default: nobody. */
  onChange?: (what: 'joined' | 'left', change: PresenceChange) => void;
}

/** A page view, heartbeat or leave. `at` is ms since the epoch. */
export interface VisitorSign {
  visitor: string;
  communityId: string | undefined;
  at: number;
  leaving: boolean;
}

/**
 * Stands on any live store and keeps nothing itself, so there may be many. Every method may be repeated without harm
 * and rejects with the store's error; when publishing fails, the next message of the scope has the right count again.
 */
export class VisitorTracker {
  readonly #store: LiveStore;
  readonly #ttlMs: number;
  readonly #now: () => number;
  readonly #onError: (error: Error) => void;
  readonly #onChange: VisitorTrackerOptions['onChange'];

  constructor(store: LiveStore, options: VisitorTrackerOptions) {
    this.#store = store;
    this.#ttlMs = options.realtimeTtlMs;
    this.#now = options.now ?? Date.now;
    this.#onError = options.onError ?? ((error) => process.emitWarning(error));
    this.#onChange = options.onChange;
  }

  /** Counts a visitor as online on the site, and in a community. */
  async addVisitor(visitorId: string, communityId?: string): Promise<void> {
    await this.track([{ visitor: visitorId, communityId, at: this.#now(), leaving: false }]);
  }

  /** Lets a visitor go everywhere. Announced by the first {@link sweep} after the grace for a leave. */
  async removeVisitor(visitorId: string): Promise<void> {
    await this.#store.leave([{ visitor: visitorId, at: this.#now() }]);
  }

  /** Visitors online on the site, or in a community. */
  async getCount(communityId?: string): Promise<number> {
    return this.#store.online(communityId ?? SITE);
  }

  /** Notes signs in order and announces who came. A visitor's latest sign holds; of one instant, the later in order. */
  async track(signs: readonly VisitorSign[]): Promise<void> {
    const joined: PresenceChange[][] = [];
    for (const { arrivals, leaves } of this.#rounds(signs)) {
      if (arrivals.length > 0) joined.push(await this.#store.arrive(arrivals));
      if (leaves.length > 0) await this.#store.leave(leaves);
    }
    await this.#announce(joined.flat(), []);
  }

  /** Removes and announces who has gone until `now`. */
  async sweep(now: number): Promise<void> {
    await this.#announce([], await this.#store.expire(now));
  }

  /** Answers a function that ends the subscription. */
  onNews(listener: (news: PresenceNews) => void): Promise<() => Promise<void>> {
    return this.#store.subscribe(PRESENCE_CHANNEL, (message) => {
      let news: PresenceNews;
      try {
        news = parsePresenceNews(message);
      } catch (error) {
        this.#onError(error instanceof Error ? error : new Error(String(error)));
        return;
      }
      listener(news);
    });
  }

  /**
   * Arrivals first, then leaves: the store compares instants, so their order matters only where a visitor comes back
   * in the very millisecond of the leave. That sign goes to the next round.
   */
  #rounds(signs: readonly VisitorSign[]): Round[] {
    const rounds: Round[] = [];
    /** Of who has left: the round that the next sign belongs to, and the instant of the leave where that was the last sign. */
    const leavers = new Map<string, { round: number; leftAt: number }>();
    for (const { visitor, communityId, at, leaving } of signs) {
      const state = leavers.get(visitor);
      if (!leaving && at === state?.leftAt) state.round += 1;
      const number = state?.round ?? 0;
      if (state !== undefined) state.leftAt = leaving ? at : Number.NaN;
      else if (leaving) leavers.set(visitor, { round: 0, leftAt: at });

      const round = rounds[number] ?? { arrivals: [], leaves: [] };
      rounds[number] = round;
      if (leaving) {
        round.leaves.push({ visitor, at });
      } else {
        const until = at + this.#ttlMs;
        round.arrivals.push({ visitor, scope: SITE, at, until });
        if (communityId !== undefined) round.arrivals.push({ visitor, scope: communityId, at, until });
      }
    }
    return rounds;
  }

  async #announce(joined: PresenceChange[], left: PresenceChange[]): Promise<void> {
    const scopes = new Map<string, { joined: VisitorMoment[]; left: VisitorMoment[] }>();
    const note = (list: 'joined' | 'left', presence: PresenceChange) => {
      const { visitor, scope, at } = presence;
      this.#onChange?.(list, presence);
      const change = scopes.get(scope) ?? { joined: [], left: [] };
      scopes.set(scope, change);
      if (change[list].length < MAX_LISTED) change[list].push({ id: visitor, at });
    };
    for (const change of joined) note('joined', change);
    for (const change of left) note('left', change);
    await Promise.all(
      [...scopes].map(async ([scope, change]) => {
        const news: PresenceNews = { scope, count: await this.#store.online(scope), ...change };
        await this.#store.publish(PRESENCE_CHANNEL, JSON.stringify(news));
      }),
    );
  }
}

interface Round {
  arrivals: SignOfLife[];
  leaves: { visitor: string; at: number }[];
}
