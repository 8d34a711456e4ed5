/** What the named queries must answer, compared with a pass over all events. */
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { type AnalyticsStore, type EventRow, NIL_UUID } from './port.ts';
import type { QueryName, QueryParams, QueryRow } from './queries.ts';
import { keysOf, LOOKED_UP, RANKED, random, randomRange, reference, sorted, uuid } from './reference.case.ts';

export const at = (day: string, hour = 12) => Date.parse(`${day}T00:00:00Z`) + hour * 3_600_000;
/** Of a day, from the views. */
export const siteOn = (day: string) => ({ day, community_id: NIL_UUID });

/** `store` holds `events`, which are of `days`. */
export function describeQueries(
  store: () => AnalyticsStore,
  events: readonly EventRow[],
  days: readonly string[],
  seed: number,
): void {
  const expected = reference(events);
  const ranges = (count: number) => {
    const next = random(seed + 1);
    return Array.from({ length: count }, () => randomRange(next, days));
  };

  describe('queries, compared with a pass over all events', () => {
    async function check<N extends QueryName>(query: N, params: QueryParams<N>, rows: QueryRow<N>[]) {
      expect(await store().read(query, params), `${query} ${JSON.stringify(params)}`).toEqual(rows);
    }

    it.each(LOOKED_UP)('counts the visitors of a range by %s', async (dimension) => {
      const keys = keysOf(events, dimension);
      for (const [n, range] of ranges(12).entries()) {
        const params = { ...range, dimension, key: keys[n % keys.length] ?? '' };
        await check('visitors', params, expected.visitors(params));
      }
    });

    it.each(RANKED)('ranks by %s', async (dimension) => {
      for (const range of ranges(6)) {
        for (const [limit, offset] of [
          [4, 0],
          [7, 7],
          [1_000, 0],
        ] as const) {
          const params = { ...range, dimension, limit, offset };
          await check('ranking', params, expected.ranking(params));
        }
      }
    });

    async function checkBuckets<N extends 'trends' | 'trends_hourly'>(
      query: N,
      params: QueryParams<N>,
      rows: QueryRow<N>[],
    ) {
      const answer = await store().read(query, params);
      expect(sorted(answer), `${query} ${JSON.stringify(params)}`).toEqual(sorted(rows));
    }

    it.each(['day', 'week', 'month'] as const)('counts by %s, new visitors apart', async (interval) => {
      for (const range of ranges(6)) {
        for (const [dimension, key] of [
          ['site', ''],
          ['community', uuid(1, 2)],
        ] as const) {
          const params = { ...range, dimension, key, interval };
          await checkBuckets('trends', params, expected.trends(params));
        }
      }
    });

    it('counts by hour, new visitors apart', async () => {
      for (const range of ranges(3)) {
        const site = { ...range, dimension: 'hour', prefix: '' } as const;
        await checkBuckets('trends_hourly', site, expected.trends_hourly(site));
        const community = { ...range, dimension: 'community_hour', prefix: `${uuid(1, 2)}/` } as const;
        await checkBuckets('trends_hourly', community, expected.trends_hourly(community));
      }
    });

    it('follows the visitors who were new in a week', async () => {
      for (const weeks of [0, 2, 8]) {
        const params = { first_week: '2026-10-19', last_week: '2026-11-09', last_day: '2026-11-11', weeks };
        await check('cohorts', params, expected.cohorts(params));
      }
    });

    it('answers for the open day from the views', async () => {
      const day = days.at(-1) ?? '';
      for (const community_id of [NIL_UUID, uuid(1, 2)]) {
        await check('today_visitors', { day, community_id }, expected.today_visitors({ day, community_id }));
        const params = { day, community_id, division_id: uuid(2, 3) };
        await check('today_division_visitors', params, expected.today_division_visitors(params));
      }
      await check('today_divisions', { day, limit: 4 }, expected.today_divisions({ day, limit: 4 }));
      const pages = { day, limit: 7, offset: 7 };
      await check('today_pages', pages, expected.today_pages(pages));
    });

    it('tells visitors of the own division from those of others, by day of a community', async () => {
      for (const range of ranges(4)) {
        const params = { ...range, community_id: uuid(1, 2) };
        await check('community_days', params, expected.community_days(params));
      }
    });

    it('lists the visitors of a day by community', async () => {
      const rows = await store().read('visitors_of_day', { day: '2026-11-01' });
      expect(sorted(rows)).toEqual(sorted(expected.visitors_of_day({ day: '2026-11-01' })));
    });

    it('lists who has been seen lately and has not left', async () => {
      const since = at('2026-11-11', 7);
      const rows = await store().read('recently_seen', { since });
      expect(rows.length).toBeGreaterThan(10);
      expect(sorted(rows)).toEqual(sorted(expected.recently_seen({ since })));
    });

    it('answers zeros, or no rows, for days without events', async () => {
      const range = { first_day: '2020-01-01', last_day: '2020-02-01' };
      const site = { ...range, dimension: 'site', key: '' } as const;
      await check('visitors', site, [{ visitors: 0, authenticated: 0, page_views: 0 }]);
      await check('trends', { ...site, interval: 'day' }, []);
      await check('ranking', { ...range, dimension: 'page', limit: 10, offset: 0 }, []);
    });

    it('keeps the parameters of queries apart that run at the same time', async () => {
      const all = ranges(40).map((range) => ({ ...range, dimension: 'site', key: '' }) as const);
      const answers = await Promise.all(all.map((params) => store().read('visitors', params)));
      expect(answers).toEqual(all.map((params) => expected.visitors(params)));
    });

    it('answers the same as an Arrow stream', async () => {
      const range = { first_day: '2026-10-30', last_day: '2026-11-03' };
      const params = { ...range, dimension: 'site', key: '', interval: 'day' } as const;
      const table = tableFromIPC(await store().readArrow('trends', params));
      const rows = table.toArray().map((row) => ({
        bucket: row.bucket,
        visitors: Number(row.visitors),
        authenticated: Number(row.authenticated),
        new_visitors: Number(row.new_visitors),
        page_views: Number(row.page_views),
      }));
      expect(sorted(rows)).toEqual(sorted(expected.trends(params)));
    });

    it('refuses a parameter that could be more than a value', async () => {
      const params = { day: '2026-11-01', community_id: "' OR 1" };
      await expect(store().read('today_visitors', params)).rejects.toMatchObject({
        code: 'failed',
        retryable: false,
      });
    });
  });
}
