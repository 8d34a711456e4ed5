/**
 * Everybody who listens to one scope, the site or a community.
 *
 * One process can write to so many sockets a second and not more, so an audience has a budget of {@link WRITES_A_SECOND}. Its sockets
 * stand in sections of {@link SECTION_SIZE}. When something has happened, the sections are written to one after another, each with
 * what is the latest then, as fast as the budget allows: a small audience is told at once, one of 10,000 four times a second. In
 * between the process does other work, and no socket waits for all the others. How many comings and goings
 * are named falls with the size of the audience in the same way; counts are never older than the last write.
 */
import type { PresenceNews } from '../contract/presence.ts';
import type { ServerMessage } from '../contract/socket.ts';
import { AtMost } from './at-most.ts';
import { frameOf, type Listener, Section, type SocketKind } from './audience-section.ts';

const WRITES_A_SECOND = 40_000;
const SECTION_SIZE = 1_000;
/** Of visitors who came, and of visitors who left, to all sockets while each is written to once. */
const MOMENTS_A_ROUND = 10_000;
/** Even where writing takes longer than the budget has for it: others have their turn. */
const SHORTEST_PAUSE_MS = 1;
const SECOND = 1_000;

export class Audience {
  readonly #now: () => number;
  readonly #sections: Section[] = [];
  readonly #sectionOf = new Map<Listener, Section>();
  readonly #writes = new AtMost(
    () => this.#pauseMs,
    () => this.#writeNext(),
  );
  #dashboards = 0;
  /** For what was written last. */
  #pauseMs = 0;
  #next = 0;
  #latestCount: number | undefined;
  /** Somebody asked for the count in vain. */
  #isOwed = false;
  #newsSeen = 0;

  /** @param now ms since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  add(client: Listener, kind: SocketKind): void {
    let section = this.#sections.find(({ clients }) => clients.size < SECTION_SIZE);
    if (section === undefined) {
      section = new Section(this.#now, () => this.#writes.request());
      this.#sections.push(section);
    }
    section.clients.set(client, kind);
    this.#sectionOf.set(client, section);
    if (kind === 'dashboard') this.#dashboards += 1;
  }

  remove(client: Listener): void {
    const section = this.#sectionOf.get(client);
    if (section === undefined) return;
    if (section.clients.get(client) === 'dashboard') this.#dashboards -= 1;
    section.clients.delete(client);
    this.#sectionOf.delete(client);
    if (section.clients.size > 0) return;
    section.stop();
    this.#sections.splice(this.#sections.indexOf(section), 1);
    if (this.isEmpty) this.#writes.stop();
  }

  get isEmpty(): boolean {
    return this.#sectionOf.size === 0;
  }

  get hasDashboard(): boolean {
    return this.#dashboards > 0;
  }

  hear(news: PresenceNews): void {
    this.#latestCount = news.count;
    this.#newsSeen++;
    for (const section of this.#sections) section.hear(news);
    this.#requestCounts();
    this.#writes.request();
  }

  /** Sends one client the count. Where it cannot be read, {@link catchUp} sends it. */
  async answerCount(client: Listener, read: () => Promise<number>): Promise<void> {
    try {
      const count = await this.#readCount(read);
      client.write(frameOf({ type: 'visitor_count', count }));
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
    this.#requestCounts();
  }

  sendToDashboards(message: ServerMessage): void {
    const bytes = frameOf(message);
    for (const section of this.#sections) section.tellDashboards(bytes);
    this.#writes.request();
  }

  #requestCounts(): void {
    for (const section of this.#sections) section.requestCount();
  }

  /** News that came while it was read are newer than what was read. */
  async #readCount(read: () => Promise<number>): Promise<number> {
    const newsBefore = this.#newsSeen;
    const counted = await read();
    return newsBefore === this.#newsSeen ? counted : (this.#latestCount ?? counted);
  }

  /** The section whose turn it is, of those that have something to be told. */
  #writeNext(): void {
    const count = this.#sections.length;
    const turns = Array.from({ length: count }, (_, n) => (this.#next + n) % count);
    const turn = turns.find((each) => this.#sections[each]?.isDue);
    const section = turn === undefined ? undefined : this.#sections[turn];
    if (turn === undefined || section === undefined) {
      this.#pauseMs = 0;
      return;
    }
    this.#next = turn + 1;
    const began = performance.now();
    const budgetMs = (section.clients.size / WRITES_A_SECOND) * SECOND;
    section.flush(this.#latestCount, Math.max(1, Math.floor(MOMENTS_A_ROUND / this.#sectionOf.size)));
    this.#pauseMs = Math.max(budgetMs - (performance.now() - began), SHORTEST_PAUSE_MS);
    if (this.#sections.some(({ isDue }) => isDue)) this.#writes.request();
  }
}
