/** Redis that is away, silent, emptied or restarted. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { openLive } from './open.ts';
import { type LiveStore, SITE } from './port.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisLosses } from './redis-losses.ts';
import { RedisServer, startCluster } from './redis-server.fixture.ts';
import { parseRedisUrl } from './redis-url.ts';

const MINUTE = 60_000;
const HEALED = { timeout: 20_000, interval: 50 };
const UNAVAILABLE = { name: 'LiveStoreError', code: 'unavailable', retryable: true };

const sign = (visitor: string, scope = SITE) => {
  const at = Date.now();
  return { visitor, scope, at, until: at + MINUTE };
};

/** Every kind of call there is. */
const CALLS: Record<string, (store: LiveStore) => Promise<unknown>> = {
  arrive: (store) => store.arrive([sign('a')]),
  leave: (store) => store.leave([{ visitor: 'a', at: Date.now() }]),
  expire: (store) => store.expire(Date.now()),
  online: (store) => store.online(SITE),
  countVisitors: (store) => store.countVisitors('2025-10-09', SITE, ['a']),
  visitorsOf: (store) => store.visitorsOf('2025-10-09', SITE),
  emptyCounters: (store) => store.emptyCounters('2025-10-09'),
  restoreIfLost: (store) => store.restoreIfLost(async () => {}),
  publish: (store) => store.publish('news', 'a'),
  take: (store) => store.take('key', 1, 1, MINUTE),
  report: (store) => store.report({ instance: 'a', facts: '{}' }, MINUTE),
  reports: (store) => store.reports(),
  cached: (store) => store.cached('key'),
  cache: (store) => store.cache('key', 'value', MINUTE),
  ping: (store) => store.ping(),
};

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function expectEachUnavailable(store: LiveStore): Promise<void> {
  for (const [name, call] of Object.entries(CALLS)) {
    await expect(call(store), name).rejects.toMatchObject(UNAVAILABLE);
  }
}

async function expectNews(store: LiveStore, heard: string[]): Promise<void> {
  await vi.waitFor(async () => {
    await store.publish('news', 'after');
    expect(heard).toContain('after');
  }, HEALED);
}

