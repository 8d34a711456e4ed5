import axe, { type AxeResults } from 'axe-core';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type { Given } from '../dashboard.fixture.ts';
import { panel, scrollThrough } from '../page.fixture.ts';

/** With a keyboard, with a screen reader, with eyes that need contrast. */
export function accessibility(given: Given): void {
  /** What axe finds that is serious, and worse. */
  async function serious(page: Page): Promise<string[]> {
    await page.evaluate(axe.source);
    const report: AxeResults = await page.evaluate('axe.run()');
    expect(report.passes.length).toBeGreaterThan(10);
    return report.violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`);
  }

  it.each([
    ['in light', { colorScheme: 'light' } as const],
    ['in dark', { colorScheme: 'dark' } as const],
    ['on a phone', { viewport: { width: 360, height: 740 } }],
  ])('axe finds nothing serious %s', async (_, options) => {
    const page = await given.open({ ...options, reducedMotion: 'reduce' });
    await scrollThrough(page);
    await panel(page, 'Conversions').getByRole('img').waitFor();
    expect(await serious(page)).toEqual([]);
  });

  it('axe finds nothing serious where there is nothing, nobody may see it, or no token', async () => {
    const empty = await given.open({ path: '?from=2001-01-01&to=2001-01-02', reducedMotion: 'reduce' });
    await scrollThrough(empty);
    expect(await serious(empty)).toEqual([]);
    const unauthorized = await given.open({ token: await given.token({}) });
    await unauthorized.getByRole('button', { name: 'Use another token' }).waitFor();
    expect(await serious(unauthorized)).toEqual([]);
    const nobody = await given.open({ token: undefined });
    await nobody.getByLabel('Token').waitFor();
    expect(await serious(nobody)).toEqual([]);
  });

  it('says of every number how it is counted: by pointer, by keyboard, by touch, and to screen readers', async () => {
    const page = await given.open();
    await scrollThrough(page);
    for (const title of [
      'Visitors',
      'Signed in',
      'Anonymous',
      'Page views',
      'Views per visitor',
      'Online now',
    ]) {
      const help = page.getByRole('button', { name: `How it is counted: ${title}`, exact: true });
      const words = await help.evaluate(
        (button) => document.getElementById(button.getAttribute('aria-describedby') ?? '')?.textContent ?? '',
      );
      expect(words.length, title).toBeGreaterThan(20);
    }
    const panels = await page.locator('.ff-panel').count();
    expect(await page.locator('.ff-panel .ff-panel-head .ff-help').count()).toBe(panels);

    const help = page.getByRole('button', { name: 'How it is counted: Visitors', exact: true });
    const tooltip = page.getByRole('tooltip');
    await help.hover();
    await tooltip.waitFor();
    await page.mouse.move(0, 0);
    await tooltip.waitFor({ state: 'hidden' });
    await help.focus();
    await tooltip.waitFor();
    await page.keyboard.press('Escape');
    await tooltip.waitFor({ state: 'hidden' });
  });

  it('can be used with a keyboard alone', async () => {
    const page = await given.open();
    await panel(page, 'Visitors over time').getByRole('img').waitFor();
    await page.getByLabel('30 days', { exact: true }).focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => new URL(page.url()).search).toBe('?range=90d');
    // Every control is reached, in the order of the page, and shows that it is.
    const reached = new Set<string>();
    await scrollThrough(page);
    await page.getByRole('heading', { name: 'Footfall' }).click();
    for (let presses = 0; presses < 200; presses++) {
      await page.keyboard.press('Tab');
      const name: string = await page.evaluate(
        `(() => { const at = document.activeElement;
          return at === document.body ? '' : at.getAttribute('aria-label') ?? at.closest('label')?.textContent ?? at.textContent })()`,
      );
      if (name === '' || (presses > 100 && reached.has(name))) break;
      reached.add(name);
    }
    for (const name of [
      'Theme',
      'Sign out',
      'First day',
      'Community',
      'Export CSV',
      'All visitors',
      'Next',
    ]) {
      expect([...reached], name).toContain(name);
    }
  });
}
