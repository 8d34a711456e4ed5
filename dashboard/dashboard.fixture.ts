/** For tests: the whole system with a history, and real browsers at its dashboard. Without Chromium they are skipped and say so. */
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest';
import { DEMO_COMMUNITIES, DEMO_DIVISIONS } from '../cli/demo.ts';
import { demoHistory } from '../cli/demo-history.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { VisitorStats } from '../contract/query.ts';
import { Installation, until } from '../integrity/installation.ts';
import { seeded } from '../integrity/random.ts';
import { signToken, type TokenOptions } from '../query-api/auth.ts';

export const CHROMIUM = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'];
const SEED = Number(process.env.SEED ?? 7);
const DAYS = 70;
const VISITORS_A_DAY = 60;
const PAGES = [
  '/',
  '/news',
  '/events',
  '/forum',
  '/market',
  '/about',
  '/help',
  '/jobs',
  '/map',
  '/weather',
  '/news/city-budget',
  '/events/jazz-in-the-park',
  '/market/bikes?utm_source=newsletter',
];

interface OpenOptions extends BrowserContextOptions {
  /** Below the root. */
  path?: string;
  /** Undefined: nobody signs in. */
  token?: string | undefined;
  /** Before the page is asked for. */
  prepare?(page: Page): Promise<unknown>;
}

export interface Given {
  readonly footfall: Installation;
  readonly browser: Browser;
  /** Addresses that all pages of this test have asked for. */
  readonly requested: readonly string[];
  /** Signed in as staff unless `token` says otherwise. */
  open(options?: OpenOptions): Promise<Page>;
  token(claims?: Partial<TokenOptions>): Promise<string>;
  /** What the browser may complain about in this test. */
  expectErrors(pattern: RegExp): void;
}

export function describeDashboard(name: string, define: (given: Given) => void): void {
  const present = existsSync(CHROMIUM);
  const reason = present ? '' : ` (skipped: no Chromium at ${CHROMIUM}, set CHROMIUM_PATH)`;
  describe.skipIf(!present)(`${name}, seed ${SEED}${reason}`, () => {
    let footfall: Installation;
    let browser: Browser;
    const contexts: BrowserContext[] = [];
    const requested: string[] = [];
    const complaints: string[] = [];
    let expected: RegExp | undefined;

    beforeAll(async () => {
      browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
      footfall = await Installation.create();
      await startWithHistory(footfall);
    }, 180_000);
    afterEach(async () => {
      await Promise.all(contexts.splice(0).map((context) => context.close()));
      const unexpected = complaints.splice(0).filter((complaint) => !expected?.test(complaint));
      expected = undefined;
      requested.length = 0;
      expect(unexpected.join('\n')).toBe('');
    });
    afterAll(async () => {
      await browser?.close();
      await footfall?.remove();
    }, 60_000);

    const token = (claims: Partial<TokenOptions> = { staff: true }) => {
      const { jwtSecret } = JSON.parse(readFileSync(`${footfall.folder}/secrets.json`, 'utf8'));
      return signToken({ subject: 'admin', expiresIn: 3_600, ...claims }, jwtSecret);
    };
    define({
      get footfall() {
        return footfall;
      },
      get browser() {
        return browser;
      },
      requested,
      token,
      expectErrors(pattern) {
        expected = pattern;
      },
      async open(options = {}) {
        const { path = '', prepare, ...contextOptions } = options;
        const given = 'token' in options ? options.token : await token();
        const context = await browser.newContext({
          viewport: { width: 1280, height: 900 },
          locale: 'en-US',
          ...contextOptions,
        });
        contexts.push(context);
        const page = await context.newPage();
        page.on('request', (request) => requested.push(request.url()));
        page.on('websocket', (socket) => requested.push(socket.url()));
        page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
        page.on('pageerror', (error) => complaints.push(error.message));
        await prepare?.(page);
        const fragment = given === undefined ? '' : `#token=${given}`;
        await page.goto(`${footfall.api}/${path}${fragment}`);
        return page;
      },
    });
  });
}

/** Running, with visitors of {@link DAYS} days in every number. */
async function startWithHistory(footfall: Installation): Promise<void> {
  await footfall.run('divisions', DEMO_DIVISIONS);
  await footfall.run('communities', DEMO_COMMUNITIES);
  const lines = [
    ...demoHistory({
      pages: PAGES,
      divisions: ids(DEMO_DIVISIONS),
      communities: ids(DEMO_COMMUNITIES),
      days: DAYS,
      visitorsADay: VISITORS_A_DAY,
      now: Date.now(),
      random: seeded(SEED),
    }),
  ];
  const file = `${footfall.folder}/history.ndjson`;
  await writeFile(file, lines.join(''));
  await footfall.run('import', file);
  await footfall.start();
  await until('the history to be counted', 60_000, async () => {
    const { hours, partitions } = await footfall.query<Ledger>('pipeline/');
    const accepted = hours.reduce((sum, hour) => sum + hour.accepted, 0);
    return accepted === lines.length && partitions.every(({ lag_frames }) => lag_frames === 0);
  });
  // The first thing that a start does is to close the days that are over; else there may be a minute to wait.
  await footfall.stop();
  await footfall.start();
  const first = new Date(Date.now() - (DAYS + 1) * 86_400_000).toISOString().slice(0, 10);
  await until('the history to be in every number', 90_000, async () => {
    const stats = await footfall.query<VisitorStats>(`visitors/?start_date=${first}`);
    return stats.total_page_views === lines.length;
  });
}

function ids(file: string): string[] {
  const [, ...rows] = readFileSync(file, 'utf8').trim().split('\n');
  return rows.map((row) => row.slice(0, row.indexOf(',')));
}
