import { expect, it } from 'vitest';
import { describeInBrowser } from './test-browser.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const COMMUNITY = '6f1b7a52-4a5e-4c1e-9a51-0f8b5a1d2c3e';
const DIVISION = '0c3d5c3a-6a70-4b5d-8d7b-3b8f3a3f4f10';

describeInBrowser('beacon', (visitor) => {
  it('sends a page view with all fields on load, without a preflight', async () => {
    visitor.site.attributes = `data-user-id="user-1" data-community-id="${COMMUNITY}" data-division-id="${DIVISION}"`;
    await visitor.page.goto(`${visitor.site.origin}/first?utm_source=x#part`, {
      referer: 'http://127.0.0.1:9/elsewhere',
    });
    const [view] = await visitor.beacons('page_view', 1);
    expect(view).toEqual({
      type: 'page_view',
      event_id: expect.stringMatching(UUID),
      url: `${visitor.site.origin}/first?utm_source=x#part`,
      title: 'Page /first?utm_source=x',
      referrer: expect.stringMatching(/^http:\/\/127\.0\.0\.1:9\//),
      fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
      session_id: expect.stringMatching(UUID),
      language: 'en-US',
      screen: '800x600',
      user_id: 'user-1',
      community_id: COMMUNITY,
      division_id: DIVISION,
    });
    expect(visitor.site.received[0]?.contentType).toMatch(/^text\/plain/);
    expect(visitor.site.methods).not.toContain('OPTIONS');
    expect(await visitor.views()).toHaveLength(1);
  });

  it('leaves out what it does not know', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    const [view] = await visitor.beacons('page_view', 1);
    expect(Object.keys(view ?? {}).sort()).toEqual(
      ['event_id', 'fingerprint', 'language', 'screen', 'session_id', 'title', 'type', 'url'].sort(),
    );
  });

  it('sends one page view for each page an application shows', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.evaluate("history.pushState({}, '', '/second?tab=1'); document.title = 'Second'");
    const [, second] = await visitor.beacons('page_view', 2);
    expect(second).toMatchObject({
      url: `${visitor.site.origin}/second?tab=1`,
      referrer: `${visitor.site.origin}/first`,
      title: 'Second',
    });
    await visitor.page.evaluate("history.replaceState({}, '', '/third')");
    await visitor.beacons('page_view', 3);
    await visitor.page.goBack();
    const all = await visitor.beacons('page_view', 4);
    expect(all[3]).toMatchObject({
      url: `${visitor.site.origin}/first`,
      referrer: `${visitor.site.origin}/third`,
    });
    expect(new Set(all.map(({ event_id }) => event_id)).size).toBe(4);
    expect(new Set(all.map(({ session_id }) => session_id)).size).toBe(1);
  });

  it('sends no page view when the path stays the same', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.page.evaluate("history.replaceState({}, '', '/first')");
    await visitor.page.evaluate("history.pushState({}, '', '/first?filter=2')");
    await visitor.page.evaluate("location.hash = 'part'");
    expect(await visitor.views()).toEqual(['/first']);
  });

  it('takes the hash as the page where the site says so', async () => {
    visitor.site.attributes = 'data-hash-routing';
    await visitor.page.goto(`${visitor.site.origin}/app#/one`);
    await visitor.page.evaluate("location.hash = '/two'");
    await visitor.beacons('page_view', 2);
    expect(await visitor.views()).toEqual(['/app#/one', '/app#/two']);
  });

  it('identifies the visitor, now and in later page views, until told to forget', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.evaluate(`footfall.identify('user-1', { community_id: '${COMMUNITY}' })`);
    const [identify] = await visitor.beacons('identify', 1);
    expect(identify).toMatchObject({
      user_id: 'user-1',
      community_id: COMMUNITY,
      url: `${visitor.site.origin}/first`,
    });
    await visitor.page.evaluate("history.pushState({}, '', '/second')");
    await visitor.beacons('page_view', 2);
    await visitor.page.evaluate("footfall.forget(); history.pushState({}, '', '/third')");
    const [first, second, third] = await visitor.beacons('page_view', 3);
    expect([first?.user_id, second?.user_id, third?.user_id]).toEqual([undefined, 'user-1', undefined]);
    expect(third?.community_id).toBe(COMMUNITY);
  });

  it('makes the calls that waited for the script first', async () => {
    visitor.site.head = `<script>(window.footfall = window.footfall || { q: [] }).q.push(
    ['identify', 7], ['nonsense'], ['identify'], ['page', { community_id: '${COMMUNITY}' }])</script>`;
    await visitor.page.goto(`${visitor.site.origin}/first`);
    const [view] = await visitor.beacons('page_view', 1);
    expect(view).toMatchObject({ user_id: '7', community_id: COMMUNITY });
    await visitor.page.evaluate("footfall.q.push(['forget'], ['page', { community_id: null }])");
    const [, second] = await visitor.beacons('page_view', 2);
    expect(second).not.toHaveProperty('user_id');
    expect(second).not.toHaveProperty('community_id');
    expect(await visitor.views()).toHaveLength(2);
  });

  it('sends a view asked for instead of the automatic one of the same page', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.page.evaluate(
      `history.pushState({}, '', '/community'); footfall.page({ community_id: '${COMMUNITY}' })`,
    );
    expect(await visitor.views()).toEqual(['/first', '/community']);
    expect(visitor.site.of('page_view')[1]).toMatchObject({ community_id: COMMUNITY });
  });

  it('sends no automatic page view where the site says so', async () => {
    visitor.site.attributes = 'data-auto="false"';
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.page.evaluate("history.pushState({}, '', '/second')");
    expect(await visitor.views()).toEqual([]);
    await visitor.page.evaluate('footfall.page()');
    await visitor.beacons('page_view', 1);
  });

  it('sends to the endpoint that the site names', async () => {
    visitor.site.attributes = `data-endpoint="${visitor.site.collector}/elsewhere"`;
    const request = visitor.page.waitForRequest(`${visitor.site.collector}/elsewhere`);
    await visitor.page.goto(`${visitor.site.origin}/first`);
    expect((await request).method()).toBe('POST');
  });

  it('does its work once when the script is on the page twice', async () => {
    visitor.site.head = `<script src="${visitor.site.collector}/beacon.js" defer></script>`;
    await visitor.page.goto(`${visitor.site.origin}/first`);
    expect(await visitor.views()).toEqual(['/first']);
  });

  it('sends heartbeats while the page is visible, and none while it is hidden', async () => {
    await visitor.page.clock.install();
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.clock.runFor(15_000);
    await visitor.beacons('heartbeat', 1);
    await visitor.page.clock.runFor(15_000);
    const beats = await visitor.beacons('heartbeat', 2);
    expect(new Set(beats.map(({ event_id }) => event_id)).size).toBe(beats.length);
    await visitor.page.evaluate(
      "Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' })",
    );
    await visitor.answered();
    const before = visitor.site.of('heartbeat').length;
    await visitor.page.clock.runFor(60_000);
    await visitor.answered();
    expect(visitor.site.of('heartbeat')).toHaveLength(before);
  });

  it.each([
    ['60', 60_000, 1],
    ['0', 300_000, 0],
    ['often', 15_000, 1],
  ])('takes the pace of heartbeats from the site: %s', async (seconds, passed, expected) => {
    visitor.site.attributes = `data-heartbeat-seconds="${seconds}"`;
    await visitor.page.clock.install();
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.clock.runFor(passed);
    await visitor.answered();
    expect(await visitor.beacons('heartbeat', expected)).toHaveLength(expected);
  });

  it('sends a leave when the visitor goes to another page, and the same session there', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.click('a');
    const [leave] = await visitor.beacons('leave', 1);
    expect(leave).toMatchObject({
      url: `${visitor.site.origin}/first`,
      event_id: expect.stringMatching(UUID),
    });
    const [first, second] = await visitor.beacons('page_view', 2);
    expect(second).toMatchObject({
      url: `${visitor.site.origin}/next`,
      referrer: `${visitor.site.origin}/first`,
    });
    expect(second?.session_id).toBe(first?.session_id);
  });

  it('sends a leave when the tab is closed', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.close({ runBeforeUnload: true });
    await visitor.beacons('leave', 1);
  });

  it('sends a page view again when a page comes back from the back-forward cache', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.evaluate('window.kept = true');
    await visitor.page.goto(`${visitor.site.origin}/second`);
    await visitor.beacons('page_view', 2);
    await visitor.page.goBack({ waitUntil: 'commit' });
    const [first, , again] = await visitor.beacons('page_view', 3);
    expect(await visitor.page.evaluate('window.kept')).toBe(true);
    expect(again).toMatchObject({ url: first?.url, session_id: first?.session_id });
    expect(again?.event_id).not.toBe(first?.event_id);
    expect(await visitor.beacons('leave', 2)).toHaveLength(2);
  });

  it('waits with everything until a prerendered page is shown', async () => {
    await visitor.page.addInitScript(
      "Object.defineProperty(document, 'prerendering', { get: () => !window.shown, configurable: true })",
    );
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.page.evaluate("footfall.identify('user-1')");
    expect(await visitor.views()).toEqual([]);
    expect(visitor.site.received).toEqual([]);
    await visitor.page.evaluate(
      "window.shown = true; document.dispatchEvent(new Event('prerenderingchange'))",
    );
    await visitor.beacons('page_view', 1);
    await visitor.beacons('identify', 1);
    expect(await visitor.views()).toEqual(['/first']);
  });

  it('gives a browser the same fingerprint at every load, and another browser another', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.reload();
    await visitor.beacons('page_view', 2);
    const other = await visitor.browser.newContext({ locale: 'de-DE', screen: { width: 1234, height: 777 } });
    const elsewhere = await other.newPage();
    await elsewhere.goto(`${visitor.site.origin}/first`);
    const [first, second, third] = await visitor.beacons('page_view', 3);
    await other.close();
    expect(second?.fingerprint).toBe(first?.fingerprint);
    expect(third?.fingerprint).not.toBe(first?.fingerprint);
  });

  it('works where storage, canvas and randomUUID are blocked', async () => {
    await visitor.page.addInitScript(`
    HTMLCanvasElement.prototype.getContext = () => { throw new Error('blocked') };
    delete Crypto.prototype.randomUUID;`);
    await visitor.page.goto(`${visitor.site.origin}/without-storage`);
    const [view] = await visitor.beacons('page_view', 1);
    expect(view).toMatchObject({
      url: `${visitor.site.origin}/framed`,
      session_id: expect.stringMatching(UUID),
      event_id: expect.stringMatching(UUID),
      fingerprint: expect.stringMatching(/^[0-9a-f]{32}$/),
    });
  });
});
