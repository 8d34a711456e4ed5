/** 100,000 visitors online, and thousands who come and go: what the API and its sockets say is what the tracker was told. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Realtime } from '../contract/query.ts';
import type { ServerMessage } from '../contract/socket.ts';
import { openLive } from '../redis/open.ts';
import { LEAVE_GRACE_MS } from '../redis/port.ts';
import { describeWithStack } from '../stack.fixture.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';

const ONLINE = 100_000;
const FILL_BATCH = 10_000;
/** Comings, and as many goings, a batch; four of them a second, as long as the tests' clock is asked. */
const CHANGES = 650;
const BATCHES = 16;
const SWEEP_MS = 250;
const GONE_WITHIN_MS = 2_000;
const COMMUNITY = '20000000-0000-4000-8000-aaaaaaaaaaa1';
const WAIT = { timeout: 20_000, interval: 20 };

const name = (n: number) => `${10n ** 18n + BigInt(n)}`;
/** Every tenth is in the community. */
const communityOf = (n: number) => (n % 10 === 0 ? COMMUNITY : undefined);

function describeVolume(store: string, address: string): void {
  describe(`100,000 visitors online, ${store}`, () => {
    let now = Date.now();
    let stores: Stores;
    let api: TestApi;
    let arrived = 0;
    let left = 0;
    /** When those who leave are over, in order. */
    const leaving: { n: number; over: number }[] = [];
    const open: WebSocket[] = [];

    beforeAll(async () => {
      stores = await openStores();
      api = await startApi(stores, { live: await openLive(address, { now: () => now }), now: () => now });
      while (arrived < ONLINE) await come(FILL_BATCH);
    });
    afterAll(async () => {
      for (const socket of open) socket.terminate();
      await api.close();
      await stores.close();
    });

    const sign = (n: number, isLeaving: boolean) => ({
      visitor: name(n),
      communityId: communityOf(n),
      at: now,
      leaving: isLeaving,
    });
    const come = (count: number) =>
      api.tracker.track(Array.from({ length: count }, () => sign(arrived++, false)));

    async function comeAndGo(count: number): Promise<void> {
      const going = Array.from({ length: count }, () => left++);
      await api.tracker.track([
        ...Array.from({ length: count }, () => sign(arrived++, false)),
        ...going.map((n) => sign(n, true)),
      ]);
      leaving.push(...going.map((n) => ({ n, over: now + LEAVE_GRACE_MS })));
    }

    /** Who is online by plain counting: all who have come, but for those whose time is over. */
    function expected() {
      const over = leaving.filter((each) => each.over <= now).map(({ n }) => n);
      const inCommunity = Math.ceil(arrived / 10) - over.filter((n) => communityOf(n) !== undefined).length;
      return { site: arrived - over.length, community: inCommunity };
    }

    async function listen(path: string) {
      const messages: ServerMessage[] = [];
      const mark = path.includes('?') ? '&' : '?';
      const socket = new WebSocket(
        `${api.url.replace('http', 'ws')}/ws/analytics/${path}${mark}token=${await api.token()}`,
      );
      open.push(socket);
      socket.on('message', (data) => messages.push(JSON.parse(String(data))));
      await once(socket, 'open');
      const lastCount = () =>
        messages.flatMap((message) => (message.type === 'visitor_count' ? [message.count] : [])).at(-1);
      return { messages, lastCount };
    }

    it('realtime/ and both sockets agree with it after every batch', async () => {
      const visitors = await listen('visitors/');
      const dashboard = await listen('dashboard/');
      const community = await listen(`visitors/?community_id=${COMMUNITY}`);
      for (let batch = 0; batch < BATCHES; batch++) {
        await comeAndGo(CHANGES);
        now += SWEEP_MS;
        await api.tracker.sweep(now);
        const { site, community: inCommunity } = expected();
        expect((await api.json(Realtime, 'realtime/')).count).toBe(site);
        expect((await api.json(Realtime, `realtime/?community_id=${COMMUNITY}`)).count).toBe(inCommunity);
        await vi.waitFor(() => {
          expect(visitors.lastCount()).toBe(site);
          expect(dashboard.lastCount()).toBe(site);
          expect(community.lastCount()).toBe(inCommunity);
        }, WAIT);
      }
      expect(expected().site).toBeLessThan(ONLINE + 4 * CHANGES);
      await vi.waitFor(() => {
        const updates = dashboard.messages.filter((message) => message.type === 'dashboard_update');
        expect(updates.at(-1)?.online).toBe(expected().site);
      }, WAIT);
    });

    it('a visitor whose tab is closed is gone everywhere within two seconds, once', async () => {
      const visitors = await listen('visitors/');
      const dashboard = await listen('dashboard/');
      while (leaving.some(({ over }) => over > now)) {
        now += SWEEP_MS;
        await api.tracker.sweep(now);
      }
      // All is said of the others, and in another second, so that this one is not left out among many.
      await vi.waitFor(() => {
        for (const { lastCount } of [visitors, dashboard]) expect(lastCount()).toBe(expected().site);
      }, WAIT);
      now += 2_000;
      const leftAt = now;
      const last = arrived - 1;
      await api.tracker.track([sign(last, true)]);
      leaving.push({ n: last, over: leftAt + LEAVE_GRACE_MS });
      const before = expected().site;
      while (now < leftAt + GONE_WITHIN_MS) {
        now += SWEEP_MS;
        await api.tracker.sweep(now);
        const { count } = await api.json(Realtime, 'realtime/');
        expect(count).toBe(now < leftAt + LEAVE_GRACE_MS ? before : before - 1);
      }
      await vi.waitFor(() => {
        for (const { messages, lastCount } of [visitors, dashboard]) {
          const gone = messages.filter((message) => message.type === 'visitor_left');
          expect(gone.map(({ visitor }) => visitor.id).filter((id) => id === name(last))).toHaveLength(1);
          expect(lastCount()).toBe(before - 1);
        }
      }, WAIT);
    });

    it('whoever says nothing is gone when the time of a sign is over', async () => {
      const realtimeTtlMs = 3_600_000;
      now += realtimeTtlMs;
      await api.tracker.sweep(now);
      expect((await api.json(Realtime, 'realtime/')).count).toBe(0);
    });
  });
}

describeVolume('in memory', 'memory://');
for (const engine of ['STACK_REDIS', 'STACK_REDIS_CLUSTER'] as const) {
  describeWithStack('presence at volume', engine, (address) =>
    describeVolume(engine, `${address}?prefix=test-${randomUUID()}:`),
  );
}
