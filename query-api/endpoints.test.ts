import Type from 'typebox';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NIL_UUID } from '../clickhouse/port.ts';
import {
  Communities,
  CommunityDays,
  Conversions,
  Demographics,
  DivisionShare,
  Divisions,
  Growth,
  Realtime,
  Settings,
  VisitorStats,
} from '../contract/query.ts';
import { addDays, calendar, daysBetween } from '../contract/reporting-day.ts';
import { count as countSessions } from '../postgres/session.fixture.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';
import { between, COMMUNITIES, count, DIVISIONS, groupBy, randomEvents, ranking } from './events.fixture.ts';

import { VisitorAnalytics } from './visitor-analytics.ts';

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

const oneDecimal = (value: number) => Math.round(10 * value) / 10;

function statsOf(events: typeof EVENTS) {
  const { visitors, authenticated, page_views } = count(events);
  return {
    total_visitors: visitors,
    authenticated_visitors: authenticated,
    anonymous_visitors: visitors - authenticated,
    conversion_rate: visitors === 0 ? 0 : oneDecimal((100 * authenticated) / visitors),
    total_page_views: page_views,
    avg_page_views_per_visitor: visitors === 0 ? 0 : oneDecimal(page_views / visitors),
  };
}

describe('visitors/', () => {
  it('counts the last 30 days ending today where no dates are given', async () => {
    expect(await api.json(VisitorStats, 'visitors/')).toEqual(statsOf(between(EVENTS, '2025-02-14', TODAY)));
  });

  it('counts inclusive days', async () => {
    const stats = await api.json(VisitorStats, 'visitors/?start_date=2025-01-03&end_date=2025-01-05');
    expect(stats).toEqual(statsOf(between(EVENTS, '2025-01-03', '2025-01-05')));
  });

  it('counts 30 days up to an end without a start, and until today from a start without an end', async () => {
    expect(await api.json(VisitorStats, 'visitors/?end_date=2025-02-10')).toEqual(
      statsOf(between(EVENTS, '2025-01-12', '2025-02-10')),
    );
    expect(await api.json(VisitorStats, 'visitors/?start_date=2025-03-10')).toEqual(
      statsOf(between(EVENTS, '2025-03-10', TODAY)),
    );
  });

  it('filters by community, by division and by both, in either case', async () => {
    const division = DIVISIONS[1]?.id ?? '';
    const days = 'start_date=2025-01-01&end_date=2025-03-15';
    const range = between(EVENTS, '2025-01-01', TODAY);
    const ofCommunity = range.filter((event) => event.community_id === COMMUNITY);
    expect(await api.json(VisitorStats, `visitors/?${days}&community_id=${COMMUNITY.toUpperCase()}`)).toEqual(
      statsOf(ofCommunity),
    );
    expect(await api.json(VisitorStats, `visitors/?${days}&division_id=${division}`)).toEqual(
      statsOf(range.filter((event) => event.division_id === division)),
    );
    expect(
      await api.json(VisitorStats, `visitors/?${days}&community_id=${COMMUNITY}&division_id=${division}`),
    ).toEqual(statsOf(ofCommunity.filter((event) => event.division_id === division)));
  });

  it('answers zeros, not null, where nobody came', async () => {
    expect(await api.json(VisitorStats, 'visitors/?start_date=2020-01-01&end_date=2020-01-31')).toEqual(
      statsOf([]),
    );
  });

  it.each([
    ['today', TODAY],
    ['weekly', '2025-03-09'],
    ['monthly', '2025-02-14'],
  ])('%s/ begins on %s', async (name, first) => {
    expect(await api.json(VisitorStats, `visitors/${name}/`)).toEqual(statsOf(between(EVENTS, first, TODAY)));
  });
});

describe('division-breakdown/', () => {
  it('ranks divisions, names them, and gives their share of all visitors with a known division', async () => {
    const known = between(EVENTS, '2025-02-14', TODAY).filter((event) => event.division_id !== NIL_UUID);
    const all = count(known).visitors;
    const expected = ranking(known, (event) => event.division_id).map(([id, visitors]) => {
      const division = DIVISIONS.find((one) => one.id === id);
      return {
        division_id: id,
        division_name: division?.name ?? id,
        division_type: division?.type ?? 'unknown',
        count: visitors,
        percentage: oneDecimal((100 * visitors) / all),
      };
    });
    expect(await api.json(Type.Array(DivisionShare), 'division-breakdown/')).toEqual(expected);
    expect(await api.json(Type.Array(DivisionShare), 'division-breakdown/?limit=2')).toEqual(
      expected.slice(0, 2),
    );
  });
});

