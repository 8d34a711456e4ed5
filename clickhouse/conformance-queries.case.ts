/** What the named queries must answer, compared with a pass over all events. */
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it } from 'vitest';
import { type AnalyticsStore, type EventRow, NIL_UUID } from './port.ts';
import type { QueryName, QueryParams, QueryRow } from './queries.ts';
import { random, randomRange, reference, uuid } from './reference.case.ts';

export const at = (day: string, hour = 12) => Date.parse(`${day}T00:00:00Z`) + hour * 3_600_000;
export const siteOn = (day: string) => ({
  first_day: day,
  last_day: day,
  community_id: NIL_UUID,
  division_id: NIL_UUID,
});

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

    it('counts the visitors of a range, filtered by community and division', async () => {
      for (const range of ranges(12)) await check('visitors', range, expected.visitors(range));
    });

    it('ranks known divisions', async () => {
      for (const { first_day, last_day } of ranges(4)) {
        const params = { first_day, last_day, limit: 4 };
        await check('divisions', params, expected.divisions(params));
      }
    });

    it('counts by type of division', async () => {
      for (const { first_day, last_day } of ranges(4)) {
        await check(
          'division_types',
          { first_day, last_day },
          expected.division_types({ first_day, last_day }),
        );
      }
    });

    it('ranks known countries', async () => {
      for (const { first_day, last_day } of ranges(4)) {
        const params = { first_day, last_day, limit: 2 };
        await check('countries', params, expected.countries(params));
      }
    });

    it('counts by hour, day, week from Monday, and month', async () => {
      for (const { division_id: _, ...range } of ranges(4)) {
        await check('trends_by_hour', range, expected.trends_by_hour(range));
        await check('trends_by_day', range, expected.trends_by_day(range));
        await check('trends_by_week', range, expected.trends_by_week(range));
        await check('trends_by_month', range, expected.trends_by_month(range));
      }
    });

    it('pages through pages, most visited first', async () => {
      for (const { first_day, last_day } of ranges(3)) {
        for (const offset of [0, 7]) {
          const params = { first_day, last_day, limit: 7, offset };
          await check('pages', params, expected.pages(params));
        }
      }
    });

    it('tells visitors of the own division from those of others, by day of a community', async () => {
      for (const { first_day, last_day } of ranges(4)) {
        const params = { first_day, last_day, community_id: uuid(1, 2) };
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
      const range = { ...siteOn('2020-01-01') };
      await check('visitors', range, [{ visitors: 0, authenticated: 0, page_views: 0 }]);
      await check('trends_by_day', range, []);
      await check('divisions', { ...range, limit: 10 }, []);
    });

    it('keeps the parameters of queries apart that run at the same time', async () => {
      const answers = await Promise.all(ranges(40).map((range) => store().read('visitors', range)));
      expect(answers).toEqual(ranges(40).map((range) => expected.visitors(range)));
    });

    it('answers the same as an Arrow stream', async () => {
      const params = { first_day: '2026-10-30', last_day: '2026-11-03', community_id: NIL_UUID };
      const table = tableFromIPC(await store().readArrow('trends_by_day', params));
      const rows = table.toArray().map((row) => ({
        bucket: row.bucket,
        visitors: Number(row.visitors),
        authenticated: Number(row.authenticated),
        page_views: Number(row.page_views),
      }));
      expect(rows).toEqual(expected.trends_by_day(params));
    });

    it('refuses a parameter that is not a day, a UUID or an integer', async () => {
      const range = { ...siteOn('2026-11-01'), community_id: "' OR 1" };
      await expect(store().read('visitors', range)).rejects.toMatchObject({
        code: 'failed',
        retryable: false,
      });
    });
  });
}

export function sorted<T>(rows: readonly T[]): T[] {
  return [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}
