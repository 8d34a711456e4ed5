/** For tests: a real browser at a test site, fresh for each test. Without Chromium the tests are skipped and say so. */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from 'vitest';
import type { Beacon } from '../../contract/beacon.ts';
import { bundleBeacon } from './bundle.ts';
import { openTestSite, type TestSite } from './test-site.ts';

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
/** Counts in the page what it sends and what it has had an answer to. */
const COUNT_ANSWERS = `
  window.sent = window.answered = 0;
  const fetchIt = window.fetch;
  window.fetch = (...request) => {
    sent++;
    return fetchIt(...request).finally(() => answered++);
  };`;

interface Visitor {
  readonly browser: Browser;
  readonly page: Page;
  readonly site: TestSite;
  /** Waits until so many beacons of a type have come, and gives them all. */
  beacons(type: Beacon['type'], atLeast: number): Promise<Beacon[]>;
  /** Waits until the page has had its answers to everything it sent. */
  answered(): Promise<void>;
  /** Paths of all page views, once the page has nothing more to send. */
  views(): Promise<string[]>;
}

export function describeInBrowser(name: string, define: (visitor: Visitor) => void): void {
  const present = existsSync(CHROMIUM);
  const reason = present ? '' : ` (skipped: no Chromium at ${CHROMIUM}, set CHROMIUM_PATH)`;
  describe.skipIf(!present)(name + reason, () => {
    let browser: Browser;
    let context: BrowserContext;
    let page: Page;
    let site: TestSite;
    let thrown: Error[];

    beforeAll(async () => {
      const { code } = await bundleBeacon();
      site = await openTestSite(code);
      browser = await chromium.launch({
        executablePath: CHROMIUM,
        args: ARGUMENTS,
        ignoreDefaultArgs: ['--disable-back-forward-cache'],
      });
    });
    beforeEach(async () => {
      site.reset();
      thrown = [];
      context = await browser.newContext({ viewport: { width: 800, height: 600 } });
      await context.addInitScript(COUNT_ANSWERS);
      page = await context.newPage();
      page.on('pageerror', (error) => thrown.push(error));
    });
    afterEach(async () => {
      await context.close();
      // The script may never throw into the page.
      expect(thrown).toEqual([]);
    });
    afterAll(async () => {
      await browser?.close();
      await site?.close();
    });

    const answered = () => expect.poll(() => page.evaluate('sent === answered')).toBe(true);
    define({
      get browser() {
        return browser;
      },
      get page() {
        return page;
      },
      get site() {
        return site;
      },
      answered,
      async beacons(type, atLeast) {
        await expect.poll(() => site.of(type).length, { timeout: 10_000 }).toBeGreaterThanOrEqual(atLeast);
        return site.of(type);
      },
      async views() {
        await page.evaluate('new Promise((done) => setTimeout(done, 10))');
        await answered();
        return site.of('page_view').map(({ url }) => url.replace(site.origin, ''));
      },
    });
  });
}
