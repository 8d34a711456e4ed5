/** What every live store promises. Each engine runs it from its own test file. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LEAVE_GRACE_MS, type LiveOptions, type LiveStore, SITE } from './port.ts';

export interface LiveStoreHarness {
  /** Opens an empty store. */
  open(options: LiveOptions): Promise<LiveStore>;
  /** Lets time pass where the store looks at a clock of its own. */
  elapse(ms: number): Promise<void>;
}

const SECOND = 1_000;
const COMMUNITY = '6f1b7a52-4a5e-4c1e-9a51-0f8b5a1d2c3e';

export function describeLiveStore(name: string, harness: LiveStoreHarness): void {
  describe(`live store: ${name}`, () => {
    const start = 1_760_000_000_000;
    let clock = start;
    let store: LiveStore;
    let errors: Error[];

    const open = () => harness.open({ now: () => clock, onError: (error) => errors.push(error) });
    const elapse = async (ms: number) => {
      clock += ms;
      await harness.elapse(ms);
    };
    const sign = (visitor: string, at: number, ttl = 60 * SECOND, scope = SITE) => ({
      visitor,
      scope,
      at,
      until: at + ttl,
    });

    beforeEach(async () => {
      clock = start;
      errors = [];
      store = await open();
    });
    afterEach(() => store.close());

    describe('presence', () => {
      it('answers who was not online in that scope before, once', async () => {
        const signs = [sign('a', start), sign('a', start, 60 * SECOND, COMMUNITY), sign('b', start)];
        expect(await store.arrive([...signs, sign('a', start + 1)])).toEqual([
          { visitor: 'a', scope: SITE, at: start },
          { visitor: 'a', scope: COMMUNITY, at: start },
          { visitor: 'b', scope: SITE, at: start },
        ]);
        expect(await store.arrive(signs)).toEqual([]);
        expect(await store.online(SITE)).toBe(2);
        expect(await store.online(COMMUNITY)).toBe(1);
        expect(await store.online('nobody')).toBe(0);
      });

      it('lets those go whose time is over, once', async () => {
        await store.arrive([sign('a', start, 10 * SECOND), sign('b', start, 20 * SECOND)]);
        expect(await store.expire(start + 10 * SECOND - 1)).toEqual([]);
        const gone = [{ visitor: 'a', scope: SITE, at: start + 10 * SECOND }];
        expect(await store.expire(start + 10 * SECOND)).toEqual(gone);
        expect(await store.expire(start + 10 * SECOND)).toEqual([]);
        expect(await store.online(SITE)).toBe(1);
      });

      it('keeps who gave another sign', async () => {
        await store.arrive([sign('a', start, 10 * SECOND)]);
        await store.arrive([sign('a', start + 5 * SECOND, 10 * SECOND)]);
        expect(await store.expire(start + 10 * SECOND)).toEqual([]);
        expect(await store.expire(start + 15 * SECOND)).toHaveLength(1);
      });

      it('does not take a sign whose time is over', async () => {
        expect(await store.arrive([sign('a', start - 60 * SECOND)])).toEqual([]);
        expect(await store.online(SITE)).toBe(0);
      });

      it('answers each who goes to one caller only', async () => {
        await store.arrive(Array.from({ length: 200 }, (_, n) => sign(`v${n}`, start)));
        const answers = await Promise.all([1, 2, 3, 4].map(() => store.expire(start + 60 * SECOND)));
        expect(new Set(answers.flat().map(({ visitor }) => visitor)).size).toBe(200);
        expect(answers.flat()).toHaveLength(200);
      });

      it('lets a visitor who leaves go from every scope after the grace', async () => {
        await store.arrive([sign('a', start), sign('a', start, 60 * SECOND, COMMUNITY), sign('b', start)]);
        await store.leave([{ visitor: 'a', at: start + 5 }]);
        expect(await store.expire(start + 5 + LEAVE_GRACE_MS - 1)).toEqual([]);
        const left = await store.expire(start + 5 + LEAVE_GRACE_MS);
        expect(left.map(({ visitor, scope }) => `${visitor} ${scope}`).sort()).toEqual(
          [`a ${COMMUNITY}`, `a ${SITE}`].sort(),
        );
        expect(await store.online(SITE)).toBe(1);
        expect(await store.online(COMMUNITY)).toBe(0);
      });

      it('takes a visitor who comes back within the grace as one who never left', async () => {
        await store.arrive([sign('a', start)]);
        await store.leave([{ visitor: 'a', at: start + 5 }]);
        expect(await store.arrive([sign('a', start + 6)])).toEqual([]);
        expect(await store.expire(start + 10 * SECOND)).toEqual([]);
        expect(await store.online(SITE)).toBe(1);
      });

      it('goes by instants, not by the order of calls', async () => {
        await store.arrive([sign('late leave', start + 10), sign('late sign', start)]);
        await store.leave([
          { visitor: 'late leave', at: start + 9 },
          { visitor: 'late sign', at: start + 9 },
          { visitor: 'nobody', at: start + 9 },
        ]);
        await store.arrive([sign('late sign', start + 8)]);
        const left = await store.expire(start + 9 + LEAVE_GRACE_MS);
        expect(left.map(({ visitor }) => visitor)).toEqual(['late sign']);
      });

      it('never keeps a visitor longer because of a leave', async () => {
        await store.arrive([sign('a', start, 10)]);
        await store.leave([{ visitor: 'a', at: start + 5 }]);
        expect(await store.expire(start + 10)).toHaveLength(1);
      });

      it('lets each of many go once who came in the same second, in whatever order they leave', async () => {
        const visitors = ['a', 'b', 'c', 'd', 'e'];
        for (const leavers of ordersOf(visitors.slice(1))) {
          const begin = clock;
          await store.arrive(visitors.map((visitor) => sign(visitor, begin)));
          const left: string[] = [];
          for (const visitor of leavers.slice(0, 3)) {
            await store.leave([{ visitor, at: clock }]);
            clock += LEAVE_GRACE_MS;
            left.push(...(await store.expire(clock)).map((change) => change.visitor));
          }
          expect(left).toEqual(leavers.slice(0, 3));
          clock = begin + 60 * SECOND;
          const rest = await store.expire(clock);
          expect(rest.map(({ visitor }) => visitor).sort()).toEqual(['a', ...leavers.slice(3)]);
        }
        expect(await store.expire(clock + 60 * SECOND)).toEqual([]);
      });

      it('lets a visitor go from each of many scopes once, in whatever order, who may come back to each', async () => {
        const scopes = [SITE, COMMUNITY, 'another'];
        for (const goers of ordersOf(scopes)) {
          const ttlOf = (scope: string) => (1 + goers.indexOf(scope)) * 10 * SECOND;
          await store.arrive(scopes.map((scope) => sign('a', clock, ttlOf(scope), scope)));
          for (const scope of goers.slice(0, 2)) {
            clock += 10 * SECOND;
            expect(await store.expire(clock)).toEqual([{ visitor: 'a', scope, at: clock }]);
            expect(await store.online(scope)).toBe(0);
          }
          for (const scope of goers.slice(0, 2))
            expect(await store.arrive([sign('a', clock, SECOND, scope)])).toHaveLength(1);
          clock += 10 * SECOND;
          expect(await store.expire(clock)).toHaveLength(3);
        }
      });

      it('knows a visitor in any number of scopes, each of which may be left and come back to', async () => {
        const scopes = Array.from({ length: 500 }, (_, n) => `community-${n}`);
        const goers = scopes.filter((_, n) => n % 3 === 0);
        const all = scopes.map((scope) => sign('a', start, 60 * SECOND, scope));
        const short = goers.map((scope) => sign('b', start, 10 * SECOND, scope));
        expect(await store.arrive([...all, ...short])).toHaveLength(scopes.length + goers.length);
        expect(await store.arrive(all)).toEqual([]);
        expect(await store.expire(start + 10 * SECOND)).toHaveLength(goers.length);
        expect(
          await store.arrive(short.map((each) => ({ ...each, until: start + 30 * SECOND }))),
        ).toHaveLength(goers.length);
        await store.leave([{ visitor: 'b', at: start + 20 * SECOND }]);
        expect(await store.expire(start + 21 * SECOND)).toHaveLength(goers.length);
        expect(await store.online('community-1')).toBe(1);
        expect(await store.expire(start + 60 * SECOND)).toHaveLength(scopes.length);
        expect(await store.onlineByScope()).toEqual(new Map());
      });

      it('counts every scope that has visitors at once', async () => {
        expect(await store.onlineByScope()).toEqual(new Map());
        await store.arrive([sign('a', start), sign('b', start), sign('b', start, 60 * SECOND, COMMUNITY)]);
        await store.arrive([sign('c', start, 10 * SECOND, 'another')]);
        expect(await store.onlineByScope()).toEqual(
          new Map([
            [SITE, 2],
            [COMMUNITY, 1],
            ['another', 1],
          ]),
        );
        clock += 10 * SECOND;
        await store.expire(clock);
        expect([...(await store.onlineByScope()).keys()].sort()).toEqual([COMMUNITY, SITE].sort());
      });

      it('counts thousands of scopes at once, in a second or two', async () => {
        const scopes = Array.from({ length: 3_000 }, (_, n) => `community-${n}`);
        await store.arrive(scopes.flatMap((scope, n) => sign(`v${n % 700}`, start, 60 * SECOND, scope)));
        const began = performance.now();
        const online = await store.onlineByScope();
        expect(performance.now() - began).toBeLessThan(5_000);
        expect(online).toEqual(new Map(scopes.map((scope) => [scope, 1])));
      });

      it('agrees with a naive model, whatever happens in whatever order', async () => {
        const visitor = fc.constantFrom('a', 'b', 'c');
        const at = fc.integer({ min: 0, max: 12 * SECOND });
        const step = fc.oneof(
          fc.record({
            does: fc.constant('arrive' as const),
            visitor,
            at,
            scope: fc.constantFrom(SITE, COMMUNITY),
            ttl: fc.integer({ min: 1, max: 5 * SECOND }),
          }),
          fc.record({ does: fc.constant('leave' as const), visitor, at }),
          fc.record({ does: fc.constant('expire' as const), at }),
        );
        // A failure prints the seed and the shortest path to it.
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
            clock = start;
            const tested = await open();
            const model = new Map<string, { visitor: string; scope: string; at: number; until: number }>();
            const expectOnline = async (scope: string) => {
              const all = [...model.values()].filter((one) => one.scope === scope);
              const counted = await tested.online(scope);
              expect(counted).toBeLessThanOrEqual(all.length);
              expect(counted).toBeGreaterThanOrEqual(all.filter(({ until }) => until > clock).length);
            };
            for (const action of steps) {
              const instant = start + action.at;
              if (action.does === 'arrive') {
                const given = sign(action.visitor, instant, action.ttl, action.scope);
                const key = `${given.visitor} ${given.scope}`;
                const known = model.get(key);
                const counts = given.until > clock && (known === undefined || given.at >= known.at);
                if (counts) model.set(key, given);
                expect(await tested.arrive([given])).toHaveLength(counts && known === undefined ? 1 : 0);
              } else if (action.does === 'leave') {
                await tested.leave([{ visitor: action.visitor, at: instant }]);
                for (const known of model.values()) {
                  if (known.visitor !== action.visitor || instant < known.at) continue;
                  known.at = instant;
                  known.until = Math.min(known.until, instant + LEAVE_GRACE_MS);
                }
              } else {
                clock = Math.max(clock, instant);
                const gone = [...model].filter(([, known]) => known.until <= clock);
                for (const [key] of gone) model.delete(key);
                const left = await tested.expire(clock);
                expect(left.map((change) => `${change.visitor} ${change.scope} ${change.at}`).sort()).toEqual(
                  gone.map(([key, { until }]) => `${key} ${until}`).sort(),
                );
              }
              await expectOnline(SITE);
              await expectOnline(COMMUNITY);
            }
            await tested.close();
          }),
        );
      });
    });

    describe('visitor counters', () => {
      const visitors = (n: number) => Array.from({ length: n }, (_, i) => `visitor-${i}`);

      it.each([0, 1, 10, 100, 1_000, 10_000, 100_000])('counts %i visitors to within 3 %%', async (n) => {
        await store.countVisitors('2025-10-09', SITE, visitors(n));
        const counted = await store.visitorsOf('2025-10-09', SITE);
        expect(Math.abs(counted - n)).toBeLessThanOrEqual(Math.ceil(n * 0.03));
      });

      it('counts a visitor once, however often they are added', async () => {
        for (let i = 0; i < 3; i++) await store.countVisitors('2025-10-09', SITE, visitors(50));
        const once = await store.visitorsOf('2025-10-09', SITE);
        await store.countVisitors('2025-10-09', SITE, visitors(50));
        expect(await store.visitorsOf('2025-10-09', SITE)).toBe(once);
      });

      it('keeps days and scopes apart', async () => {
        await store.countVisitors('2025-10-09', SITE, visitors(3));
        await store.countVisitors('2025-10-09', COMMUNITY, visitors(2));
        await store.countVisitors('2025-10-10', SITE, []);
        expect(await store.visitorsOf('2025-10-09', SITE)).toBe(3);
        expect(await store.visitorsOf('2025-10-09', COMMUNITY)).toBe(2);
        expect(await store.visitorsOf('2025-10-10', SITE)).toBe(0);
      });

      it('are emptied for a day, in every scope, and count anew', async () => {
        const communities = Array.from({ length: 30 }, (_, n) => `${COMMUNITY.slice(0, -2)}${n + 10}`);
        const scopes = [SITE, ...communities, 'a *[?] {scope}:visitors:2025-10-09'];
        for (const scope of scopes) await store.countVisitors('2025-10-09', scope, visitors(3));
        await store.countVisitors('2025-10-10', SITE, visitors(2));
        await store.emptyCounters('2025-10-09');
        for (const scope of scopes) expect(await store.visitorsOf('2025-10-09', scope), scope).toBe(0);
        expect(await store.visitorsOf('2025-10-10', SITE)).toBe(2);
        await store.countVisitors('2025-10-09', SITE, ['visitor-9']);
        expect(await store.visitorsOf('2025-10-09', SITE)).toBe(1);
      });

      it('of another installation in the same store are not emptied', async () => {
        const another = await open();
        await another.countVisitors('2025-10-09', SITE, visitors(2));
        await store.emptyCounters('2025-10-09');
        expect(await another.visitorsOf('2025-10-09', SITE)).toBe(2);
        await another.close();
      });
    });

    describe('a restore', () => {
      it('is for an empty store, once', async () => {
        const restore = vi.fn(async () => {});
        expect(await store.restoreIfLost(restore)).toBe(true);
        expect(await store.restoreIfLost(restore)).toBe(false);
        expect(restore).toHaveBeenCalledOnce();
      });

      it('is done by one of all who ask', async () => {
        const restore = vi.fn(async () => {});
        const answers = await Promise.all([1, 2, 3, 4].map(() => store.restoreIfLost(restore)));
        expect(answers.filter((answer) => answer)).toHaveLength(1);
        expect(restore).toHaveBeenCalledOnce();
      });

      it('that failed is for the next who asks', async () => {
        const failure = new Error('raw does not answer');
        await expect(store.restoreIfLost(() => Promise.reject(failure))).rejects.toBe(failure);
        expect(await store.restoreIfLost(async () => {})).toBe(true);
      });

      it('is for a store whose counters were emptied, and leaves who is online', async () => {
        await store.restoreIfLost(async () => {});
        await store.arrive([sign('a', start)]);
        await store.emptyCounters('2025-10-09');
        expect(await store.online(SITE)).toBe(1);
        const restore = vi.fn(() => store.countVisitors('2025-10-09', SITE, ['a']));
        expect(await store.restoreIfLost(restore)).toBe(true);
        expect(await store.restoreIfLost(restore)).toBe(false);
        expect(await store.visitorsOf('2025-10-09', SITE)).toBe(1);
      });

      it('during which counters were emptied is not enough', async () => {
        expect(await store.restoreIfLost(() => store.emptyCounters('2025-10-09'))).toBe(true);
        expect(await store.restoreIfLost(async () => {})).toBe(true);
        expect(await store.restoreIfLost(async () => {})).toBe(false);
      });

      it('may use the store', async () => {
        await store.restoreIfLost(async () => void (await store.arrive([sign('a', start)])));
        expect(await store.online(SITE)).toBe(1);
      });
    });

    describe('channels', () => {
      it('brings a message to everyone who listens to the channel, in order', async () => {
        const heard: string[] = [];
        await store.subscribe('news', (message) => heard.push(`one ${message}`));
        await store.subscribe('news', (message) => heard.push(`two ${message}`));
        await store.subscribe('other', (message) => heard.push(`other ${message}`));
        await store.publish('news', 'a');
        await store.publish('news', 'b');
        await vi.waitFor(() => expect(heard).toHaveLength(4));
        expect(heard.filter((line) => line.startsWith('one'))).toEqual(['one a', 'one b']);
        expect(heard.filter((line) => line.startsWith('two'))).toEqual(['two a', 'two b']);
      });

      it('brings nothing after the subscription has ended, which may be said twice', async () => {
        const ended: string[] = [];
        const open: string[] = [];
        const unsubscribe = await store.subscribe('news', (message) => ended.push(message));
        await store.subscribe('news', (message) => open.push(message));
        await unsubscribe();
        await unsubscribe();
        await store.publish('news', 'a');
        await vi.waitFor(() => expect(open).toEqual(['a']));
        expect(ended).toEqual([]);
      });

      it('reports a listener that throws, and brings the message to the others', async () => {
        const heard: string[] = [];
        const bug = new Error('bug in a listener');
        await store.subscribe('news', () => {
          throw bug;
        });
        await store.subscribe('news', (message) => heard.push(message));
        await store.publish('news', 'a');
        await vi.waitFor(() => expect(heard).toEqual(['a']));
        expect(errors.map(({ cause }) => cause)).toEqual([bug]);
      });
    });

    describe('allowances', () => {
      it('allows the limit and refuses what is above it', async () => {
        const taken = [];
        for (let i = 0; i < 4; i++) taken.push(await store.take('key', 1, 3, 10 * SECOND));
        expect(taken.map(({ allowed }) => allowed)).toEqual([true, true, true, false]);
        expect(taken.map(({ remaining }) => remaining)).toEqual([2, 1, 0, 0]);
        for (const { resetMs } of taken) expect(resetMs).toBeLessThanOrEqual(10 * SECOND);
        expect((await store.take('another key', 1, 3, 10 * SECOND)).allowed).toBe(true);
      });

      it('takes several points at once', async () => {
        expect(await store.take('key', 100, 150, 10 * SECOND)).toMatchObject({
          allowed: true,
          remaining: 50,
        });
        expect(await store.take('key', 100, 150, 10 * SECOND)).toMatchObject({
          allowed: false,
          remaining: 0,
        });
      });

      it('starts anew when the window ends', async () => {
        await store.take('key', 1, 1, 100);
        expect((await store.take('key', 1, 1, 100)).allowed).toBe(false);
        await elapse(150);
        expect((await store.take('key', 1, 1, 100)).allowed).toBe(true);
      });
    });

    describe('reports', () => {
      const sorted = async () => (await store.reports()).sort((a, b) => a.instance.localeCompare(b.instance));

      it('are those of every instance, the latest of each', async () => {
        expect(await store.reports()).toEqual([]);
        await store.report({ instance: 'a', facts: '{"spool":1}' }, 60 * SECOND);
        await store.report({ instance: 'b', facts: '{"spool":2}' }, 60 * SECOND);
        await store.report({ instance: 'a', facts: '{"spool":3}' }, 60 * SECOND);
        expect(await sorted()).toEqual([
          { instance: 'a', facts: '{"spool":3}' },
          { instance: 'b', facts: '{"spool":2}' },
        ]);
      });

      it('are forgotten after their time, and may be told again', async () => {
        await store.report({ instance: 'a', facts: '1' }, 100);
        await store.report({ instance: 'b', facts: '2' }, 60 * SECOND);
        await elapse(150);
        expect(await store.reports()).toEqual([{ instance: 'b', facts: '2' }]);
        await store.report({ instance: 'a', facts: '3' }, 60 * SECOND);
        expect(await sorted()).toHaveLength(2);
      });
    });

    describe('cache', () => {
      it('answers a value until its time is over', async () => {
        expect(await store.cached('key')).toBeUndefined();
        await store.cache('key', 'value', 100);
        expect(await store.cached('key')).toBe('value');
        await store.cache('key', 'newer', 100);
        expect(await store.cached('key')).toBe('newer');
        await elapse(150);
        expect(await store.cached('key')).toBeUndefined();
      });

      it('keeps nothing that expires at once', async () => {
        await store.cache('key', 'value', 60 * SECOND);
        await store.cache('key', 'value', 0);
        expect(await store.cached('key')).toBeUndefined();
      });
    });

    it('says so when it is closed, and may be closed twice', async () => {
      const another = await open();
      await another.ping();
      await another.close();
      await another.close();
      await expect(another.ping()).rejects.toMatchObject({ code: 'closed', retryable: false });
      await expect(another.online(SITE)).rejects.toMatchObject({ code: 'closed' });
    });
  });
}

/** Every order of these. */
function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item) =>
    ordersOf(items.filter((each) => each !== item)).map((rest) => [item, ...rest]),
  );
}
