import { tableFromIPC } from 'apache-arrow';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Pages, RealtimeHistory, Retention, Trends, VisitorStats } from '../contract/query.ts';
import { addDays, calendar, daysBetween } from '../contract/reporting-day.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';
import { between, COMMUNITIES, count, DIVISIONS, groupBy, monday, randomEvents } from './events.fixture.ts';

const NOW = Date.parse('2025-03-15T12:34:56Z');
const TODAY = '2025-03-15';
const SEED = Math.floor(Math.random() * 2 ** 31);
const EVENTS = randomEvents(SEED, { count: 4_000, days: 100, until: NOW, calendar: calendar('UTC') });
const COMMUNITY = COMMUNITIES[0]?.id ?? '';
const DIVISION = DIVISIONS[0]?.id ?? '';

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

  it.each([
    ['of a division', undefined],
    ['of a division in a community', COMMUNITY],
  ])('filters by the visitors %s', async (_which, community) => {
    const filter = (all: typeof EVENTS) =>
      all.filter(
        (event) =>
          event.division_id === DIVISION && (community === undefined || event.community_id === community),
      );
    const query = `division_id=${DIVISION.toUpperCase()}${community === undefined ? '' : `&community_id=${community}`}`;
    expect(await api.json(Trends, `trends/?${range}&${query}`)).toEqual(
      trendOf(days, (event) => event.day, filter(events), filter(EVENTS)),
    );
    const labels = ['2024-12', '2025-01', '2025-02', '2025-03'];
    expect(await api.json(Trends, `trends/?${range}&${query}&interval=month`)).toEqual(
      trendOf(labels, (event) => event.day.slice(0, 7), filter(events), filter(EVENTS)),
    );
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

describe('retention/', () => {
  const weeksOf = (visitor: string) =>
    new Set(
      EVENTS.filter((event) => event.visitor === visitor && event.type !== 'leave').map(({ day }) =>
        monday(day),
      ),
    );
  const visitors = [...new Set(EVENTS.map(({ visitor }) => visitor))]
    .map(weeksOf)
    .filter(({ size }) => size > 0);
  const firstOf = (weeks: Set<string>) => [...weeks].sort()[0] ?? '';
  const later = (week: string, n: number) => addDays(week, 7 * n);

  function cohort(week: string, weeks: number) {
    const all = visitors.filter((each) => firstOf(each) === week);
    const begun = Array.from({ length: weeks }, (_, n) => n + 1).filter(
      (n) => later(week, n) <= monday(TODAY),
    );
    const returned = begun.map((n) => all.filter((each) => each.has(later(week, n))).length);
    const rates = returned.map((some) =>
      all.length === 0 ? 0 : Math.round((1_000 * some) / all.length) / 10,
    );
    return { week, new_visitors: all.length, returned, rates };
  }

  it('follows the visitors who were new in each week of a range', async () => {
    const range = 'start_date=2024-12-01&end_date=2025-02-12';
    const weeks = [...new Set(daysBetween('2024-12-01', '2025-02-12').map(monday))];
    expect(await api.json(Retention, `retention/?${range}&weeks=4`)).toEqual({
      weeks: 4,
      cohorts: weeks.map((week) => cohort(week, 4)),
    });
  });

  it('leaves out weeks that have not begun, and has the last 30 days and eight weeks where nothing is said', async () => {
    const { weeks, cohorts } = await api.json(Retention, 'retention/');
    expect(weeks).toBe(8);
    expect(cohorts.map(({ week }) => week)).toEqual([
      '2025-02-10',
      '2025-02-17',
      '2025-02-24',
      '2025-03-03',
      '2025-03-10',
    ]);
    expect(cohorts).toEqual(cohorts.map(({ week }) => cohort(week, 8)));
    expect(cohorts.at(-1)?.returned).toEqual([]);
  });
});

describe('a range', () => {
  const total = async (range: string) => {
    const visitors = await api.json(VisitorStats, `visitors/?${range}`);
    const trends = await api.json(Trends, `trends/?${range}`);
    return { visitors: visitors.total_visitors, days: trends.labels.length, last: trends.total.at(-1) };
  };
  const last = count(between(EVENTS, TODAY, TODAY)).visitors;

  it('in the future has nobody', async () => {
    expect(await total('start_date=2025-03-16&end_date=2025-03-20')).toEqual({
      visitors: 0,
      days: 5,
      last: 0,
    });
  });

  it('before the first event has nobody', async () => {
    expect(await total('start_date=2001-01-01&end_date=2001-01-31')).toEqual({
      visitors: 0,
      days: 31,
      last: 0,
    });
  });

  it('of one day is that day, closed or open', async () => {
    for (const day of ['2025-03-01', '2025-03-14', TODAY]) {
      const { visitors } = count(between(EVENTS, day, day));
      expect(await total(`start_date=${day}&end_date=${day}`)).toEqual({ visitors, days: 1, last: visitors });
    }
  });

  it('goes across the open day and on into the future', async () => {
    const { visitors } = count(between(EVENTS, '2025-03-10', TODAY));
    expect(await total('start_date=2025-03-10&end_date=2025-03-15')).toEqual({ visitors, days: 6, last });
    expect(await total('start_date=2025-03-10&end_date=2025-03-17')).toEqual({ visitors, days: 8, last: 0 });
  });

  it('of ten years is answered, and of a day more is refused', async () => {
    const { visitors } = count(EVENTS);
    expect((await total('start_date=2016-01-01&end_date=2026-01-01')).visitors).toBe(visitors);
    for (const path of ['visitors/', 'trends/', 'pages/', 'retention/', 'export/', 'demographics/']) {
      const answer = await api.get(`${path}?start_date=2016-01-01&end_date=2026-01-02`);
      expect(answer.status, path).toBe(400);
      expect(await answer.json()).toMatchObject({ field: 'start_date', rule: 'max_range' });
    }
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

describe('realtime/history/', () => {
  const MINUTE = 60_000;
  const LAST = Date.parse('2025-03-15T12:33:00Z');
  const ago = (minutes: number) => LAST - minutes * MINUTE;
  const history = (query: string) => api.json(RealtimeHistory, `realtime/history/${query}`);

  beforeAll(async () => {
    const kept = [
      [0, 50, 4],
      [1, 60, 0],
      [3, 0, 0],
      [70, 80, 8],
      // The minute under way, and one out of reach of an hour.
      [-1, 999, 999],
      [44_639, 7, 1],
    ] as const;
    for (const [minutes, site, community] of kept) {
      const all = [
        { scope: 'site', visitors: site },
        { scope: COMMUNITY, visitors: community },
      ];
      await stores.analytics.keepPresence(
        ago(minutes),
        all.filter(({ scope, visitors }) => scope === 'site' || visitors > 0),
      );
    }
  });

  it('has a point for each of the last 60 minutes up to the last complete one, null where none was kept', async () => {
    const { step_minutes, points } = await history('');
    expect(step_minutes).toBe(1);
    expect(points.map(({ at }) => at)).toEqual(
      Array.from({ length: 60 }, (_, n) => new Date(ago(59 - n)).toISOString()),
    );
    expect(points.slice(-5).map(({ count }) => count)).toEqual([null, 0, null, 60, 50]);
    expect(points.slice(0, -5).every(({ count }) => count === null)).toBe(true);
  });

  it('has nobody of a community in a minute that has the site alone', async () => {
    const { points } = await history(`?minutes=5&community_id=${COMMUNITY.toUpperCase()}`);
    expect(points.map(({ count }) => count)).toEqual([null, 0, null, 0, 4]);
  });

  it.each([
    [1, 1, 1],
    [1_440, 1, 1_440],
    [1_441, 2, 721],
    [10_000, 10, 1_000],
    [44_640, 60, 744],
  ])('of %i minutes has steps of %i, %i of them', async (minutes, step, length) => {
    const { step_minutes, points } = await history(`?minutes=${minutes}`);
    expect(step_minutes).toBe(step);
    expect(points).toHaveLength(length);
    expect(points.at(-1)?.at).toBe(new Date(ago(step - 1)).toISOString());
  });

  it('has the highest of the minutes of a step', async () => {
    const { points } = await history('?minutes=44640');
    expect(points.filter(({ count }) => count !== null)).toEqual([
      { at: new Date(ago(44_639)).toISOString(), count: 7 },
      { at: new Date(ago(119)).toISOString(), count: 80 },
      { at: new Date(ago(59)).toISOString(), count: 60 },
    ]);
  });

  it.each([0, 44_641, 1.5])('of %d minutes is refused', async (minutes) => {
    const response = await api.get(`realtime/history/?minutes=${minutes}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ field: 'minutes' });
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

  it('filters by division, and by community', async () => {
    const of = between(EVENTS, '2025-03-01', TODAY).filter(
      (event) => event.division_id === DIVISION && event.community_id === COMMUNITY,
    );
    const response = await api.get(
      `export/?start_date=2025-03-01&division_id=${DIVISION}&community_id=${COMMUNITY}`,
    );
    const lines = daysBetween('2025-03-01', TODAY).map((date) => {
      const { visitors, authenticated, page_views } = count(between(of, date, date));
      return [date, visitors, authenticated, visitors - authenticated, page_views].join(',');
    });
    expect((await response.text()).trim().split('\n').slice(1)).toEqual(lines);
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
