/** For tests: a real browser at a test site, fresh for each test. Without Chromium the tests are skipped and say so. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import type { Beacon } from '../../contract/beacon.ts';
import { openTestSite, type TestSite } from './site.fixture.ts';

const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
/** Headless Chromium names itself as such, and the collector takes it for a bot. */
export const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';
const WAIT = { timeout: 15_000 };

interface Visitor {
  readonly browser: Browser;
  readonly context: BrowserContext;
  readonly page: Page;
  readonly site: TestSite;
  /** Waits until so many beacons of a type were taken, and gives them all. */
  beacons(type: Beacon['type'], atLeast: number): Promise<Beacon[]>;
  /** Keys of the outbox of a page's site. */
  outbox(page?: Page): Promise<string[]>;
  /** Waits until the outbox is empty. */
  settled(page?: Page): Promise<void>;
  /** Paths of all page views, once the page has nothing more to send. */
  views(): Promise<string[]>;
}

/** A browser, without Chromium a skipped suite that says so. */
export function describeWithChromium(name: string, define: (browser: () => Browser) => void): void {
  const present = existsSync(CHROMIUM);
  const reason = present ? '' : ` (skipped: no Chromium at ${CHROMIUM}, set CHROMIUM_PATH)`;
  describe.skipIf(!present)(name + reason, () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await chromium.launch({
        executablePath: CHROMIUM,
        args: ARGUMENTS,
        ignoreDefaultArgs: ['--disable-back-forward-cache'],
      });
    });
    afterAll(() => browser?.close());
    define(() => browser);
  });
}

export function describeInBrowser(name: string, define: (visitor: Visitor) => void): void {
  describeWithChromium(name, (browser) => {
    let context: BrowserContext;
    let page: Page;
    let site: TestSite;
    let thrown: Error[];

    beforeAll(async () => {
      site = await openTestSite();
    });
    beforeEach(async () => {
      await site.reset();
      thrown = [];
      context = await browser().newContext({ viewport: { width: 800, height: 600 }, userAgent: CHROME });
      context.on('weberror', (error) => thrown.push(error.error()));
      page = await context.newPage();
    });
    afterEach(async () => {
      await context.close();
      // The script may never throw into the page.
      expect(thrown).toEqual([]);
    });
    afterAll(() => site?.close());

    const outbox = (of = page): Promise<string[]> =>
      of.evaluate("Object.keys(localStorage).filter((key) => key.startsWith('footfall:')).sort()");
    const settled = (of = page) => expect.poll(() => outbox(of), WAIT).toEqual([]);
    define({
      get browser() {
        return browser();
      },
      get context() {
        return context;
      },
      get page() {
        return page;
      },
      get site() {
        return site;
      },
      outbox,
      settled,
      async beacons(type, atLeast) {
        await expect.poll(() => site.of(type).length, WAIT).toBeGreaterThanOrEqual(atLeast);
        return site.of(type);
      },
      async views() {
        await page.evaluate('new Promise((done) => setTimeout(done, 10))');
        await settled();
        return site.of('page_view').map(({ url }) => url.replace(site.origin, ''));
      },
    });
  });
}