describe('conversions/', () => {
  it('counts sessions that signed in after they began anonymous', async () => {
    const began = Date.parse('2025-02-20T10:00:00Z');
    const session = (n: number, signedInAfterMs: number | null) => ({
      fingerprint: `${n}`.padStart(64, '0'),
      firstSeen: began,
      lastSeen: began + (signedInAfterMs ?? 0),
      pageViews: 1,
      sessionId: '',
      userId: signedInAfterMs === null ? null : `user-${n}`,
      firstSignedInAt: signedInAfterMs === null ? null : began + signedInAfterMs,
      beganAnonymous: true,
    });
    await countSessions(
      stores.sessions,
      [{ partition: 0, firstOffset: 0, nextOffset: 3 }],
      [session(1, null), session(2, 60_000), session(3, 86_400_000 + 500)],
    );
    expect(await api.json(Conversions, 'conversions/?start_date=2025-02-20&end_date=2025-02-21')).toEqual({
      total_conversions: 2,
      conversion_rate: 66.7,
      avg_time_to_conversion: 43_230.3,
      conversions_by_date: { '2025-02-20': 1, '2025-02-21': 1 },
    });
    expect(
      await api.json(Conversions, 'conversions/?start_date=2025-02-21&end_date=2025-02-21'),
    ).toMatchObject({
      total_conversions: 1,
      conversion_rate: 0,
    });
    expect(await api.json(Conversions, 'conversions/?end_date=2025-01-01')).toEqual({
      total_conversions: 0,
      conversion_rate: 0,
      avg_time_to_conversion: 0,
      conversions_by_date: {},
    });
  });
});

describe('demographics/', () => {
  it('counts division types, and names the ten countries with most visitors', async () => {
    const events = between(EVENTS, '2025-01-01', '2025-02-28');
    const types = ranking(
      events.filter((event) => event.division_type !== ''),
      (event) => event.division_type,
    );
    const countries = ranking(
      events.filter((event) => event.country !== ''),
      (event) => event.country,
    );
    const names: Record<string, string> = { CA: 'Canada', US: 'United States', GB: 'United Kingdom' };
    const demographics = await api.json(
      Demographics,
      'demographics/?start_date=2025-01-01&end_date=2025-02-28',
    );
    expect(demographics.by_division_type).toEqual(Object.fromEntries(types));
    expect(demographics.top_countries.map((row) => row.count)).toEqual(
      countries.slice(0, 10).map(([, visitors]) => visitors),
    );
    const [top] = countries;
    expect(demographics.top_countries[0]?.name).toBe(names[top?.[0] ?? '']);
  });
});

describe('growth/', () => {
  it.each([
    ['day', 1],
    ['week', 7],
    ['month', 30],
  ])('compares the last %s with the one before', async (period, days) => {
    const first = addDays(TODAY, 1 - days);
    const now = count(between(EVENTS, first, TODAY)).visitors;
    const before = count(between(EVENTS, addDays(first, -days), addDays(first, -1))).visitors;
    const rate = (100 * (now - before)) / before;
    expect(await api.json(Growth, `growth/?period=${period}`)).toEqual({
      growth_rate: oneDecimal(rate),
      trend: Math.abs(rate) < 1 ? 'stable' : rate > 0 ? 'increasing' : 'decreasing',
      current_period: now,
      previous_period: before,
    });
  });
});

describe('VisitorAnalytics without HTTP', () => {
  const at = (now: string, zone = 'UTC') =>
    new VisitorAnalytics({ ...stores, calendar: calendar(zone), now: () => Date.parse(now) });

  it('calls growth from nothing 100 %, and nothing from nothing stable', async () => {
    const current_period = count(between(EVENTS, '2024-11-20', '2024-12-19')).visitors;
    expect(await at('2024-12-19T12:00:00Z').getGrowth({ period: 'month' })).toEqual({
      growth_rate: 100,
      trend: 'increasing',
      current_period,
      previous_period: 0,
    });
    expect(await at('2020-01-01T12:00:00Z').getGrowth()).toEqual({
      growth_rate: 0,
      trend: 'stable',
      current_period: 0,
      previous_period: 0,
    });
  });

  it('knows what day it is in the reporting zone', () => {
    expect(at('2025-03-15T02:00:00Z', 'America/Toronto').today()).toBe('2025-03-14');
  });

  it('refuses days that are not in the calendar', async () => {
    await expect(
      at('2025-03-15T02:00:00Z').getUniqueVisitors({ start_date: '2025-02-30' }),
    ).rejects.toMatchObject({
      code: 'invalid_parameter',
      field: 'start_date',
      rule: 'calendar_date',
    });
  });
});

