import { readFile } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import type {
  Conversions,
  Demographics,
  DivisionShare,
  Growth,
  Pages,
  Retention,
  Settings,
  Trends,
  VisitorStats,
} from '../../contract/query.ts';
import { addDays } from '../../contract/reporting-day.ts';
import type { Given } from '../dashboard.fixture.ts';
import { panel, scrollThrough } from '../page.fixture.ts';

const n = (value: number) => value.toLocaleString('en-US');
const p = (value: number) => `${value.toFixed(1)}%`;

/** Each number is that of the API, for the days and places that are chosen. */
export function numbers(given: Given): void {
  const ask = <Result>(path: string) => given.footfall.query<Result>(path);
  const cards = (page: Page) => page.getByRole('region', { name: 'At a glance' });
  const card = (page: Page, title: string) => cards(page).getByRole('region', { name: title, exact: true });
  const shown = (page: Page, text: string) => page.getByText(text, { exact: true }).first().waitFor();
  /** The last 30 days end yesterday, so that nothing moves. */
  async function stillRange() {
    const { today } = await ask<Settings>('settings/');
    const range = { start_date: addDays(today, -30), end_date: addDays(today, -1) };
    return {
      ...range,
      api: new URLSearchParams(range),
      path: `?from=${range.start_date}&to=${range.end_date}`,
    };
  }

  it('are those of the API, in every panel', async () => {
    const { api, path } = await stillRange();
    const page = await given.open({ path });
    await scrollThrough(page);

    const stats = await ask<VisitorStats>(`visitors/?${api}`);
    expect(stats.total_visitors).toBeGreaterThan(100);
    await card(page, 'Visitors').getByText(n(stats.total_visitors), { exact: true }).waitFor();
    await card(page, 'Signed in').getByText(n(stats.authenticated_visitors), { exact: true }).waitFor();
    await card(page, 'Signed in')
      .getByText(`${p(stats.conversion_rate)} of all`)
      .waitFor();
    await card(page, 'Anonymous').getByText(n(stats.anonymous_visitors), { exact: true }).waitFor();
    await card(page, 'Page views').getByText(n(stats.total_page_views), { exact: true }).waitFor();
    await card(page, 'Views per visitor').getByText(stats.avg_page_views_per_visitor.toFixed(1)).waitFor();

    const trends = await ask<Trends>(`trends/?${api}&interval=day`);
    const rows = panel(page, 'Visitors over time').locator('tbody tr');
    await expect.poll(() => rows.count()).toBe(trends.labels.length);
    expect(await rows.first().locator('td').allTextContents()).toEqual(
      [trends.total[0], trends.authenticated[0], trends.anonymous[0]].map((value) => n(value ?? -1)),
    );

    const [division] = await ask<DivisionShare[]>(`division-breakdown/?${api}&limit=8`);
    const first = panel(page, 'Divisions').getByRole('listitem').first();
    for (const text of [division?.division_name, n(division?.count ?? -1), p(division?.percentage ?? -1)]) {
      expect(await first.textContent()).toContain(text);
    }
    expect(await panel(page, 'Divisions').getByRole('listitem').count()).toBe(8);

    const { by_division_type, top_countries } = await ask<Demographics>(`demographics/?${api}`);
    const demographics = panel(page, 'Demographics');
    for (const { name, count } of top_countries) {
      expect(await demographics.getByRole('list', { name: 'Visitors by country' }).textContent()).toContain(
        name + n(count),
      );
    }
    for (const [type, count] of Object.entries(by_division_type)) {
      expect(await demographics.getByRole('list', { name: 'by kind' }).textContent()).toContain(
        type + n(count),
      );
    }

    const growth = await ask<Growth>('growth/?period=month');
    expect(await panel(page, 'Growth').textContent()).toContain(`30 days before${n(growth.previous_period)}`);

    const pages = await ask<Pages>(`pages/?${api}&page_size=10`);
    const lines = panel(page, 'Top pages').locator('tbody tr');
    expect(await lines.count()).toBe(pages.results.length);
    expect(await lines.first().textContent()).toContain(
      `${pages.results[0]?.page_url}${n(pages.results[0]?.unique_visitors ?? -1)}`,
    );

    const conversions = await ask<Conversions>(`conversions/?${api}`);
    expect(conversions.total_conversions).toBeGreaterThan(0);
    const told = await panel(page, 'Conversions').locator('dd').allTextContents();
    expect(told.slice(0, 2)).toEqual([n(conversions.total_conversions), p(conversions.conversion_rate)]);

    const { cohorts } = await ask<Retention>(`retention/?${api}&weeks=8`);
    const weeks = panel(page, 'Retention').locator('tbody tr');
    expect(await weeks.count()).toBe(cohorts.length);
    const cells = await weeks.first().locator('td').allTextContents();
    expect(cells[0]).toBe(n(cohorts[0]?.new_visitors ?? -1));
    expect(cells[1]).toBe(p(cohorts[0]?.rates[0] ?? -1));
  });

  it('change with the days, which stand in the address and come back with it', async () => {
    const page = await given.open();
    const { today } = await ask<Settings>('settings/');
    await page.getByLabel('7 days', { exact: true }).check();
    const week = await ask<VisitorStats>(`visitors/?start_date=${addDays(today, -6)}&end_date=${today}`);
    await card(page, 'Visitors').getByText(n(week.total_visitors), { exact: true }).waitFor();
    expect(new URL(page.url()).search).toBe('?range=7d');

    await page.getByLabel('First day').fill(addDays(today, -20));
    await page.getByLabel('Last day').fill(addDays(today, -11));
    const chosen = await ask<VisitorStats>(
      `visitors/?start_date=${addDays(today, -20)}&end_date=${addDays(today, -11)}`,
    );
    await card(page, 'Visitors').getByText(n(chosen.total_visitors), { exact: true }).waitFor();
    expect(new URL(page.url()).search).toBe(`?from=${addDays(today, -20)}&to=${addDays(today, -11)}`);

    await page.reload();
    await card(page, 'Visitors').getByText(n(chosen.total_visitors), { exact: true }).waitFor();
    expect(await page.getByLabel('First day').inputValue()).toBe(addDays(today, -20));
  });

  it('are not asked for with days in the wrong order', async () => {
    const page = await given.open();
    const { today } = await ask<Settings>('settings/');
    await page.getByLabel('Last day').fill(addDays(today, -40));
    await page.getByText('The first day is after the last.').waitFor();
    expect(given.requested.filter((url) => url.includes(addDays(today, -40)))).toEqual([]);
  });

  it('are compared with as many days before, unless that is not wanted', async () => {
    const { start_date, api, path } = await stillRange();
    const page = await given.open({ path });
    const before = new URLSearchParams({
      start_date: addDays(start_date, -30),
      end_date: addDays(start_date, -1),
    });
    const [now, then] = [
      await ask<VisitorStats>(`visitors/?${api}`),
      await ask<VisitorStats>(`visitors/?${before}`),
    ];
    const percent = (100 * (now.total_visitors - then.total_visitors)) / then.total_visitors;
    const change = card(page, 'Visitors').locator('.ff-change');
    await change.waitFor();
    expect(await change.textContent()).toContain(`+${percent.toFixed(1)}%, compared with the 30 days before`);
    await panel(page, 'Visitors over time').getByText('Period before').waitFor();

    await page.getByLabel('Compare with the days before').uncheck();
    await change.waitFor({ state: 'detached' });
    await panel(page, 'Visitors over time').getByText('Period before').waitFor({ state: 'detached' });
    expect(new URL(page.url()).searchParams.get('compare')).toBe('no');
  });

  it('are those of a community and a division, where they know of these', async () => {
    const { api, path } = await stillRange();
    const page = await given.open({ path });
    await page.getByLabel('Community').selectOption({ label: 'Toronto Cycling' });
    const community = (await page.getByLabel('Community').inputValue()) ?? '';
    const ofCommunity = await ask<VisitorStats>(`visitors/?${api}&community_id=${community}`);
    await card(page, 'Visitors').getByText(n(ofCommunity.total_visitors), { exact: true }).waitFor();
    await panel(page, 'Own and other divisions').waitFor();
    await expect
      .poll(() => given.requested.some((url) => url.includes(`dashboard/?community_id=${community}`)))
      .toBe(true);
    await panel(page, 'Divisions').getByText('whole platform').waitFor();

    await page.getByLabel('Division', { exact: true }).selectOption({ label: 'Toronto (city)' });
    const division = await page.getByLabel('Division', { exact: true }).inputValue();
    const ofBoth = await ask<VisitorStats>(
      `visitors/?${api}&community_id=${community}&division_id=${division}`,
    );
    await card(page, 'Visitors').getByText(n(ofBoth.total_visitors), { exact: true }).waitFor();
    // Hours are not counted by division.
    expect(await panel(page, 'Visitors over time').getByLabel('Hour').count()).toBe(0);
    expect(Object.fromEntries(new URL(page.url()).searchParams)).toMatchObject({ community, division });
  });

  it('are drawn by hour, day and week, as lines or bars, by kind of visitor or new against returning', async () => {
    const { api, path } = await stillRange();
    const page = await given.open({ path });
    const chart = panel(page, 'Visitors over time');
    const rows = chart.locator('tbody tr');
    for (const [label, interval] of [
      ['Week', 'week'],
      ['Day', 'day'],
    ]) {
      await chart.getByLabel(label ?? '').check();
      const { labels } = await ask<Trends>(`trends/?${api}&interval=${interval}`);
      await expect.poll(() => rows.count()).toBe(labels.length);
    }
    await chart.getByLabel('Hour').check();
    await expect.poll(() => given.requested.some((url) => url.includes('interval=hour'))).toBe(true);
    await chart.getByLabel('Day').check();

    await chart.getByLabel('New', { exact: true }).check();
    const trends = await ask<Trends>(`trends/?${api}&interval=day`);
    await chart.getByRole('button', { name: 'Returning' }).waitFor();
    await expect
      .poll(() => rows.first().locator('td').allTextContents())
      .toEqual([trends.new[0], trends.returning[0]].map((value) => n(value ?? -1)));
    await chart.getByLabel('Bars').check();
    await chart.getByRole('img').waitFor();
    const returning = chart.getByRole('button', { name: 'Returning' });
    await returning.click();
    expect(await returning.getAttribute('aria-pressed')).toBe('false');
  });

  it('of pages come a screenful at a time', async () => {
    const { api, path } = await stillRange();
    const page = await given.open({ path });
    await scrollThrough(page);
    const pages = panel(page, 'Top pages');
    await pages.getByText('1–10 of 13').waitFor();
    expect(await pages.getByRole('button', { name: 'Previous' }).isDisabled()).toBe(true);
    await pages.getByRole('button', { name: 'Next' }).click();
    await pages.getByText('11–13 of 13').waitFor();
    const { results } = await ask<Pages>(`pages/?${api}&page_size=10&page=2`);
    expect(await pages.locator('tbody .ff-page').allTextContents()).toEqual(
      results.map(({ page_url }) => page_url),
    );
    expect(await pages.getByRole('button', { name: 'Next' }).isDisabled()).toBe(true);
    // Another range begins at its first page.
    await page.getByLabel('7 days', { exact: true }).check();
    await pages.getByText(/^1–10 of/).waitFor();
  });

  it('are saved as CSV and as Arrow, with the days and places that are chosen', async () => {
    const { start_date, end_date, api, path } = await stillRange();
    const page = await given.open({ path });
    const csv = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export CSV' }).click();
    const file = await csv;
    expect(file.suggestedFilename()).toBe(`visitors-${start_date}-to-${end_date}.csv`);
    const answer = await fetch(`${given.footfall.api}/api/analytics/export/?${api}`, {
      headers: { Authorization: `Bearer ${given.footfall.token}` },
    });
    expect(await readFile((await file.path()) ?? '', 'utf8')).toBe(await answer.text());

    const arrow = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Arrow' }).click();
    const { tableFromIPC } = await import('apache-arrow');
    const table = tableFromIPC(await readFile((await (await arrow).path()) ?? ''));
    expect(table.numRows).toBe(30);
  });

  it('say that there are none where there are none', async () => {
    const page = await given.open({ path: '?from=2001-01-01&to=2001-01-31' });
    await scrollThrough(page);
    await card(page, 'Visitors').getByText('0', { exact: true }).waitFor();
    for (const [title, words] of [
      ['Visitors over time', 'Nothing was counted in these days.'],
      ['Divisions', 'Of no visitor in these days the division is known.'],
      ['Demographics', 'Of no visitor in these days the division or the country is known.'],
      ['Top pages', 'No page was viewed in these days.'],
      ['Conversions', 'Nobody who came anonymous has signed in during these days.'],
      ['Retention', 'Nobody was new in these weeks.'],
    ]) {
      await panel(page, title ?? '')
        .getByText(words ?? '')
        .waitFor();
    }
  });

  it('stand in the locale of the reader', async () => {
    const { api, path } = await stillRange();
    const page = await given.open({ path, locale: 'de-DE' });
    const stats = await ask<VisitorStats>(`visitors/?${api}`);
    await shown(page, stats.total_page_views.toLocaleString('de-DE'));
    await panel(page, 'Visitors over time').getByRole('img').waitFor();
    const label = await panel(page, 'Visitors over time').getByRole('img').getAttribute('aria-label');
    expect(label).toMatch(/ \d+\. (Jan|Feb|März|Apr|Mai|Juni|Juli|Aug|Sept|Okt|Nov|Dez)/);
    await page
      .getByText(/days of UTC/i)
      .first()
      .waitFor();
  });

  it('say of the pipeline until when they are complete, and what was dropped', async () => {
    await fetch(`${given.footfall.collector}/e`, {
      method: 'POST',
      headers: { 'Content-Type': 'text/plain', 'User-Agent': 'Googlebot/2.1' },
      body: JSON.stringify({ url: 'https://example.org/', fingerprint: 'a-crawler' }),
    });
    await expect
      .poll(async () => {
        const { hours } = await ask<{ hours: { dropped: { bot: number } }[] }>('pipeline/');
        return hours.reduce((sum, { dropped }) => sum + dropped.bot, 0);
      })
      .toBeGreaterThan(0);
    const page = await given.open();
    const health = page.getByRole('complementary', { name: 'Health' });
    await health.getByText('Every event accounted for').waitFor();
    await health.getByText(/Complete until/).waitFor();
    await health.getByText('1 dropped today').click();
    await health.getByText('Programs that say they are none of the visitors').waitFor();
  });
}