describeWithStack('Redis', 'STACK_REDIS', () => {
  let server: RedisServer;
  let store: LiveStore;
  beforeEach(async () => {
    server = await RedisServer.start();
    store = await openLive(server.url);
  });
  afterEach(async () => {
    await store.close();
    server.signal('SIGCONT');
    await server.remove();
  });

  describe('that is killed', () => {
    it('has every call rejected at once, in words, and heals when it is back', async () => {
      const heard: string[] = [];
      await store.subscribe('news', (message) => heard.push(message));
      await store.arrive([sign('a')]);
      await server.kill();
      expect(await msOf(() => expectEachUnavailable(store))).toBeLessThan(1_000);
      await expect(store.ping()).rejects.toThrow(/^Redis at 127\.0\.0\.1:\d+: /);
      expect(
        await msOf(() => Promise.allSettled(Array.from({ length: 10_000 }, () => CALLS.take?.(store)))),
      ).toBeLessThan(5_000);
      await server.start();
      await vi.waitFor(() => store.ping(), HEALED);
      expect(await store.arrive([sign('a')])).toHaveLength(1);
      await expectNews(store, heard);
    });

    it('does not keep a store from opening, nor from subscribing', async () => {
      await server.kill();
      const another = await openLive(server.url);
      const heard: string[] = [];
      expect(await msOf(() => another.subscribe('news', (message) => heard.push(message)))).toBeLessThan(
        1_000,
      );
      await expectEachUnavailable(another);
      await server.start();
      await expectNews(another, heard);
      await another.close();
    });

    it('under traffic loses nobody who gives a sign afterwards', async () => {
      let stop = false;
      let rejected = 0;
      const traffic = (async () => {
        while (!stop) {
          await store.arrive([sign('a'), sign('b', 'community')]).catch((error: unknown) => {
            expect(error).toMatchObject(UNAVAILABLE);
            rejected += 1;
          });
          await new Promise((resolve) => setImmediate(resolve));
        }
      })();
      await vi.waitFor(async () => expect(await store.online(SITE)).toBe(1), HEALED);
      await server.kill();
      await vi.waitFor(() => expect(rejected).toBeGreaterThan(10), HEALED);
      await server.start();
      await vi.waitFor(async () => expect(await store.online('community')).toBe(1), HEALED);
      stop = true;
      await traffic;
    });
  });

  describe('that is silent', () => {
    it('has calls rejected within two seconds, later ones at once, and heals', async () => {
      const heard: string[] = [];
      await store.subscribe('news', (message) => heard.push(message));
      server.signal('SIGSTOP');
      const first = await msOf(() => expect(store.online(SITE)).rejects.toMatchObject(UNAVAILABLE));
      expect(first).toBeLessThan(2_000);
      expect(await msOf(() => expectEachUnavailable(store))).toBeLessThan(1_000);
      server.signal('SIGCONT');
      await vi.waitFor(() => store.ping(), HEALED);
      await expectNews(store, heard);
    });

    it('does not keep a store from opening', async () => {
      server.signal('SIGSTOP');
      let another: LiveStore | undefined;
      expect(await msOf(async () => (another = await openLive(server.url)))).toBeLessThan(3_000);
      server.signal('SIGCONT');
      await vi.waitFor(() => another?.ping(), HEALED);
      await another?.close();
    });
  });

  describe('that has lost what it had', () => {
    const restore = vi.fn(async () => {});
    beforeEach(async () => {
      restore.mockClear();
      await store.restoreIfLost(async () => {});
      expect(await store.restoreIfLost(restore)).toBe(false);
    });

    it('by a flush is restored once', async () => {
      await server.ask('FLUSHALL');
      expect(await store.restoreIfLost(restore)).toBe(true);
      expect(await store.restoreIfLost(restore)).toBe(false);
    });

    it('by a restart is restored once, even where it has a snapshot', async () => {
      await server.ask('SAVE');
      await server.kill();
      await server.start();
      await vi.waitFor(() => store.ping(), HEALED);
      expect(await store.restoreIfLost(restore)).toBe(true);
      expect(await store.restoreIfLost(restore)).toBe(false);
    });

    it('while it was restored is restored again', async () => {
      await server.ask('FLUSHALL');
      expect(await store.restoreIfLost(async () => void (await server.ask('FLUSHALL')))).toBe(true);
      expect(await store.restoreIfLost(restore)).toBe(true);
    });

    it('by its own hand is restored, also where that broke off, or where another restored meanwhile', async () => {
      const connection = await RedisConnection.open(parseRedisUrl(server.url));
      const losses = new RedisLosses(connection, parseRedisUrl(server.url).prefix);
      const broken = new Error('broken off by the test');
      await expect(losses.losing(() => Promise.reject(broken))).rejects.toBe(broken);
      expect(await store.restoreIfLost(restore)).toBe(true);
      await losses.losing(async () => expect(await store.restoreIfLost(restore)).toBe(true));
      expect(await store.restoreIfLost(restore)).toBe(true);
      expect(await store.restoreIfLost(restore)).toBe(false);
      await connection.close();
    });

    it('is sent scripts again that it has forgotten', async () => {
      await store.arrive([sign('a')]);
      await server.ask('SCRIPT', 'FLUSH');
      expect(await store.arrive([sign('b')])).toHaveLength(1);
      expect(await store.online(SITE)).toBe(2);
    });
  });
});