describe('realtime/', () => {
  it('counts who is online, on the site and in a community', async () => {
    await api.tracker.addVisitor('a');
    await api.tracker.addVisitor('b', COMMUNITY);
    const timestamp = new Date(NOW).toISOString();
    expect(await api.json(Realtime, 'realtime/')).toEqual({ count: 2, timestamp });
    expect(await api.json(Realtime, `realtime/?community_id=${COMMUNITY.toUpperCase()}`)).toEqual({
      count: 1,
      timestamp,
    });
  });
});

describe('communities/ and divisions/', () => {
  const names = async (query: string) =>
    (await api.json(Divisions, `divisions/${query}`)).map(({ division_name }) => division_name);

  it('have the reference data by name', async () => {
    expect(await api.json(Communities, 'communities/')).toEqual(
      COMMUNITIES.map(({ id, name, divisionId }) => ({
        community_id: id,
        community_name: name,
        division_id: divisionId,
      })),
    );
    const [montreal] = DIVISIONS;
    expect(
      (await api.json(Divisions, 'divisions/')).find(({ division_id }) => division_id === montreal?.id),
    ).toEqual({
      division_id: montreal?.id,
      division_name: 'Montréal',
      division_type: 'city',
    });
    expect(await names('')).toEqual(['Canada', 'Laval', 'Montréal', 'Québec']);
  });

  it('search for a part of the name, in whatever case', async () => {
    expect(await names('?search=AL')).toEqual(['Laval', 'Montréal']);
    expect(await names('?search=r%C3%89al')).toEqual(['Montréal']);
    expect(await names(`?search=${encodeURIComponent('e\u0301b')}`)).toEqual(['Québec']);
    expect(await names('?search=%25')).toEqual([]);
    expect(await names('?search=')).toHaveLength(4);
  });

  it('have as many as they are asked for', async () => {
    expect(await names('?limit=2')).toEqual(['Canada', 'Laval']);
    expect(await names('?search=a&limit=1')).toEqual(['Canada']);
  });
});

describe('settings/', () => {
  it('says by whose days is counted, what day it is there, and how long what is kept', async () => {
    expect(await api.json(Settings, 'settings/')).toEqual({
      time_zone: 'UTC',
      today: TODAY,
      raw_days: 400,
      realtime_ttl_seconds: 3_600,
      ranges_count: 'visitors',
    });
  });

  it('says where visitors are others on each day', async () => {
    const daily = await startApi(stores, { now: () => NOW, config: { visitorSalt: 'daily' } });
    expect(await daily.json(Settings, 'settings/')).toMatchObject({ ranges_count: 'visitor_days' });
    await daily.close();
  });
});

describe('communities/{id}/', () => {
  it('counts visitors of its own division and of others by day', async () => {
    const events = between(EVENTS, '2025-02-01', '2025-02-28').filter(
      (event) => event.community_id === COMMUNITY,
    );
    const byDay = groupBy(events, (event) => `${event.day} ${event.relation}`);
    const days = daysBetween('2025-02-01', '2025-02-28').map((date) => ({
      date,
      same_division_visitors: count(byDay.get(`${date} same`) ?? []).visitors,
      cross_division_visitors: count(byDay.get(`${date} cross`) ?? []).visitors,
    }));
    const path = `communities/${COMMUNITY}/?start_date=2025-02-01&end_date=2025-02-28`;
    expect(await api.json(CommunityDays, path)).toEqual({
      community_id: COMMUNITY,
      community_name: 'Cyclists',
      days,
    });
  });

  it('has no name for a community that the reference data does not know', async () => {
    const id = '99999999-0000-4000-8000-000000000000';
    expect(await api.json(CommunityDays, `communities/${id}/?start_date=${TODAY}`)).toEqual({
      community_id: id,
      community_name: null,
      days: [{ date: TODAY, same_division_visitors: 0, cross_division_visitors: 0 }],
    });
  });
});
