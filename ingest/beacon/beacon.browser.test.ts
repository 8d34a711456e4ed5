import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { CHROME, describeInBrowser } from './browser.fixture.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const FINGERPRINT = /^-?\d+(,-?\d+){3}$/;
const COMMUNITY = '6f1b7a52-4a5e-4c1e-9a51-0f8b5a1d2c3e';
const DIVISION = '0c3d5c3a-6a70-4b5d-8d7b-3b8f3a3f4f10';
const STUB =
  '<script>window.footfall = window.footfall || function () { (footfall.q = footfall.q || []).push(arguments) }</script>';

describeInBrowser('beacon', (visitor) => {
  it('sends a page view with all fields on load, without a preflight', async () => {
    visitor.site.attributes = `data-user="user-1" data-community="${COMMUNITY}" data-division="${DIVISION}"`;
    await visitor.page.goto(`${visitor.site.origin}/first?utm_source=x#part`, {
      referer: 'http://127.0.0.1:9/elsewhere',
    });
    const [view] = await visitor.beacons('page_view', 1);
    expect(view).toEqual({
      type: 'page_view',
      event_id: expect.stringMatching(UUID),
      late: false,
      url: `${visitor.site.origin}/first?utm_source=x#part`,
      title: 'Page /first?utm_source=x',
      referrer: expect.stringMatching(/^http:\/\/127\.0\.0\.1:9\//),
      fingerprint: expect.stringMatching(FINGERPRINT),
      session_id: expect.stringMatching(UUID),
      language: 'en-US',
      screen: '800x600',
      user_id: 'user-1',
      community_id: COMMUNITY,
      division_id: DIVISION,
    });
    expect(visitor.site.sent[0]?.contentType).toMatch(/^text\/plain/);
    expect(visitor.site.methods).not.toContain('OPTIONS');
    expect(await visitor.views()).toHaveLength(1);
    await expect
      .poll(() => visitor.site.events)
      .toMatchObject([
        {
          type: 'page_view',
          event_id: view?.event_id,
          url: '/first?utm_source=x',
          user_id: 'user-1',
          browser: 'Chrome',
        },
      ]);
  });

  it('leaves out what it does not know', async () => {
    visitor.site.attributes = 'data-user="" data-community=""';
    await visitor.page.goto(`${visitor.site.origin}/first`);
    const [view] = await visitor.beacons('page_view', 1);
    expect(Object.keys(view ?? {}).sort()).toEqual(
      ['event_id', 'fingerprint', 'language', 'late', 'screen', 'session_id', 'title', 'type', 'url'].sort(),
    );
  });

  it('sends one page view for each page that an application shows through the History API', async () => {
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

  it('takes the hash as the page where the site says so, and so do the numbers', async () => {
    visitor.site.attributes = 'data-hash';
    await visitor.page.goto(`${visitor.site.origin}/app?utm_source=x#/one`);
    await visitor.page.evaluate("location.hash = '/two'");
    await visitor.beacons('page_view', 2);
    await visitor.page.goBack();
    await visitor.beacons('page_view', 3);
    expect(await visitor.views()).toEqual([
      '/app?utm_source=x#/one',
      '/app?utm_source=x#/two',
      '/app?utm_source=x#/one',
    ]);
    await expect
      .poll(() => visitor.site.events.map(({ url }) => url).filter((url) => url.startsWith('/app')))
      .toEqual(['/app#/one?utm_source=x', '/app#/two?utm_source=x', '/app#/one?utm_source=x']);
  });

  it('tells who is here once, now and in later page views, until it is cleared', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.evaluate(`footfall('set', { user: 'user-1', community: '${COMMUNITY}' })`);
    await visitor.page.evaluate("footfall('set', { user: 'user-1' })");
    const [identify] = await visitor.beacons('identify', 1);
    expect(identify).toMatchObject({
      user_id: 'user-1',
      community_id: COMMUNITY,
      url: `${visitor.site.origin}/first`,
    });
    await visitor.page.evaluate("history.pushState({}, '', '/second')");
    await visitor.beacons('page_view', 2);
    await visitor.page.evaluate("footfall('set', { user: null }); history.pushState({}, '', '/third')");
    const [first, second, third] = await visitor.beacons('page_view', 3);
    expect([first?.user_id, second?.user_id, third?.user_id]).toEqual([undefined, 'user-1', undefined]);
    expect(third?.community_id).toBe(COMMUNITY);
    await visitor.settled();
    expect(visitor.site.of('identify')).toHaveLength(1);
  });

  it('makes the calls that waited for the script first', async () => {
    visitor.site.head = `${STUB}<script>footfall('set', { user: 7 }); footfall('nonsense');
      footfall('page', { community: '${COMMUNITY}' })</script>`;
    await visitor.page.goto(`${visitor.site.origin}/first`);
    const [view] = await visitor.beacons('page_view', 1);
    expect(view).toMatchObject({ user_id: '7', community_id: COMMUNITY });
    await visitor.beacons('identify', 1);
    await visitor.page.evaluate("footfall('page', { user: null, community: null })");
    const [, second] = await visitor.beacons('page_view', 2);
    expect(second).not.toHaveProperty('user_id');
    expect(second).not.toHaveProperty('community_id');
    expect(await visitor.views()).toHaveLength(2);
  });

  it('sends a view asked for instead of the automatic one of the same page', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.page.evaluate(
      `history.pushState({}, '', '/community'); footfall('page', { community: '${COMMUNITY}' })`,
    );
    expect(await visitor.views()).toEqual(['/first', '/community']);
    expect(visitor.site.of('page_view')[1]).toMatchObject({ community_id: COMMUNITY });
  });

  it('sends no automatic page view where the site says so', async () => {
    visitor.site.attributes = 'data-auto="false"';
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.page.evaluate("history.pushState({}, '', '/second')");
    expect(await visitor.views()).toEqual([]);
    await visitor.page.evaluate("footfall('page')");
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
    await visitor.page.clock.runFor(100);
    await visitor.beacons('page_view', 1);
    await visitor.settled();
    await visitor.page.clock.runFor(15_000);
    await visitor.beacons('heartbeat', 1);
    await visitor.page.clock.runFor(15_000);
    await visitor.beacons('heartbeat', 2);
    await visitor.page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })");
    const before = visitor.site.of('heartbeat').length;
    await visitor.page.clock.runFor(60_000);
    await visitor.page.evaluate("footfall('page')");
    await visitor.beacons('page_view', 2);
    expect(visitor.site.of('heartbeat')).toHaveLength(before);
  });

  it.each([
    ['60', 61_000, 1],
    ['0', 300_000, 0],
  ])('takes the pace of heartbeats from the site: %s', async (seconds, passed, expected) => {
    visitor.site.attributes = `data-heartbeat="${seconds}"`;
    await visitor.page.clock.install();
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.page.clock.runFor(100);
    await visitor.beacons('page_view', 1);
    await visitor.settled();
    await visitor.page.clock.runFor(passed);
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

  it('uses fetch with keepalive while the page is visible, and sendBeacon when it goes', async () => {
    await visitor.page.addInitScript(`
      const [fetchIt, sendIt] = [window.fetch, Navigator.prototype.sendBeacon];
      const note = (how, body) => sessionStorage.setItem('how', (sessionStorage.getItem('how') || '') +
        [JSON.parse(body)].flat().map(({ type }) => how + ' ' + type).join() + ';');
      window.fetch = (to, how) => (note('fetch ' + how.method + ' ' + how.keepalive, how.body), fetchIt(to, how));
      Navigator.prototype.sendBeacon = function (to, body) { note('sendBeacon', body); return sendIt.call(this, to, body) };`);
    visitor.site.attributes = 'data-heartbeat="1"';
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('heartbeat', 1);
    await visitor.settled();
    await visitor.page.click('a');
    await visitor.beacons('leave', 1);
    const how: string = await visitor.page.evaluate("sessionStorage.getItem('how')");
    expect(how).toMatch(/^fetch POST true page_view;(fetch POST true heartbeat;)+sendBeacon leave;/);
  });

  it('sends a page view again when a page comes back from the back-forward cache', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.settled();
    await visitor.page.evaluate('window.kept = true');
    await visitor.page.goto(`${visitor.site.origin}/second`);
    await visitor.beacons('page_view', 2);
    await visitor.settled();
    await visitor.page.goBack({ waitUntil: 'commit' });
    const [first, , again] = await visitor.beacons('page_view', 3);
    expect(await visitor.page.evaluate('window.kept')).toBe(true);
    expect(again).toMatchObject({ url: first?.url, session_id: first?.session_id });
    expect(again).not.toHaveProperty('referrer');
    expect(again?.event_id).not.toBe(first?.event_id);
    expect(await visitor.beacons('leave', 2)).toHaveLength(2);
  });

  it('waits with everything until a prerendered page is shown', async () => {
    await visitor.page.addInitScript(
      "Object.defineProperty(document, 'prerendering', { get: () => !window.shown, configurable: true })",
    );
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.page.evaluate("footfall('set', { user: 'user-1' })");
    expect(await visitor.views()).toEqual([]);
    expect(visitor.site.sent).toEqual([]);
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
    const seen = new Set(visitor.site.of('page_view').map(({ fingerprint }) => fingerprint));
    expect(seen.size).toBe(1);
    for (const options of [
      { locale: 'de-DE' },
      { screen: { width: 1234, height: 777 } },
      { timezoneId: 'Asia/Jakarta' },
      { userAgent: CHROME.replace('138', '139') },
    ]) {
      const other = await visitor.browser.newContext({
        viewport: { width: 800, height: 600 },
        userAgent: CHROME,
        ...options,
      });
      const page = await other.newPage();
      await page.goto(`${visitor.site.origin}/first`);
      const views = await visitor.beacons('page_view', seen.size + 2);
      seen.add(views.at(-1)?.fingerprint ?? '');
      await other.close();
    }
    expect(seen.size).toBe(5);
  });

  it('takes no part of a drawing into the fingerprint that is another at every look', async () => {
    await visitor.page.addInitScript(`
      const draw = HTMLCanvasElement.prototype.toDataURL;
      HTMLCanvasElement.prototype.toDataURL = function () { return draw.call(this) + Math.random() };`);
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.page.reload();
    const [first, second] = await visitor.beacons('page_view', 2);
    expect(second?.fingerprint).toBe(first?.fingerprint);
  });

  it('works where storage, locks and canvas are blocked, and where the page has no secure origin', async () => {
    await visitor.page.addInitScript(`
      HTMLCanvasElement.prototype.getContext = () => { throw new Error('blocked') };
      delete Crypto.prototype.randomUUID;`);
    await visitor.page.goto(`${visitor.site.origin}/without-storage`);
    const [view] = await visitor.beacons('page_view', 1);
    expect(view).toMatchObject({
      url: `${visitor.site.origin}/framed`,
      session_id: expect.stringMatching(UUID),
      event_id: expect.stringMatching(UUID),
      fingerprint: expect.stringMatching(FINGERPRINT),
    });
  });

  it('sets and sends no cookie, and keeps nothing but the session id once all is sent', async () => {
    await visitor.context.addCookies([{ name: 'own', value: 'of the site', url: visitor.site.origin }]);
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('page_view', 1);
    await visitor.settled();
    const kept = 'JSON.stringify([document.cookie, { ...localStorage }, Object.keys(sessionStorage)])';
    expect(await visitor.page.evaluate(kept)).toBe('["own=of the site",{},["footfall"]]');
    expect((await visitor.context.cookies()).map(({ name }) => name)).toEqual(['own']);
    const cookies = visitor.site.sent.map(({ cookie }) => cookie);
    expect(cookies).toEqual([undefined]);
  });

  it('never throws into the page, whatever of the browser is broken', async () => {
    const rejected: string[] = [];
    visitor.page.on('console', (message) => rejected.push(message.text()));
    await visitor.page.addInitScript(`
      addEventListener('unhandledrejection', ({ reason }) => console.log('unhandled', String(reason)));
      const broken = () => { throw new Error('broken') };
      window.fetch = broken;
      Navigator.prototype.sendBeacon = undefined;
      Storage.prototype.setItem = broken;
      HTMLCanvasElement.prototype.toDataURL = broken;
      Object.defineProperty(navigator, 'locks', { value: { request: async () => broken() } });`);
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.page.evaluate(`
      footfall(); footfall('set'); footfall('page', 7); footfall('set', { user: Symbol('no text') });
      footfall('page', { get user() { throw new Error('of the page') } });
      history.pushState({}, '', '/second');
      dispatchEvent(new Event('online'));`);
    await visitor.page.click('a');
    await visitor.page.waitForURL('**/next');
    expect(await visitor.page.evaluate('typeof footfall')).toBe('function');
    expect(rejected).toEqual([]);
  });

  it('leaves the History API as it was for the page, errors included', async () => {
    await visitor.page.goto(`${visitor.site.origin}/first`);
    const said = await visitor.page.evaluate(`(() => {
      try { history.pushState({}, '', 'https://other.example/') } catch (error) { return error.name }
    })()`);
    expect(said).toBe('SecurityError');
    expect(await visitor.page.evaluate("history.pushState({ at: 1 }, '', '/second'), history.state.at")).toBe(
      1,
    );
  });

  it('works under a strict Content Security Policy with Trusted Types, and violates nothing', async () => {
    visitor.site.headers = {
      'Content-Security-Policy': `default-src 'none'; script-src ${visitor.site.collector}; connect-src ${visitor.site.collector}; require-trusted-types-for 'script'; trusted-types 'none'`,
    };
    const said: string[] = [];
    visitor.page.on('console', (message) => said.push(message.text()));
    await visitor.page.addInitScript(
      "addEventListener('securitypolicyviolation', ({ violatedDirective }) => console.log(violatedDirective))",
    );
    visitor.site.attributes = 'data-heartbeat="1"';
    await visitor.page.goto(`${visitor.site.origin}/first`);
    await visitor.beacons('heartbeat', 1);
    await visitor.page.click('a');
    await visitor.beacons('leave', 1);
    await visitor.beacons('page_view', 2);
    expect(said).toEqual([]);
  });

  it.each([
    ['Global Privacy Control', 'globalPrivacyControl', 'true'],
    ['Do Not Track', 'doNotTrack', "'1'"],
  ])('honours %s as the collector is configured', async (_name, property, value) => {
    await visitor.page.addInitScript(`
      Object.defineProperty(navigator, '${property}', { get: () => ${value} });
      const draw = HTMLCanvasElement.prototype.toDataURL;
      HTMLCanvasElement.prototype.toDataURL = function () { window.drawn = true; return draw.call(this) };`);
    await visitor.page.goto(`${visitor.site.origin}/private`);
    await visitor.page.evaluate("footfall('page', { user: 'user-1' }); history.pushState({}, '', '/next')");
    await visitor.page.goto(`${visitor.site.origin}/private`);
    expect(await visitor.views()).toEqual([]);
    expect(visitor.site.sent).toEqual([]);
    expect(
      await visitor.page.evaluate(
        'JSON.stringify([!!window.drawn, { ...localStorage }, { ...sessionStorage }])',
      ),
    ).toBe('[false,{},{}]');

    await visitor.site.stopCollector();
    await visitor.site.startCollector(false);
    const other = await visitor.browser.newContext({ userAgent: CHROME });
    const page = await other.newPage();
    await page.addInitScript(`Object.defineProperty(navigator, '${property}', { get: () => ${value} })`);
    await page.goto(`${visitor.site.origin}/open`);
    await visitor.beacons('page_view', 1);
    await expect.poll(() => visitor.site.events.map(({ url }) => url)).toEqual(['/open']);
    await other.close();
  });

  it('is a module, too, that an application bundles and starts, and starts once', async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url));
    await promisify(execFile)(process.execPath, ['bin/footfall.js', '--help'], { cwd: root });
    const {
      outputFiles: [bundle],
    } = await build({
      stdin: {
        contents: `
          import { start } from 'footfall/beacon';
          const options = { endpoint: '${visitor.site.collector}/e', division: '${DIVISION}', hash: true };
          const footfall = start(options);
          window.same = footfall === start(options);
          footfall('page', { community: '${COMMUNITY}' });`,
        resolveDir: root,
      },
      bundle: true,
      format: 'esm',
      write: false,
    });
    visitor.site.script = `<script type="module">${bundle?.text}</script>`;
    await visitor.page.goto(`${visitor.site.origin}/app#/one`);
    await visitor.beacons('page_view', 1);
    await visitor.page.evaluate("location.hash = '/two'");
    const views = await visitor.beacons('page_view', 2);
    expect(await visitor.views()).toEqual(['/app#/one', '/app#/two']);
    for (const view of views) expect(view).toMatchObject({ community_id: COMMUNITY, division_id: DIVISION });
    expect(await visitor.page.evaluate('window.same')).toBe(true);
  });
});
