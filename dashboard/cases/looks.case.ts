import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type { Given } from '../dashboard.fixture.ts';
import { panel, scrollThrough } from '../page.fixture.ts';

/** Where the pictures go: set it to look at them, or to renew those of the README. */
const FOLDER = process.env.SCREENSHOTS ?? join(tmpdir(), 'footfall-screenshots');

/** Sizes, themes, pictures. */
export function looks(given: Given): void {
  const background = (page: Page) => page.evaluate<string>('getComputedStyle(document.body).backgroundColor');

  it.each([360, 768, 1280, 2560])('fits into %i pixels', async (width) => {
    const page = await given.open({ viewport: { width, height: 900 } });
    await scrollThrough(page);
    const [needed, there] = await page.evaluate<[number, number]>(
      '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
    );
    expect(needed).toBe(there);
    // Nothing is cut off but what scrolls or says so with an ellipsis.
    const panels = await page.locator('.ff-panel, .ff-card').all();
    for (const each of panels) {
      const box = await each.boundingBox();
      expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(width);
    }
  });

  it('follows the theme of the system, or the one that is chosen, and keeps that', async () => {
    const page = await given.open({ colorScheme: 'dark' });
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    const dark = await background(page);
    await page.emulateMedia({ colorScheme: 'light' });
    await expect.poll(() => background(page)).not.toBe(dark);
    await page.getByLabel('Theme').selectOption('dark');
    await expect.poll(() => background(page)).toBe(dark);
    await page.reload();
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    expect(await background(page)).toBe(dark);
  });

  it.each([
    ['light', { colorScheme: 'light', viewport: { width: 1440, height: 900 } } as const],
    ['dark', { colorScheme: 'dark', viewport: { width: 1440, height: 900 } } as const],
    ['phone', { colorScheme: 'light', viewport: { width: 390, height: 844 } } as const],
  ])('has its picture taken: %s', async (name, options) => {
    mkdirSync(FOLDER, { recursive: true });
    const page = await given.open({ ...options, reducedMotion: 'reduce' });
    await scrollThrough(page);
    await panel(page, 'Conversions').getByRole('img').waitFor();
    await page.evaluate('scrollTo(0, 0)');
    const picture = await page.screenshot({ path: join(FOLDER, `dashboard-${name}.png`), fullPage: true });
    expect(picture.length).toBeGreaterThan(20_000);
  });
}
