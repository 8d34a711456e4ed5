import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CommunityDays, Conversions, Pages, Realtime, VisitorStats } from '../contract/query.ts';
import { CHROME, describeWithChromium } from '../ingest/beacon/browser.fixture.ts';
import { Installation } from './installation.ts';
import { COMMUNITIES_FILE, DIVISIONS_FILE } from './scenario.ts';
import { openSite, type Site } from './site.ts';

/** Of the reference data: a community of Toronto, and Toronto and Alberta. */
const COMMUNITY = '2235c54b-788a-5af8-85f4-e569e620744f';
const TORONTO = '9634133d-5f57-5569-900b-cb432bec1ca9';
const ALBERTA = '549d10d9-b36b-520c-a96a-eaba8672858a';

vi.setConfig({ testTimeout: 150_000 });

describeWithChromium('a real browser at a site with the beacon', (browser) => {
  let footfall: Installation;
  let site: Site;
  const contexts: BrowserContext[] = [];
  /** Visitors without script, who cannot say that they leave. */
  let staying = 0;

  beforeAll(async () => {
    footfall = await Installation.create();
    expect(await footfall.run('divisions', DIVISIONS_FILE)).toMatchObject({ code: 0 });
    expect(await footfall.run('communities', COMMUNITIES_FILE)).toMatchObject({ code: 0 });
    await footfall.start();
    site = await openSite(footfall.collector);
  }, 120_000);
  beforeEach(() => {
    site.attributes = '';
  });
  afterEach(async () => {
    const open = contexts.splice(0);
    await Promise.all(open.flatMap((context) => context.pages()).map(closeTab));
    await eventually(online).toBe(staying);
    await Promise.all(open.map((context) => context.close()));
  });
  afterAll(async () => {
    await site?.close();
    await footfall?.remove();
  }, 60_000);

  /** A browser of its own. Two with the same options are the same visitor. */
  async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser().newContext({ userAgent: CHROME, ...options });
    contexts.push(context);
    return context.newPage();
  }

  async function visit(path: string, options?: BrowserContextOptions): Promise<Page> {
    const page = await newPage(options);
    await page.goto(site.origin + path);
    return page;
  }

  async function closeTab(page: Page): Promise<void> {
    const closed = page.waitForEvent('close');
    await page.close({ runBeforeUnload: true });
    await closed;
  }

  /** Ranges with today in them may be a minute behind. */
  const eventually = <T>(ask: () => Promise<T>) => expect.poll(ask, { timeout: 70_000, interval: 100 });
  const today = () => footfall.query<VisitorStats>('visitors/today/');
  const online = async (query = '') => (await footfall.query<Realtime>(`realtime/${query}`)).count;
  const day = () => new Date().toISOString().slice(0, 10);
  const viewsOf = async (path: string) => {
    // Today alone is told at once.
    const { results } = await footfall.query<Pages>(
      `pages/?start_date=${day()}&end_date=${day()}&page_size=1000`,
    );
    return results.find(({ page_url }) => page_url === path)?.page_views ?? 0;
  };
  /** One view of an insert may be told a moment before another: waits until visitors and pages agree. */
  const settledToday = async () => {
    for (;;) {
      const stats = await today();
      const { results } = await footfall.query<Pages>(
        `pages/?start_date=${day()}&end_date=${day()}&page_size=1000`,
      );
      const views = results.reduce((sum, { page_views }) => sum + page_views, 0);
      if (views === stats.total_page_views) return stats;
    }
  };
  const community = async () => {
    const range = `start_date=${day()}&end_date=${day()}`;
    const { days } = await footfall.query<CommunityDays>(`communities/${COMMUNITY}/?${range}`);
    return [days[0]?.same_division_visitors, days[0]?.cross_division_visitors];
  };

  it('is seen as it opens a page, goes on, signs in, and leaves', async () => {
    expect(await today()).toMatchObject({ total_visitors: 0, total_page_views: 0 });
    site.attributes = `data-community="${COMMUNITY}" data-division="${TORONTO}"`;

    const page = await visit('/welcome?utm_source=test&private=1');
    await eventually(online).toBe(1);
    await eventually(() => online(`?community_id=${COMMUNITY}`)).toBe(1);
    const visitor = { total_visitors: 1, authenticated_visitors: 0, anonymous_visitors: 1 };
    await eventually(today).toMatchObject({ ...visitor, total_page_views: 1 });
    await eventually(() => viewsOf('/welcome')).toBe(1);
    await eventually(community).toEqual([1, 0]);

    await page.evaluate("history.pushState({}, '', '/offers')");
    await eventually(() => viewsOf('/offers')).toBe(1);
    await eventually(today).toMatchObject({ ...visitor, total_page_views: 2 });
    expect(await footfall.query('conversions/')).toMatchObject({ total_conversions: 0 });

    await page.evaluate("footfall('set', { user: 'user-1' })");
    await eventually(today).toMatchObject({
      total_visitors: 1,
      authenticated_visitors: 1,
      anonymous_visitors: 0,
      conversion_rate: 100,
      total_page_views: 2,
    });
    await eventually(() => footfall.query<Conversions>('conversions/')).toMatchObject({
      total_conversions: 1,
      conversion_rate: 100,
    });
    const ofCommunity = () => footfall.query<VisitorStats>(`visitors/?community_id=${COMMUNITY}`);
    await eventually(ofCommunity).toMatchObject({ total_visitors: 1, authenticated_visitors: 1 });
    expect(await online()).toBe(1);

    await closeTab(page);
    await eventually(online).toBe(0);
    expect(await online(`?community_id=${COMMUNITY}`)).toBe(0);
    expect(await today()).toMatchObject({ total_visitors: 1, total_page_views: 2 });
  });

  it('is another visitor than a browser with another language and screen', async () => {
    const [before, [same = 0, cross = 0]] = [await settledToday(), await community()];
    site.attributes = `data-community="${COMMUNITY}" data-division="${ALBERTA}"`;
    const first = await visit('/shared', { locale: 'fr-CA', screen: { width: 1500, height: 900 } });
    const second = await visit('/shared', { locale: 'de-DE', screen: { width: 1234, height: 777 } });
    await eventually(today).toMatchObject({ total_visitors: before.total_visitors + 2 });
    await eventually(() => viewsOf('/shared')).toBe(2);
    await eventually(community).toEqual([same, cross + 2]);
    await eventually(online).toBe(staying + 2);
    await closeTab(first);
    await eventually(online).toBe(staying + 1);
    await closeTab(second);
    await eventually(online).toBe(staying);
  });

  it('is the same visitor after a reload, in another tab, and without what it had stored', async () => {
    const before = await settledToday();
    const options = { locale: 'es-MX', screen: { width: 1111, height: 888 } };
    const page = await visit('/reload', options);
    await eventually(() => viewsOf('/reload')).toBe(1);
    await page.reload();
    await eventually(() => viewsOf('/reload')).toBe(2);
    const tab = await page.context().newPage();
    await tab.goto(`${site.origin}/reload`);
    await eventually(() => viewsOf('/reload')).toBe(3);
    await visit('/reload', options);
    await eventually(() => viewsOf('/reload')).toBe(4);
    await eventually(today).toMatchObject({
      total_visitors: before.total_visitors + 1,
      total_page_views: before.total_page_views + 4,
    });
  });

  it.each([
    ['Sec-GPC', 'global_privacy_control'],
    ['DNT', 'do_not_track'],
  ])('is not counted where only its requests say %s, and is told so', async (header, reason) => {
    const before = await settledToday();
    const page = await newPage({ locale: 'it-IT', extraHTTPHeaders: { [header]: '1' } });
    const answered = page.waitForResponse(`${footfall.collector}/e`);
    await page.goto(`${site.origin}/private`);
    const answer = await answered;
    expect(answer.status()).toBe(202);
    expect(answer.headers()['x-footfall']).toBe(reason);
    // Whoever comes after is counted, and alone.
    await visit('/after', { locale: 'pt-BR', screen: { width: 1000 + reason.length, height: 700 } });
    await eventually(online).toBe(staying + 1);
    await eventually(today).toMatchObject({
      total_visitors: before.total_visitors + 1,
      total_page_views: before.total_page_views + 1,
    });
    expect(await viewsOf('/private')).toBe(0);
  });

  it.each([
    ['Global Privacy Control', 'globalPrivacyControl', 'true'],
    ['Do Not Track', 'doNotTrack', "'1'"],
  ])('sends nothing where it says %s', async (_name, property, value) => {
    const before = await settledToday();
    const page = await newPage({ locale: 'it-IT' });
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.addInitScript(`Object.defineProperty(navigator, '${property}', { get: () => ${value} })`);
    await page.goto(`${site.origin}/private`);
    await page.evaluate("footfall('page', { user: 'nobody' })");
    await closeTab(page);
    await visit('/after', { locale: 'pt-PT', screen: { width: 1000 + property.length, height: 700 } });
    await eventually(today).toMatchObject({ total_page_views: before.total_page_views + 1 });
    expect(asked).not.toContain(`${footfall.collector}/e`);
    expect(await viewsOf('/private')).toBe(0);
  });

  it('is counted by the pixel where it runs no script', async () => {
    const before = await settledToday();
    await visit('/plain', { javaScriptEnabled: false });
    staying += 1;
    await eventually(online).toBe(staying);
    await eventually(() => viewsOf('/plain')).toBe(1);
    await eventually(today).toMatchObject({
      total_visitors: before.total_visitors + 1,
      total_page_views: before.total_page_views + 1,
    });
  });

  it('shows the numbers to whoever opens the printed link', async () => {
    const errors: string[] = [];
    const dashboard = await newPage({ locale: 'en-US' });
    dashboard.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
    dashboard.on('pageerror', (error) => errors.push(error.message));
    const region = (name: string) => dashboard.getByRole('region', { name, exact: true });
    const shown = () => region('Online now').locator('output').textContent();
    const link = /dashboard +(\S+)/.exec(footfall.output)?.[1] ?? '';

    await dashboard.goto(link);
    await eventually(shown).toBe(`${staying}`);
    const page = await visit('/watched', { locale: 'nl-NL', screen: { width: 999, height: 666 } });
    await eventually(shown).toBe(`${staying + 1}`);
    await eventually(() => viewsOf('/watched')).toBe(1);
    await dashboard.getByLabel('Today', { exact: true }).check();
    const { total_visitors } = await settledToday();
    await eventually(() => region('Visitors').textContent()).toContain(`${total_visitors}`);
    await region('Top pages').scrollIntoViewIfNeeded();
    await region('Top pages').getByText('/watched').waitFor();
    await region('Divisions').getByText('Toronto').waitFor();
    await closeTab(page);
    await eventually(shown).toBe(`${staying}`);
    expect(errors).toEqual([]);
  });

  describe('is counted once', () => {
    const options = { locale: 'sv-SE', screen: { width: 1313, height: 717 } };
    const kept = (page: Page) =>
      page.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('footfall:')).length");
    const settled = (page: Page) => eventually(() => kept(page)).toBe(0);

    it('when the network is cut and restored', async () => {
      const page = await visit('/before-the-cut', options);
      await eventually(() => viewsOf('/before-the-cut')).toBe(1);
      const before = await settledToday();
      await page.context().setOffline(true);
      await page.evaluate("history.pushState({}, '', '/in-the-cut')");
      await eventually(() => kept(page)).toBe(1);
      await page.context().setOffline(false);
      await settled(page);
      await eventually(() => viewsOf('/in-the-cut')).toBe(1);
      expect(await settledToday()).toMatchObject({ total_page_views: before.total_page_views + 1 });
    });

    it('when the collector is killed and started again', async () => {
      const page = await visit('/before-the-kill', options);
      await eventually(() => viewsOf('/before-the-kill')).toBe(1);
      const before = await settledToday();
      expect(await footfall.kill('collector')).toBe(true);
      await page.evaluate("history.pushState({}, '', '/after-the-kill')");
      await settled(page);
      await eventually(() => viewsOf('/after-the-kill')).toBe(1);
      expect(await settledToday()).toMatchObject({ total_page_views: before.total_page_views + 1 });
    });

    it('when its tab is closed offline, and the site is visited again', async () => {
      const page = await visit('/before-the-close', options);
      await settled(page);
      await page.context().setOffline(true);
      await page.evaluate("history.pushState({}, '', '/closed-offline')");
      await eventually(() => kept(page)).toBe(1);
      const again = await page.context().newPage();
      await closeTab(page);
      await page.context().setOffline(false);
      await again.goto(`${site.origin}/visited-again`);
      await settled(again);
      await eventually(() => viewsOf('/visited-again')).toBe(1);
      await eventually(() => viewsOf('/closed-offline')).toBe(1);
    });

    it('when the answer was lost, and it is sent again a day later, marked late', async () => {
      const page = await newPage(options);
      await page.route(`${footfall.collector}/e`, async (route) => {
        await route.fetch();
        await route.abort();
      });
      await page.goto(`${site.origin}/answer-lost`);
      await eventually(() => viewsOf('/answer-lost')).toBe(1);
      const before = await settledToday();
      const again = await page.context().newPage();
      await closeTab(page);
      const sent: string[] = [];
      again.on('request', (request) => sent.push(request.postData() ?? ''));
      await again.clock.install({ time: Date.now() + 24 * 60 * 60_000 });
      await again.goto(`${site.origin}/a-day-later`);
      await again.clock.runFor(1_000);
      await settled(again);
      await eventually(() => viewsOf('/a-day-later')).toBe(1);
      expect(sent.some((body) => body.includes('"late":true') && body.includes('/answer-lost'))).toBe(true);
      expect(await viewsOf('/answer-lost')).toBe(1);
      expect(await settledToday()).toMatchObject({ total_page_views: before.total_page_views + 1 });
    });
  });
});
