import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pages, Trends } from '../contract/query.ts';
import { calendar, daysBetween } from '../contract/reporting-day.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';
import { between, COMMUNITIES, count, groupBy, monday, randomEvents } from './events.fixture.ts';

const NOW = Date.parse('2025-03-15T12:34:56Z');
const TODAY = '2025-03-15';
const SEED = Math.floor(Math.random() * 2 ** 31);
const EVENTS = randomEvents(SEED, { count: 4_000, days: 100, until: NOW, calendar: calendar('UTC') });
const COMMUNITY = COMMUNITIES[0]?.id ?? '';

let stores: Stores;
let api: TestApi;
beforeAll(async () => {
  console.log(`events of seed ${SEED}`);
  stores = await openStores(EVENTS);
  api = await startApi(stores, { now: () => NOW });
});
afterAll(async () => {
  await api.close();
  await stores.close();
});

describe('trends/', () => {
  const range = 'start_date=2024-12-18&end_date=2025-03-12';
  const events = between(EVENTS, '2024-12-18', '2025-03-12');
  const days = daysBetween('2024-12-18', '2025-03-12');

  /** When each visitor gave a first sign of life: anywhere, or in one community. */
  function newIn(labels: string[], labelOf: (event: (typeof EVENTS)[number]) => string, all: typeof EVENTS) {
    const firsts = new Map<string, (typeof EVENTS)[number]>();
    for (const event of all.filter(({ type }) => type !== 'leave')) {
      const first = firsts.get(event.visitor);
      if (first === undefined || event.happened_at < first.happened_at) firsts.set(event.visitor, event);
    }
    return labels.map((label) => [...firsts.values()].filter((event) => labelOf(event) === label).length);
  }

  function trendOf(
    labels: string[],
    labelOf: (event: (typeof EVENTS)[number]) => string,
    of = events,
    all = EVENTS,
  ) {
    const buckets = groupBy(of, labelOf);
    const counts = labels.map((label) => count(buckets.get(label) ?? []));
    // Buckets at the ends of a range have days outside of it.
    const days = new Set(of.map(({ day }) => day));
    const inRange = (event: (typeof EVENTS)[number]) => (days.has(event.day) ? labelOf(event) : '');
    const newcomers = newIn(labels, inRange, all);
    return {
      labels,
      total: counts.map(({ visitors }) => visitors),
      authenticated: counts.map(({ authenticated }) => authenticated),
      anonymous: counts.map(({ visitors, authenticated }) => visitors - authenticated),
      new: newcomers,
      returning: counts.map(({ visitors }, i) => visitors - (newcomers[i] ?? 0)),
    };
  }

  it('has every day of the range', async () => {
    expect(await api.json(Trends, `trends/?${range}`)).toEqual(trendOf(days, (event) => event.day));
    const empty = await api.json(Trends, 'trends/?start_date=2020-02-28&end_date=2020-03-01');
    expect(empty).toEqual({
      labels: ['2020-02-28', '2020-02-29', '2020-03-01'],
      total: [0, 0, 0],
      authenticated: [0, 0, 0],
      anonymous: [0, 0, 0],
      new: [0, 0, 0],
      returning: [0, 0, 0],
    });
  });

  it('names weeks by their Monday and counts only the days inside the range', async () => {
    const labels = [...new Set(days.map(monday))];
    expect(labels[0]).toBe('2024-12-16');
    expect(await api.json(Trends, `trends/?${range}&interval=week`)).toEqual(
      trendOf(labels, (event) => monday(event.day)),
    );
  });

  it('names months', async () => {
    const labels = ['2024-12', '2025-01', '2025-02', '2025-03'];
    expect(await api.json(Trends, `trends/?${range}&interval=month`)).toEqual(
      trendOf(labels, (event) => event.day.slice(0, 7)),
    );
  });

  it('has every hour of the range', async () => {
    const labels = daysBetween('2025-03-01', '2025-03-03').flatMap((day) =>
      Array.from({ length: 24 }, (_, hour) => `${day}T${String(hour).padStart(2, '0')}:00:00Z`),
    );
    const trend = await api.json(Trends, 'trends/?start_date=2025-03-01&end_date=2025-03-03&interval=hour');
    const label = (event: (typeof EVENTS)[number]) =>
      `${new Date(event.happened_at).toISOString().slice(0, 13)}:00:00Z`;
    expect(trend).toEqual(trendOf(labels, label, between(EVENTS, '2025-03-01', '2025-03-03')));
  });

  it('filters by community', async () => {
    const ofCommunity = events.filter((event) => event.community_id === COMMUNITY);
    expect(await api.json(Trends, `trends/?${range}&community_id=${COMMUNITY}`)).toEqual(
      trendOf(
        days,
        (event) => event.day,
        ofCommunity,
        EVENTS.filter((event) => event.community_id === COMMUNITY),
      ),
    );
  });
});