describeWithStack('Redis', 'STACK_REDIS', (address) => {
  describe('shared by several processes', () => {
    const stores: LiveStore[] = [];
    const open = async (url: string) => {
      const opened = await openLive(url);
      stores.push(opened);
      return opened;
    };
    afterEach(async () => {
      for (const opened of stores.splice(0)) await opened.close();
    });
    const shared = () => `${address}?prefix=test-${crypto.randomUUID()}:`;

    it('announces each leave to one of the sweepers, while visitors come and go', async () => {
      const url = shared();
      const sweepers = await Promise.all([1, 2, 3, 4].map(() => open(url)));
      const visitors = await open(url);
      const scopes = [SITE, ...Array.from({ length: 20 }, (_, n) => `community-${n}`)];
      const left: string[] = [];
      let expected = 0;
      let stop = false;
      const sweeping = sweepers.map(async (sweeper) => {
        while (!stop) {
          const gone = await sweeper.expire(Date.now());
          left.push(...gone.map(({ visitor, scope }) => `${visitor} ${scope}`));
        }
      });
      for (let round = 0; round < 30; round++) {
        const at = Date.now();
        const signs = scopes.flatMap((scope) =>
          Array.from({ length: 50 }, (_, n) => ({ visitor: `v${round}-${n}`, scope, at, until: at + 1 + n })),
        );
        expected += (await visitors.arrive(signs)).length;
      }
      await vi.waitFor(() => expect(left).toHaveLength(expected), HEALED);
      stop = true;
      await Promise.all(sweeping);
      expect(new Set(left).size).toBe(expected);
      for (const scope of scopes) expect(await visitors.online(scope)).toBe(0);
    });

    it('has one allowance, one cache and one channel', async () => {
      const url = shared();
      const [one, other] = [await open(url), await open(url)];
      const taken = await Promise.all(
        Array.from({ length: 100 }, (_, n) => (n % 2 === 0 ? one : other).take('key', 1, 60, MINUTE)),
      );
      expect(taken.filter(({ allowed }) => allowed)).toHaveLength(60);
      await one.cache('key', 'value', MINUTE);
      expect(await other.cached('key')).toBe('value');
      const heard: string[] = [];
      await one.subscribe('news', (message) => heard.push(message));
      await other.publish('news', 'hello');
      await vi.waitFor(() => expect(heard).toEqual(['hello']));
    });

    it('keeps installations with different prefixes apart', async () => {
      const [one, other] = [await open(shared()), await open(shared())];
      await one.arrive([sign('a')]);
      expect(await other.online(SITE)).toBe(0);
    });

    it('keeps no value that is too large', async () => {
      const store = await open(shared());
      await store.cache('key', 'value', MINUTE);
      await store.cache('key', 'x'.repeat(1024 ** 2 + 1), MINUTE);
      expect(await store.cached('key')).toBeUndefined();
    });
  });
});

describeWithStack('Redis Cluster', 'STACK_REDIS_CLUSTER', () => {
  it('that loses a node goes on with the others, restores what was lost when it is back, and still brings news', async () => {
    const { nodes, url } = await startCluster();
    const store = await openLive(url);
    const scopes = Array.from({ length: 20 }, (_, n) => `community-${n}`);
    const heard: string[] = [];
    await store.subscribe('news', (message) => heard.push(message));
    const fill = async () => void (await store.arrive(scopes.map((scope) => sign('a', scope))));
    const counts = () => Promise.all(scopes.map((scope) => store.online(scope)));
    await store.restoreIfLost(fill);
    expect(await counts()).toEqual(scopes.map(() => 1));

    await nodes[1]?.kill();
    const slowest = await Promise.all(
      scopes.map((scope) => msOf(() => Promise.allSettled([store.online(scope)]))),
    );
    expect(Math.max(...slowest)).toBeLessThan(2_500);
    await expect(store.ping()).rejects.toMatchObject(UNAVAILABLE);

    await nodes[1]?.start();
    await vi.waitFor(() => store.ping(), HEALED);
    expect((await counts()).includes(0)).toBe(true);
    expect(await store.restoreIfLost(fill)).toBe(true);
    expect(await counts()).toEqual(scopes.map(() => 1));
    await expectNews(store, heard);

    nodes[2]?.signal('SIGSTOP');
    const silent = await Promise.all(
      scopes.map((scope) => msOf(() => Promise.allSettled([store.online(scope)]))),
    );
    expect(Math.max(...silent)).toBeLessThan(2_500);
    nodes[2]?.signal('SIGCONT');
    await vi.waitFor(() => store.ping(), HEALED);
    await expectNews(store, heard);

    await store.close();
    for (const node of nodes) await node.remove();
  });
});
