/** What a dashboard is told on every second: online now, today's visitors and page views of a scope. */
import type { ServerMessage } from '../contract/socket.ts';

const PAGE_VIEWS_KEEP_MS = 5_000;
const MAX_READS_AT_ONCE = 4;

export interface DashboardSources {
  online(scope: string): Promise<number>;
  visitorsToday(scope: string): Promise<number>;
  /** Costs a query of the analytics store. */
  pageViewsToday(scope: string): Promise<number>;
  /** ms since the epoch */
  now(): number;
  onError(error: unknown): void;
}

export class DashboardFeed {
  readonly #sources: DashboardSources;
  readonly #pageViews = new Map<string, { value: number | undefined; readAt: number }>();
  #reading = 0;

  constructor(sources: DashboardSources) {
    this.#sources = sources;
  }

  /** Undefined until the page views have been read once, and while a source does not answer. */
  async update(scope: string): Promise<ServerMessage | undefined> {
    const page_views_today = this.#knownPageViews(scope);
    if (page_views_today === undefined) return undefined;
    try {
      const [online, visitors_today] = await Promise.all([
        this.#sources.online(scope),
        this.#sources.visitorsToday(scope),
      ]);
      const timestamp = new Date(this.#sources.now()).toISOString();
      return { type: 'dashboard_update', online, visitors_today, page_views_today, timestamp };
    } catch (error) {
      this.#sources.onError(error);
      return undefined;
    }
  }

  /** Forgets a scope that no dashboard shows any more. */
  forget(scope: string): void {
    this.#pageViews.delete(scope);
  }

  /** The last value, read again in the background: a slow analytics store must not hold up the second. */
  #knownPageViews(scope: string): number | undefined {
    const known = this.#pageViews.get(scope);
    const fresh = known !== undefined && this.#sources.now() - known.readAt < PAGE_VIEWS_KEEP_MS;
    if (!fresh && this.#reading < MAX_READS_AT_ONCE) this.#readPageViews(scope, known?.value);
    return known?.value;
  }

  #readPageViews(scope: string, last: number | undefined): void {
    const entry = { value: last, readAt: this.#sources.now() };
    this.#pageViews.set(scope, entry);
    this.#reading++;
    this.#sources
      .pageViewsToday(scope)
      .then((value) => {
        entry.value = value;
      })
      .catch((error: unknown) => this.#sources.onError(error))
      .finally(() => {
        this.#reading--;
      });
  }
}
