import { expect, it } from 'vitest';
import { describeInBrowser } from './browser.fixture.ts';

const DAY = 24 * 60 * 60_000;

describeInBrowser('outbox', (visitor) => {
  const open = (path: string, page = visitor.page) => page.goto(visitor.site.origin + path);
  /** Opens a page of an application that works offline, twice: then it and the script are there without a network. */
  async function openOfflineReady(path: string): Promise<void> {
    await open(path);
    await visitor.page.evaluate(`navigator.serviceWorker.register('/worker.js')
      .then(() => navigator.serviceWorker.ready)
      .then(() => navigator.serviceWorker.controller || new Promise((done) =>
        navigator.serviceWorker.addEventListener('controllerchange', done))).then(() => 0)`);
    await visitor.page.reload();
    await visitor.beacons('page_view', 2);
    await visitor.settled();
  }
  const counted = async (paths: string[]) => {
    await expect
      .poll(
        () =>
          visitor.site.events
            .filter(({ type }) => type === 'page_view')
            .map(({ url }) => url)
            .sort(),
        {
          timeout: 15_000,
        },
      )
      .toEqual(paths.toSorted());
  };
  const ids = (path: string) =>
    visitor.site.sent
      .filter(({ beacon }) => beacon.type === 'page_view' && beacon.url.endsWith(path))
      .map(({ beacon }) => beacon.event_id);

  it('sends what was viewed while the network was cut, once, when it is restored', async () => {
    await open('/first');
    await visitor.settled();
    await visitor.context.setOffline(true);
    await visitor.page.evaluate("history.pushState({}, '', '/second')");
    await visitor.page.evaluate("footfall('set', { user: 'user-1' })");
    await expect.poll(() => visitor.outbox()).toHaveLength(2);
    await visitor.context.setOffline(false);
    await visitor.settled();
    await counted(['/first', '/second']);
    expect(visitor.site.of('page_view')).toMatchObject([
      { late: false },
      { late: false, url: expect.stringMatching(/second$/) },
    ]);
    expect(visitor.site.of('identify')).toMatchObject([{ user_id: 'user-1' }]);
  });

  it('keeps what was viewed offline over a reload', async () => {
    await openOfflineReady('/first');
    await visitor.context.setOffline(true);
    await visitor.page.evaluate("footfall('page', { user: 'before the reload' })");
    await expect.poll(() => visitor.outbox()).toHaveLength(1);
    await visitor.page.reload();
    await expect.poll(() => visitor.outbox()).toHaveLength(2);
    await visitor.context.setOffline(false);
    await visitor.settled();
    const views = await visitor.beacons('page_view', 4);
    expect(views.map(({ user_id }) => user_id)).toEqual([
      undefined,
      undefined,
      'before the reload',
      undefined,
    ]);
    await counted(['/first', '/first', '/first', '/first']);
  });

  it('sends what a tab that was closed offline has left when the site is visited a day later, marked late', async () => {
    const tab = await visitor.context.newPage();
    await open('/first', tab);
    await visitor.settled(tab);
    await visitor.context.setOffline(true);
    await tab.evaluate("history.pushState({}, '', '/second')");
    await expect.poll(() => visitor.outbox(tab)).toHaveLength(1);
    const closed = tab.waitForEvent('close');
    await tab.close({ runBeforeUnload: true });
    await closed;
    await visitor.context.setOffline(false);
    await visitor.page.clock.install({ time: Date.now() + DAY });
    await open('/third');
    await visitor.page.clock.runFor(1_000);
    await visitor.beacons('page_view', 3);
    await visitor.settled();
    await counted(['/first', '/second', '/third']);
    expect(visitor.site.of('page_view').map(({ late }) => late)).toEqual([false, true, false]);
    expect(visitor.site.events.map(({ url, late }) => [url, late])).toContainEqual(['/second', true]);
  });

  it('sends again when the collector was stopped and is there again', async () => {
    await open('/first');
    await visitor.settled();
    await visitor.site.stopCollector();
    await visitor.page.evaluate("history.pushState({}, '', '/second')");
    await expect.poll(() => visitor.outbox()).toHaveLength(1);
    await visitor.site.startCollector();
    await visitor.settled();
    await counted(['/first', '/second']);
  });

  it('sends a page view whose answer was lost again with the same event_id', async () => {
    visitor.site.faults.push('lost');
    await open('/first');
    await visitor.settled();
    await expect.poll(() => ids('/first').length).toBeGreaterThanOrEqual(2);
    expect(new Set(ids('/first')).size).toBe(1);
    await expect.poll(() => visitor.site.events.length).toBeGreaterThanOrEqual(2);
    expect(new Set(visitor.site.events.map(({ event_id }) => event_id)).size).toBe(1);
  });

  it('sends nothing before the time that the collector asks for', async () => {
    visitor.site.faults.push({ status: 503, headers: { 'Retry-After': '120' } });
    await visitor.page.clock.install();
    await open('/first');
    await visitor.page.clock.runFor(1_000);
    await expect.poll(() => visitor.site.sent[0]?.status).toBe(503);
    await visitor.page.evaluate("footfall('set', { user: 'user-1' })");
    await expect.poll(() => visitor.outbox()).toHaveLength(2);
    await visitor.page.clock.runFor(60_000);
    await visitor.page.evaluate("dispatchEvent(new Event('online'))");
    await visitor.page.evaluate('navigator.locks.request("footfall", () => {})');
    expect(visitor.site.sent).toHaveLength(1);
    await visitor.page.clock.runFor(61_000);
    await visitor.beacons('page_view', 1);
    await visitor.page.clock.runFor(1_000);
    await visitor.beacons('identify', 1);
    expect(new Set(ids('/first')).size).toBe(1);
  });

  it('makes growing pauses of at most two minutes while the collector cannot be reached', async () => {
    await visitor.page.addInitScript(`
      const later = setTimeout;
      window.pauses = [];
      window.setTimeout = (work, ms) => {
        if (!(ms >= 1000) || ms === 5000) return later(work, ms);
        pauses.push(ms);
        return later(work, 10);
      };`);
    await open('/first');
    await visitor.settled();
    await visitor.site.stopCollector();
    await visitor.page.evaluate("history.pushState({}, '', '/second')");
    const pauses = async (): Promise<number[]> =>
      JSON.parse(await visitor.page.evaluate('JSON.stringify(pauses)'));
    await expect.poll(async () => (await pauses()).length, { timeout: 15_000 }).toBeGreaterThan(20);
    await visitor.site.startCollector();
    await visitor.settled();
    const all = await pauses();
    const [first = 0, second = 0, third = 0, fourth = 0] = all;
    expect(first).toBeLessThanOrEqual(2_000);
    expect(second).toBeGreaterThan(first);
    expect(third).toBeGreaterThan(second);
    expect(fourth).toBeGreaterThan(third);
    expect(Math.max(...all)).toBeLessThan(2.1 * 60_000);
  });

  it('does not send again what the collector calls wrong, tells the site why, and holds nothing else up', async () => {
    const warning = visitor.page.waitForEvent('console', (message) => message.text().startsWith('footfall:'));
    visitor.site.attributes = 'data-community="no-uuid"';
    await open('/first');
    expect((await warning).text()).toMatch(/community_id.*must be a UUID/);
    await visitor.page.evaluate("footfall('page', { community: null })");
    await visitor.settled();
    expect(visitor.site.sent.map(({ status }) => status)).toEqual([400, 202]);
  });

  it('is not held up by a page whose address is longer than the collector takes', async () => {
    const warning = visitor.page.waitForEvent('console', (message) => message.text().startsWith('footfall:'));
    await open('/first');
    await visitor.settled();
    await visitor.page.evaluate("history.pushState({}, '', '/long#' + 'x'.repeat(100_000))");
    expect((await warning).text()).toContain('body_too_large');
    // The next one names it as the page before.
    for (const path of ['/next', '/third']) {
      await visitor.page.evaluate(`history.pushState({}, '', '${path}')`);
      await visitor.settled();
    }
    await counted(['/first', '/third']);
  });

  it('keeps the fifty newest, and none for a week', async () => {
    await open('/first');
    await visitor.settled();
    await visitor.context.setOffline(true);
    // Each in a millisecond of its own, since their order says which are the newest.
    await visitor.page.evaluate(`void (function view(n) {
      footfall('page', { user: 'user-' + n });
      if (n < 59) setTimeout(view, 2, n + 1);
    })(0)`);
    const newest = "Object.values(localStorage).some((text) => text.includes('user-59'))";
    await expect.poll(() => visitor.page.evaluate(newest)).toBe(true);
    await visitor.page.evaluate("dispatchEvent(new Event('online'))");
    await expect.poll(() => visitor.outbox()).toHaveLength(50);
    await visitor.page.evaluate(`
      const week = localStorage.getItem(Object.keys(localStorage)[0]);
      localStorage.setItem('footfall:' + (Date.now() - 7 * ${DAY}) + 'x', week.replace(/"event_id":"../, '"event_id":"ff'));
      localStorage.setItem('of the page', 'stays')`);
    await visitor.context.setOffline(false);
    await visitor.settled();
    expect(await visitor.beacons('page_view', 51)).toHaveLength(51);
    expect(new Set(visitor.site.of('page_view').map(({ user_id }) => user_id))).toEqual(
      new Set([undefined, ...Array.from({ length: 50 }, (_, n) => `user-${n + 10}`)]),
    );
    expect(await visitor.page.evaluate('({ ...localStorage })')).toEqual({ 'of the page': 'stays' });
  });

  it('is shared by tabs: each beacon is counted, most are sent once, and in the end none is left', async () => {
    const tabs = [visitor.page];
    for (const n of [2, 3, 4]) {
      const tab = await visitor.context.newPage();
      tabs.push(tab);
      await open(`/tab-${n}`, tab);
    }
    await open('/tab-1');
    // What one tab has stored the others see a little later.
    await visitor.beacons('page_view', 4);
    for (const tab of tabs) await visitor.settled(tab);
    await visitor.context.setOffline(true);
    for (const [n, tab] of tabs.entries()) {
      await tab.evaluate(
        `for (const m of [1, 2, 3]) { history.pushState({}, '', '/tab-${n + 1}/' + m); footfall('page') }`,
      );
    }
    await expect.poll(() => visitor.outbox()).toHaveLength(12);
    const before = visitor.site.sent.length;
    await visitor.context.setOffline(false);
    await visitor.settled();
    await visitor.beacons('page_view', 16);
    expect(visitor.site.of('page_view')).toHaveLength(16);
    const views = visitor.site.sent.slice(before).filter(({ beacon }) => beacon.type === 'page_view');
    expect(views.length).toBeLessThan(2 * 12);
    for (const tab of tabs) expect(await visitor.outbox(tab)).toEqual([]);
  });

  it('loses nothing between tabs where the browser has no locks', async () => {
    await visitor.context.addInitScript("Object.defineProperty(navigator, 'locks', { value: undefined })");
    const tab = await visitor.context.newPage();
    await open('/first');
    await open('/second', tab);
    await visitor.beacons('page_view', 2);
    for (const each of [visitor.page, tab]) await visitor.settled(each);
    await visitor.context.setOffline(true);
    await visitor.page.evaluate("history.pushState({}, '', '/third')");
    await tab.evaluate("history.pushState({}, '', '/fourth')");
    await expect.poll(() => visitor.outbox()).toHaveLength(2);
    await visitor.context.setOffline(false);
    await visitor.settled();
    const views = await visitor.beacons('page_view', 4);
    expect(views).toHaveLength(4);
  });

  it('does not wait for a tab that holds the lock and hangs', async () => {
    const tab = await visitor.context.newPage();
    await open('/first', tab);
    await visitor.settled(tab);
    await tab.evaluate("void navigator.locks.request('footfall', () => new Promise(() => {}))");
    await open('/second');
    await visitor.beacons('page_view', 2);
    await visitor.settled();
  });

  it('never keeps a heartbeat or a leave', async () => {
    visitor.site.attributes = 'data-heartbeat="1"';
    await open('/first');
    await visitor.settled();
    visitor.site.faults.push({ status: 500 });
    await expect.poll(() => visitor.site.sent.some(({ status }) => status === 500)).toBe(true);
    expect(await visitor.outbox()).toEqual([]);
    visitor.site.faults.push({ status: 500 });
    await open('/second');
    await visitor.beacons('page_view', 2);
    await visitor.settled();
    const leaves = visitor.site.sent.filter(({ beacon }) => beacon.type === 'leave');
    expect(leaves.map(({ status }) => status)).toEqual([500]);
  });

  it('sends what still waits with the leave', async () => {
    visitor.site.faults.push({ status: 503, headers: { 'Retry-After': '600' } });
    await open('/first');
    await expect.poll(() => visitor.site.sent[0]?.status).toBe(503);
    await visitor.page.evaluate("footfall('set', { user: 'user-1' })");
    await visitor.page.goto('about:blank');
    await visitor.beacons('leave', 1);
    const last = visitor.site.sent.filter(({ together }) => together > 1);
    expect(last.map(({ beacon }) => beacon.type)).toEqual(['page_view', 'identify', 'leave']);
    expect(new Set(ids('/first')).size).toBe(1);
  });

  it('lives as long as the page where storage is blocked or full', async () => {
    await visitor.page.addInitScript(
      "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError') } })",
    );
    visitor.site.faults.push({ status: 500 });
    await open('/first');
    await visitor.beacons('page_view', 1);

    const full = await visitor.context.newPage();
    await full.addInitScript("localStorage.setItem('of the page', 'x'.repeat(5 * 1024 * 1024 - 20))");
    visitor.site.faults.push({ status: 500 });
    await open('/second', full);
    await visitor.beacons('page_view', 2);
    await counted(['/first', '/second']);
  });
});