describe('trends/ as Arrow', () => {
  it('has the numbers of the JSON', async () => {
    const trend = await api.json(Trends, 'trends/');
    const response = await api.get('trends/?format=arrow');
    const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    expect([...(table.getChild('label') ?? [])]).toEqual(trend.labels);
    expect([...(table.getChild('total') ?? [])].map(Number)).toEqual(trend.total);
    expect([...(table.getChild('anonymous') ?? [])].map(Number)).toEqual(trend.anonymous);
  });
});

describe('pages/', () => {
  const events = between(EVENTS, '2025-01-01', '2025-02-28');
  const range = 'start_date=2025-01-01&end_date=2025-02-28';
  const expected = [...groupBy(events, (event) => event.page)]
    .map(([page_url, rows]) => ({ page_url, ...count(rows) }))
    .filter(({ visitors }) => visitors > 0)
    .sort(
      (a, b) => b.visitors - a.visitors || b.page_views - a.page_views || (a.page_url < b.page_url ? -1 : 1),
    )
    .map(({ page_url, visitors, authenticated, page_views }) => ({
      page_url,
      unique_visitors: visitors,
      authenticated_visitors: authenticated,
      anonymous_visitors: visitors - authenticated,
      page_views,
    }));
  const total = expected.length;

  it('ranks the pages, a page of them at a time', async () => {
    expect(await api.json(Pages, `pages/?${range}`)).toEqual({
      results: expected,
      total,
      page: 1,
      page_size: 50,
    });
    expect(await api.json(Pages, `pages/?${range}&page=3&page_size=4`)).toEqual({
      results: expected.slice(8, 12),
      total,
      page: 3,
      page_size: 4,
    });
  });

  it('still knows how many there are past the last page', async () => {
    expect(await api.json(Pages, `pages/?${range}&page=900`)).toEqual({
      results: [],
      total,
      page: 900,
      page_size: 50,
    });
  });

  it('answers Arrow with the numbers of the JSON', async () => {
    const response = await api.get(`pages/?${range}&format=arrow`);
    const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    expect(table.toArray().map((row) => ({ ...row }))).toEqual(
      expected.map((row) => ({
        page_url: row.page_url,
        unique_visitors: BigInt(row.unique_visitors),
        authenticated_visitors: BigInt(row.authenticated_visitors),
        anonymous_visitors: BigInt(row.anonymous_visitors),
        page_views: BigInt(row.page_views),
      })),
    );
  });
});

describe('export/', () => {
  const range = 'start_date=2024-12-01&end_date=2025-03-15';
  const rows = daysBetween('2024-12-01', TODAY).map((date) => {
    const { visitors, authenticated, page_views } = count(between(EVENTS, date, date));
    return [date, visitors, authenticated, visitors - authenticated, page_views];
  });

  it('answers CSV with a line for every day', async () => {
    const response = await api.get(`export/?${range}`);
    expect(response.headers.get('Content-Type')).toBe('text/csv; charset=utf-8');
    expect(response.headers.get('Content-Disposition')).toMatch(/^attachment; filename=".+\.csv"$/);
    const header = 'date,total_visitors,authenticated_visitors,anonymous_visitors,page_views';
    expect(await response.text()).toBe(`${[header, ...rows.map((row) => row.join(','))].join('\n')}\n`);
  });

  it.each([
    ['asked by Accept', `export/?${range}`, { Accept: 'application/vnd.apache.arrow.stream' }],
    ['asked by format', `export/?${range}&format=arrow`, {}],
  ])('answers Arrow %s', async (_how, path, headers) => {
    const response = await api.get(path, headers);
    expect(response.headers.get('Content-Type')).toBe('application/vnd.apache.arrow.stream');
    const table = tableFromIPC(new Uint8Array(await response.arrayBuffer()));
    expect(table.toArray().map((row) => Object.values({ ...row }).map(String))).toEqual(
      rows.map((row) => row.map(String)),
    );
  });
});
