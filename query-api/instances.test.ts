/** Several instances of the query API on one Redis: what one tracker notes, the sockets of all are told. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Realtime } from '../contract/query.ts';
import type { ServerMessage } from '../contract/socket.ts';
import { openLive } from '../redis/open.ts';
import { LEAVE_GRACE_MS, type LiveStore } from '../redis/port.ts';
import { VisitorTracker } from '../redis/visitor-tracker.ts';
import { describeWithStack } from '../stack.fixture.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';

const COMMUNITY = '20000000-0000-4000-8000-aaaaaaaaaaa1';

for (const engine of ['STACK_REDIS', 'STACK_REDIS_CLUSTER'] as const) {
  describeWithStack('instances of the query API', engine, (address) => {
    let stores: Stores;
    let apis: TestApi[];
    /** Of the pipeline, a process of its own. */
    let live: LiveStore;
    let tracker: VisitorTracker;
    let now = Date.now();
    const open: WebSocket[] = [];

    beforeAll(async () => {
      stores = await openStores();
    });
    beforeEach(async () => {
      const url = `${address}?prefix=test-${randomUUID()}:`;
      const clock = () => now;
      live = await openLive(url, { now: clock });
      tracker = new VisitorTracker(live, { realtimeTtlMs: 3_600_000, now: clock });
      apis = [];
      for (let i = 0; i < 3; i++)
        apis.push(await startApi(stores, { live: await openLive(url, { now: clock }), now: clock }));
    });
    afterEach(async () => {
      for (const socket of open.splice(0)) socket.terminate();
      for (const api of apis) await api.close();
      await live.close();
    });
    afterAll(() => stores.close());

    async function listen(api: TestApi, path: string): Promise<ServerMessage[]> {
      const url = `${api.url.replace('http', 'ws')}/ws/analytics/${path}`;
      const mark = path.includes('?') ? '&' : '?';
      const socket = new WebSocket(`${url}${mark}token=${await api.token()}`);
      open.push(socket);
      const messages: ServerMessage[] = [];
      socket.on('message', (data) => messages.push(JSON.parse(String(data))));
      await once(socket, 'open');
      await vi.waitFor(() => expect(messages.length).toBeGreaterThan(0));
      return messages;
    }

    const lastCount = (messages: ServerMessage[]) =>
      messages.flatMap((message) => (message.type === 'visitor_count' ? [message.count] : [])).at(-1);
    const names = (messages: ServerMessage[], type: 'visitor_joined' | 'visitor_left') =>
      messages.flatMap((message) => (message.type === type ? [message.visitor.id] : []));

    it('tell the same to the sockets of each, and answer the same', async () => {
      const site = await Promise.all(apis.map((api) => listen(api, 'visitors/')));
      const dashboards = await Promise.all(apis.map((api) => listen(api, 'dashboard/')));
      const community = await Promise.all(
        apis.map((api) => listen(api, `visitors/?community_id=${COMMUNITY}`)),
      );
      await tracker.addVisitor('ada', COMMUNITY);
      await tracker.addVisitor('bob');
      await vi.waitFor(() => {
        for (const messages of [...site, ...dashboards]) {
          // Nodes of a cluster tell each other of messages at their own pace: those of two visitors have no order.
          expect(names(messages, 'visitor_joined').toSorted()).toEqual(['ada', 'bob']);
          expect(lastCount(messages)).toBe(2);
        }
        for (const messages of community) {
          expect(names(messages, 'visitor_joined')).toEqual(['ada']);
          expect(lastCount(messages)).toBe(1);
        }
      });

      await tracker.removeVisitor('ada');
      now += LEAVE_GRACE_MS;
      // Whoever sweeps: all at once here, and it is announced once.
      await Promise.all([tracker.sweep(now), ...apis.map((api) => api.tracker.sweep(now))]);
      await vi.waitFor(() => {
        for (const messages of [...site, ...dashboards, ...community])
          expect(names(messages, 'visitor_left')).toEqual(['ada']);
        for (const messages of [...site, ...dashboards]) expect(lastCount(messages)).toBe(1);
        for (const messages of community) expect(lastCount(messages)).toBe(0);
      });
      for (const api of apis) expect((await api.json(Realtime, 'realtime/')).count).toBe(1);
    });
  });
}
