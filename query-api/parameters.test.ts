import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';

let stores: Stores;
let api: TestApi;
beforeAll(async () => {
  stores = await openStores();
  api = await startApi(stores, { now: () => Date.parse('2025-03-15T12:00:00Z') });
});
afterAll(async () => {
  await api.close();
  await stores.close();
});

describe('a parameter', () => {
  it.each([
    ['visitors/?start_date=2025-1-1', 'start_date', 'pattern'],
    ['visitors/?start_date=yesterday', 'start_date', 'pattern'],
    ['visitors/?start_date=', 'start_date', 'pattern'],
    ['visitors/?start_date=2025-02-30', 'start_date', 'calendar_date'],
    ['visitors/?end_date=2025-13-01', 'end_date', 'calendar_date'],
    ['visitors/?end_date=2100-01-01', 'end_date', 'date_bounds'],
    ['visitors/?start_date=0001-01-01', 'start_date', 'date_bounds'],
    ['visitors/?start_date=2025-02-02&end_date=2025-02-01', 'start_date', 'start_not_after_end'],
    ['visitors/?start_date=2025-03-16', 'start_date', 'start_not_after_end'],
    ['visitors/?start_date=2015-03-14&end_date=2025-03-15', 'start_date', 'max_range'],
    ['visitors/?start_date=2025-01-01&start_date=2025-01-02', 'start_date', 'single_value'],
    ['visitors/?community_id=42', 'community_id', 'pattern'],
    ['visitors/?division_id=20000000-0000-4000-8000', 'division_id', 'pattern'],
    ['division-breakdown/?limit=0', 'limit', 'minimum'],
    ['division-breakdown/?limit=1001', 'limit', 'maximum'],
    ['division-breakdown/?limit=ten', 'limit', 'type'],
    ['division-breakdown/?limit=1.5', 'limit', 'type'],
    ['division-breakdown/?limit=', 'limit', 'type'],
    ['trends/?interval=year', 'interval', 'enum'],
    ['trends/?format=csv', 'format', 'enum'],
    ['pipeline/?end_date=2025-02-30', 'end_date', 'calendar_date'],
    ['pipeline/?end_date=0000-00-00', 'end_date', 'calendar_date'],
    ['conversions/?end_date=2025-02-29', 'end_date', 'calendar_date'],
    ['demographics/?start_date=x', 'start_date', 'pattern'],
    ['realtime/?community_id=x', 'community_id', 'pattern'],
    ['growth/?period=year', 'period', 'enum'],
    ['export/?start_date=2010-01-01', 'start_date', 'max_range'],
    ['export/?format=xlsx', 'format', 'enum'],
    ['pages/?page=0', 'page', 'minimum'],
    ['pages/?page_size=5000', 'page_size', 'maximum'],
    ['trends/?interval=hour&division_id=10000000-0000-4000-8000-aaaaaaaaaaa1', 'division_id', 'not_by_hour'],
    ['export/?division_id=x', 'division_id', 'pattern'],
    [`communities/?search=${'x'.repeat(101)}`, 'search', 'maxLength'],
    ['communities/?limit=0', 'limit', 'minimum'],
    ['divisions/?limit=1001', 'limit', 'maximum'],
    ['communities/42/', 'id', 'pattern'],
    ['visitors/?startdate=2025-01-01&end_date=2025-02-01', 'startdate', 'unknown'],
    ['visitors/today/?start_date=2025-01-01', 'start_date', 'unknown'],
    ['export/?limit=10', 'limit', 'unknown'],
    ['communities/20000000-0000-4000-8000-aaaaaaaaaaa1/?end_date=x', 'end_date', 'pattern'],
  ])('that breaks a rule is refused, naming both: %s', async (path, field, rule) => {
    const response = await api.get(path);
    expect(response.status).toBe(400);
    const message = expect.stringMatching(new RegExp(`^${field} must`));
    expect(await response.json()).toEqual({ error: 'invalid_parameter', message, field, rule });
  });

  it.each([
    'visitors/?start_date=2024-02-29&end_date=2024-02-29',
    'visitors/?start_date=2015-03-15&end_date=2025-03-15',
    'visitors/?start_date=2025-03-01&end_date=2026-01-01',
    'communities/20000000-0000-4000-8000-AAAAAAAAAAA1/?id=ignored',
  ])('is taken: %s', async (path) => {
    expect((await api.get(path)).status).toBe(200);
  });

  it('says in words what is possible', async () => {
    const response = await api.get('trends/?interval=year');
    expect(await response.json()).toMatchObject({
      message: 'interval must be one of hour, day, week, month',
    });
    expect(await (await api.get('growth/?interval=day')).json()).toMatchObject({
      message: 'interval must not be given: known are period',
    });
    expect(await (await api.get('visitors/today/?day=1')).json()).toMatchObject({
      message: 'day must not be given: there are no parameters here',
    });
  });
});
