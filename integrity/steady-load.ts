/**
 * Senders that never give up: each sends request after request, and repeats one with the same event ids until it is
 * acknowledged. A visitor belongs to one sender, so that the order of a visitor's beacons is known.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Beacon } from '../contract/beacon.ts';

const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';
const ANSWER_TIMEOUT_MS = 5_000;
const REPEAT_PAUSE_MS = 50;

export interface LoadOptions {
  /** Of collectors. A request that nobody has answered goes to the next one. */
  endpoints: string[];
  senders: number;
  visitorsPerSender: number;
  random(): number;
  /** Of all senders together; as fast as they are answered without. */
  beaconsPerSecond?: number;
  /** Ids that beacons may name. */
  divisions: string[];
  communities: string[];
}

export interface Load {
  readonly acknowledged: Beacon[];
  /** Requests that were sent again since nobody had answered. */
  readonly repeats: number;
  /** Answers that were not 202, by status; 0 where there was none. */
  readonly refusals: Record<number, number>;
  /** Lets every request under way be acknowledged, however often it must be repeated. */
  stop(): Promise<void>;
}

export function steadyLoad(options: LoadOptions): Load {
  const acknowledged: Beacon[] = [];
  const refusals: Record<number, number> = {};
  const start = performance.now();
  let repeats = 0;
  let sent = 0;
  let stopping = false;

  async function deliver(beacons: Beacon[]): Promise<void> {
    const body = JSON.stringify(beacons);
    const first = Math.floor(options.random() * options.endpoints.length);
    for (let attempt = 0; ; attempt += 1) {
      let status = 0;
      try {
        const endpoint = options.endpoints[(first + attempt) % options.endpoints.length] ?? '';
        const answer = await fetch(endpoint, {
          method: 'POST',
          headers: { 'Content-Type': 'text/plain', 'User-Agent': USER_AGENT },
          body,
          signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
        });
        await answer.arrayBuffer();
        status = answer.status;
        if (status === 202) break;
        if (status !== 503) throw new Error(`unexpected answer ${status}`);
      } catch (error) {
        const cut =
          error instanceof TypeError || (error instanceof DOMException && error.name === 'TimeoutError');
        if (!cut) throw error;
      }
      repeats += 1;
      refusals[status] = (refusals[status] ?? 0) + 1;
      await pause(REPEAT_PAUSE_MS);
    }
    acknowledged.push(...beacons);
  }

  async function sender(number: number): Promise<void> {
    const { random, divisions, communities, visitorsPerSender } = options;
    const signedIn = new Set<number>();
    while (!stopping) {
      const beacons = Array.from({ length: 1 + Math.floor(random() * 10) }, (): Beacon => {
        const visitor = Math.floor(random() * visitorsPerSender);
        if (random() < 0.002) signedIn.add(visitor);
        const beacon: Beacon = {
          type: random() < 0.8 ? 'page_view' : 'heartbeat',
          url: `https://example.org/page-${Math.floor(random() * 20)}`,
          fingerprint: `visitor ${visitor} of sender ${number}`,
          event_id: randomUUID(),
        };
        if (signedIn.has(visitor)) beacon.user_id = `user-${number}-${visitor}`;
        const division = divisions[visitor % (divisions.length + 1)];
        if (division !== undefined) beacon.division_id = division;
        const community = communities[Math.floor(random() * (communities.length + 1))];
        if (community !== undefined) beacon.community_id = community;
        return beacon;
      });
      sent += beacons.length;
      await deliver(beacons);
      if (options.beaconsPerSecond === undefined) continue;
      const aheadMs = (sent / options.beaconsPerSecond) * 1_000 - (performance.now() - start);
      if (aheadMs > 0) await pause(aheadMs);
    }
  }

  const running = Promise.all(Array.from({ length: options.senders }, (_, number) => sender(number)));
  running.catch(() => {});
  return {
    acknowledged,
    refusals,
    get repeats() {
      return repeats;
    },
    async stop() {
      stopping = true;
      await running;
    },
  };
}
