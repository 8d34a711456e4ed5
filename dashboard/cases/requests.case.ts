import { expect, it } from 'vitest';
import type { Given } from '../dashboard.fixture.ts';
import { panel, scrollThrough } from '../page.fixture.ts';

/** What the page asks the API, when, and what it shows where there is no answer. */
export function requests(given: Given): void {
  const asked = (path: string) => given.requested.filter((url) => url.includes(`/api/analytics/${path}`));

  it('asks a panel only when it comes near', async () => {
    const page = await given.open({ viewport: { width: 1280, height: 500 } });
    await page.getByRole('region', { name: 'At a glance' }).waitFor();
    await expect.poll(() => asked('trends/').length).toBeGreaterThan(0);
    expect(asked('retention/')).toEqual([]);
    expect(asked('pages/')).toEqual([]);
    await panel(page, 'Retention').scrollIntoViewIfNeeded();
    await expect.poll(() => asked('retention/').length).toBe(1);
  });

  it('loads the code of charts only when one is to be drawn', async () => {
    const page = await given.open({ token: undefined });
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(given.requested.filter((url) => url.includes('time-chart'))).toEqual([]);
    await page.getByLabel('Token').fill(await given.token());
    await page.getByRole('button', { name: 'Show the numbers' }).click();
    await panel(page, 'Visitors over time').getByRole('img').waitFor();
    expect(given.requested.filter((url) => url.includes('time-chart'))).toHaveLength(1);
  });

  it('asks once for the last of several choices in a row', async () => {
    const page = await given.open();
    await panel(page, 'Visitors over time').getByRole('img').waitFor();
    const before = asked('visitors/?').length;
    // In one turn of the page, faster than anybody could click.
    await page.evaluate(
      `for (const radio of document.querySelectorAll('.ff-filters input[type=radio]')) radio.click()`,
    );
    await expect.poll(() => new URL(page.url()).search).toBe('?range=12m');
    // The range, and the one before it.
    await expect.poll(() => asked('visitors/?').length).toBe(before + 2);
    await page.getByRole('region', { name: 'At a glance' }).and(page.locator('[aria-busy=false]')).waitFor();
    expect(asked('visitors/?')).toHaveLength(before + 2);
  });

  it('cancels the question whose answer nobody needs any more', async () => {
    const page = await given.open();
    await panel(page, 'Visitors over time').getByRole('img').waitFor();
    const cancelled: string[] = [];
    page.on('requestfailed', (request) => cancelled.push(`${request.failure()?.errorText} ${request.url()}`));
    let held = 0;
    await page.route(/visitors\/\?/, (route) => (held++ < 2 ? undefined : route.continue()));
    await page.getByLabel('90 days', { exact: true }).check();
    await expect.poll(() => held).toBe(2);
    await page.getByLabel('7 days', { exact: true }).check();
    await expect.poll(() => cancelled.some((line) => /ERR_ABORTED .*visitors\//.test(line))).toBe(true);
    await page.getByRole('region', { name: 'At a glance' }).and(page.locator('[aria-busy=false]')).waitFor();
  });

  it('says in a panel why it has no answer, leaves the others alone, and asks again when told to', async () => {
    given.expectErrors(/503/);
    let broken = true;
    const page = await given.open({
      prepare: (page) =>
        page.route(/\/pages\//, (route) =>
          broken
            ? route.fulfill({
                status: 503,
                headers: { 'Retry-After': '0' },
                json: { error: 'unavailable', message: 'a store does not answer at the moment' },
              })
            : route.continue(),
        ),
    });
    await panel(page, 'Top pages').scrollIntoViewIfNeeded();
    const pages = panel(page, 'Top pages');
    await pages.getByRole('alert').getByText('a store does not answer at the moment').waitFor();
    await scrollThrough(page);
    await panel(page, 'Divisions').getByRole('listitem').first().waitFor();
    expect(await page.getByRole('alert').count()).toBe(1);
    broken = false;
    await pages.getByRole('button', { name: 'Try again' }).click();
    await pages.getByRole('table').waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
  });

  it('says when the allowance of requests is used up, and does not ask again by itself', async () => {
    given.expectErrors(/429/);
    let refused = 0;
    const page = await given.open({
      prepare: (page) =>
        page.route(/\/trends\//, (route) => {
          refused++;
          return route.fulfill({
            status: 429,
            headers: { 'Retry-After': '1200' },
            json: { error: 'rate_limited', message: 'more than 1000 requests an hour' },
          });
        }),
    });
    const trends = panel(page, 'Visitors over time');
    await trends.getByText('Too many requests this hour. It can be asked again in 1200 s.').waitFor();
    await scrollThrough(page);
    // The range and the one before it, each once.
    expect(refused).toBe(2);
  });

  it('says that the server cannot be reached, and recovers by itself', async () => {
    given.expectErrors(/ERR_FAILED|ERR_INTERNET_DISCONNECTED/);
    let cut = true;
    const page = await given.open({
      prepare: (page) =>
        page.route(/\/api\/analytics\/(?!settings)/, (route) => (cut ? route.abort() : route.continue())),
    });
    await page.locator('.ff-skeleton').first().waitFor();
    cut = false;
    await panel(page, 'Visitors over time').getByRole('img').waitFor({ timeout: 30_000 });
  });

  it('shows the numbers without charts where their code does not come', async () => {
    given.expectErrors(/ERR_FAILED|time-chart/);
    const page = await given.open({ prepare: (page) => page.route(/time-chart/, (route) => route.abort()) });
    await panel(page, 'Visitors over time').getByText('The chart could not be loaded.').waitFor();
    expect(await panel(page, 'Visitors over time').locator('tbody tr').count()).toBe(30);
  });

  it('asks no other server, and runs nothing but its own scripts', async () => {
    const page = await given.open();
    await scrollThrough(page);
    const api = new URL(given.footfall.api);
    expect([...new Set(given.requested.map((url) => new URL(url).host))]).toEqual([api.host]);
    const answer = await fetch(`${given.footfall.api}/`);
    const policy = answer.headers.get('Content-Security-Policy') ?? '';
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(answer.headers.get('Referrer-Policy')).toBe('no-referrer');
  });
}
