import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PRESENCE_CHANNEL, type PresenceNews } from '../contract/presence.ts';
import { openLive } from './open.ts';
import { LEAVE_GRACE_MS, type LiveStore, SITE } from './port.ts';
import { VisitorTracker } from './visitor-tracker.ts';

const SECOND = 1_000;
const TTL = 60 * SECOND;
const COMMUNITY = '6f1b7a52-4a5e-4c1e-9a51-0f8b5a1d2c3e';
const ANOTHER = '0c3d5c3a-6a70-4b5d-8d7b-3b8f3a3f4f10';

describe('visitor tracker', () => {
  const start = 1_760_000_000_000;
  let clock: number;
  let store: LiveStore;
  let tracker: VisitorTracker;
  let news: PresenceNews[];
  let errors: Error[];

  const view = (visitor: string, at: number, communityId?: string) => ({
    visitor,
    communityId,
    at,
    leaving: false,
  });
  const leave = (visitor: string, at: number) => ({ visitor, communityId: undefined, at, leaving: true });
  const of = (scope: string) => news.filter((one) => one.scope === scope);

  beforeEach(async () => {
    clock = start;
    news = [];
    errors = [];
    store = await openLive('memory://', { now: () => clock });
    tracker = new VisitorTracker(store, {
      realtimeTtlMs: TTL,
      now: () => clock,
      onError: (error) => errors.push(error),
    });
    await tracker.onNews((one) => news.push(one));
  });
  afterEach(() => store.close());

  it('counts a visitor on the site and in the community', async () => {
    await tracker.addVisitor('a', COMMUNITY);
    await tracker.addVisitor('b');
    expect(await tracker.getCount()).toBe(2);
    expect(await tracker.getCount(COMMUNITY)).toBe(1);
    expect(await tracker.getCount(ANOTHER)).toBe(0);
  });

  it('lets a removed visitor go everywhere at the first sweep after the grace', async () => {
    await tracker.addVisitor('a', COMMUNITY);
    await tracker.removeVisitor('a');
    await tracker.sweep(clock + LEAVE_GRACE_MS - 1);
    expect(await tracker.getCount()).toBe(1);
    await tracker.sweep(clock + LEAVE_GRACE_MS);
    expect(await tracker.getCount()).toBe(0);
    expect(await tracker.getCount(COMMUNITY)).toBe(0);
    const left = [{ id: 'a', at: start + LEAVE_GRACE_MS }];
    expect(of(SITE).at(-1)).toEqual({ scope: SITE, count: 0, joined: [], left });
    expect(of(COMMUNITY).at(-1)).toEqual({ scope: COMMUNITY, count: 0, joined: [], left });
  });

  it('tells who asks of everyone who comes and goes, by scope', async () => {
    const changes: unknown[] = [];
    const told = new VisitorTracker(store, {
      realtimeTtlMs: TTL,
      now: () => clock,
      onChange: (what, { visitor, scope }) => changes.push([what, visitor, scope]),
    });
    await told.addVisitor('a', COMMUNITY);
    await told.addVisitor('a', COMMUNITY);
    expect(changes).toEqual([
      ['joined', 'a', SITE],
      ['joined', 'a', COMMUNITY],
    ]);
    await told.removeVisitor('a');
    await told.sweep(clock + LEAVE_GRACE_MS);
    expect(changes.slice(2)).toEqual(
      expect.arrayContaining([
        ['left', 'a', SITE],
        ['left', 'a', COMMUNITY],
      ]),
    );
    expect(changes).toHaveLength(4);
  });

  it('announces who came in one message a scope and call', async () => {
    await tracker.track([
      view('a', start, COMMUNITY),
      view('b', start, COMMUNITY),
      view('a', start + 1, ANOTHER),
    ]);
    expect(news).toHaveLength(3);
    const joined = ['a', 'b'].map((id) => ({ id, at: start }));
    expect(of(SITE)).toEqual([{ scope: SITE, count: 2, joined, left: [] }]);
    expect(of(COMMUNITY)).toEqual([{ scope: COMMUNITY, count: 2, joined, left: [] }]);
    expect(of(ANOTHER)).toEqual([
      { scope: ANOTHER, count: 1, joined: [{ id: 'a', at: start + 1 }], left: [] },
    ]);
  });

  it('takes as many visitors at once as a restart brings', async () => {
    await tracker.track(Array.from({ length: 200_000 }, (_, n) => view(`v${n}`, start)));
    expect(await tracker.getCount()).toBe(200_000);
  });

  it('says nothing when nobody came or went', async () => {
    await tracker.track([view('a', start)]);
    await tracker.track([view('a', start + 1)]);
    await tracker.track([]);
    await tracker.sweep(start + 2);
    expect(news).toHaveLength(1);
  });

  it('lists at most 200 and counts all', async () => {
    await tracker.track(Array.from({ length: 500 }, (_, n) => view(`v${n}`, start)));
    await tracker.sweep(start + TTL);
    expect(news.map(({ count, joined, left }) => [count, joined.length, left.length])).toEqual([
      [500, 200, 0],
      [0, 0, 200],
    ]);
  });

  it('takes a page view after a leave as staying', async () => {
    await tracker.track([view('a', start), leave('a', start + 1), view('a', start + 2)]);
    await tracker.track([leave('a', start + 3), view('a', start + 3)]);
    await tracker.sweep(start + 10 * SECOND);
    expect(await tracker.getCount()).toBe(1);
    expect(news).toHaveLength(1);
  });

  it('takes a leave after a page view as leaving, even in the same millisecond', async () => {
    await tracker.track([view('a', start), leave('a', start), view('b', start), leave('b', start + 1)]);
    await tracker.sweep(start + 10 * SECOND);
    expect(await tracker.getCount()).toBe(0);
  });

  it('leaves the community that the visitor left, and stays where they went', async () => {
    await tracker.track([view('a', start, COMMUNITY), leave('a', start + 1), view('a', start + 1, ANOTHER)]);
    await tracker.sweep(start + 10 * SECOND);
    expect(await tracker.getCount()).toBe(1);
    expect(await tracker.getCount(COMMUNITY)).toBe(0);
    expect(await tracker.getCount(ANOTHER)).toBe(1);
  });

  it('does not remove a visitor for a leave older than a page view already tracked', async () => {
    await tracker.track([view('a', start + 10)]);
    await tracker.track([leave('a', start + 9)]);
    await tracker.sweep(start + 10 * SECOND);
    expect(await tracker.getCount()).toBe(1);
  });

  it('changes nothing for a sign of life older than the time to live', async () => {
    await tracker.track([view('a', start - TTL)]);
    expect(await tracker.getCount()).toBe(0);
    expect(news).toEqual([]);
  });

  it('changes nothing when a batch is repeated', async () => {
    const batch = [view('a', start, COMMUNITY), view('b', start), leave('b', start + 1)];
    await tracker.track(batch);
    await tracker.track(batch);
    await tracker.sweep(start + 10 * SECOND);
    expect(await tracker.getCount()).toBe(1);
    expect(of(SITE)).toHaveLength(2);
  });

  it('reports a message that is not presence news and goes on', async () => {
    await store.publish(PRESENCE_CHANNEL, 'hello');
    await store.publish(PRESENCE_CHANNEL, '{"scope":"site","count":-1,"joined":[],"left":[]}');
    await tracker.addVisitor('a');
    expect(errors.map(({ name }) => name)).toEqual(['PresenceNewsError', 'PresenceNewsError']);
    expect(news).toHaveLength(1);
  });

  it('passes the store error on', async () => {
    await store.close();
    await expect(tracker.addVisitor('a')).rejects.toMatchObject({ code: 'closed' });
  });

  it('brings no news after the subscription has ended', async () => {
    const listener = vi.fn();
    const unsubscribe = await tracker.onNews(listener);
    await unsubscribe();
    await tracker.addVisitor('a');
    expect(listener).not.toHaveBeenCalled();
  });
});
