/** Finding one's way on the page of the dashboard. */
import type { Locator, Page } from 'playwright-core';

export const panel = (page: Page, title: string): Locator =>
  page.getByRole('region', { name: title, exact: true });

/** Panels are asked for as they come near. */
export async function scrollThrough(page: Page): Promise<void> {
  await page.getByRole('region', { name: 'Retention', exact: true }).waitFor();
  for (const region of await page.locator('.ff-panel').all()) await region.scrollIntoViewIfNeeded();
  await page.locator('.ff-skeleton').first().waitFor({ state: 'detached' });
}
