/** What every engine of the analytics store must do. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { daysBetween } from '../contract/reporting-day.ts';
import { at, describeQueries, siteOn } from './conformance-queries.case.ts';
import { type AnalyticsStore, type EventRow, NIL_UUID, placeOf } from './port.ts';
import { eventRow, randomEvents, reference, sorted, uuid } from './reference.case.ts';

export interface Opened {
  store: AnalyticsStore;
  /** Runs a statement behind the store's back. */
  sql(statement: string): Promise<Record<string, unknown>[]>;
  /** Name of the table in which a server keeps the rows of `footfall.TABLE`. */
  local(table: string): string;
  /** Closes the store and opens it again. */
  reopen(): Promise<AnalyticsStore>;
  dispose(): Promise<void>;
}

export function describeAnalyticsStore(name: string, open: () => Promise<Opened>): void {
  const seed = Date.now() % 2 ** 31;

  describe(`${name} (seed ${seed})`, () => {
    const days = daysBetween('2026-10-24', '2026-11-12');
    const events = randomEvents(seed, 4_000, days);
    const expected = reference(events);
    let opened: Opened;
    let store: AnalyticsStore;

    beforeAll(async () => {
      opened = await open();
      store = opened.store;
      for (const month of ['2026-10', '2026-11']) {
        const rows = events.filter((event) => event.day.startsWith(month));
        for (let from = 0; from < rows.length; from += 700) await store.insert(rows.slice(from, from + 700));
      }
      await store.updateIntervals({ lastDay: '2026-11-08' });
    });
    afterAll(() => opened.dispose());

    describeQueries(() => store, events, days, seed);

    describe('insert', () => {
      it('brings every text back as it was', async () => {
        const texts = [
          "o'clock",
          '"quoted"',
          'back\\slash \\n',
          'line\nbreak\r\n;\n\nSELECT 1;',
          'tab\t',
          '\u0000',
          '日本 😀 é',
          '{x}',
        ];
        const rows = texts.map((title, n) =>
          eventRow({ happened_at: at('2025-01-01'), log_index: n, title, page: title }),
        );
        await store.insert(rows);
        const stored = await opened.sql(
          "SELECT title FROM footfall.event WHERE day = '2025-01-01' ORDER BY log_index",
        );
        expect(stored.map(({ title }) => title)).toEqual(texts);
        const pages = await store.read('today_pages', { day: '2025-01-01', limit: 100, offset: 0 });
        expect(pages.map(({ key }) => key).sort()).toEqual([...texts].sort());
      });

      it('keeps every column', async () => {
        const row: EventRow = {
          ...eventRow({ happened_at: at('2025-01-02') + 123, received_at: at('2025-01-03') + 456 }),
          ...{
            log_partition: 1023,
            log_offset: 2 ** 40,
            log_index: 499,
            event_id: uuid(9, 1),
            type: 'identify',
          },
          ...{ visitor: '18446744073709551615', session_id: 's', user_id: 'u', community_id: uuid(1, 1) },
          ...{
            division_id: uuid(2, 1),
            division_type: 'city',
            relation: 'cross',
            page: '/p',
            url: '/p?ref=1',
          },
          ...{ referrer: 'r', title: 't', language: 'l', screen: '1x1', country: 'ID' },
          ...{ browser: 'b', os: 'o', device: 'd' },
        };
        await store.insert([row]);
        const columns = Object.keys(row).map((column) => {
          if (column.endsWith('_at') || column === 'hour')
            return `toString(toUnixTimestamp64Milli(${column})) AS ${column}_`;
          return `toString(${column}) AS ${column}_`;
        });
        const [stored] = await opened.sql(`SELECT ${columns} FROM footfall.event WHERE day = '2025-01-02'`);
        expect(stored).toEqual(
          Object.fromEntries(Object.entries(row).map(([column, value]) => [`${column}_`, String(value)])),
        );
      });

      it('is one part, however many rows', async () => {
        const rows = Array.from({ length: 20_000 }, (_, n) =>
          eventRow({ happened_at: at('2025-02-01'), log_offset: n }),
        );
        await store.insert(rows);
        const written = await opened.sql(
          `SELECT rows FROM system.parts WHERE database = 'footfall' AND table = '${opened.local('event')}' AND partition = '202502' AND level = 0`,
        );
        expect(written.map(({ rows }) => Number(rows))).toEqual([20_000]);
      });

      it('takes nothing of an insert of two months', async () => {
        const rows = ['2025-03-31', '2025-04-01'].map((day) => eventRow({ happened_at: at(day) }));
        await expect(store.insert(rows)).rejects.toMatchObject({ code: 'failed' });
        expect(await store.read('visitors_of_day', { day: '2025-03-31' })).toEqual([]);
      });

      it.each([
        ['a broken UUID', { event_id: 'not-a-uuid' }],
        ['half a surrogate pair', { title: 'half \ud83d' }],
        ['a day that is none', { day: '2025-05-32' }],
        ['a visitor that is not a number', { visitor: '0xff' }],
      ])('takes nothing of an insert with %s', async (_, broken) => {
        const whole = eventRow({ happened_at: at('2025-05-01') });
        await expect(store.insert([whole, { ...whole, ...broken }])).rejects.toMatchObject({
          code: 'failed',
          retryable: false,
        });
        expect(await store.read('visitors_of_day', { day: '2025-05-01' })).toEqual([]);
      });

      it('does nothing with no rows', async () => {
        await store.insert([]);
      });

      it('is unclear when a view fails, and a rebuild makes up for it', async () => {
        await opened.sql(
          `CREATE MATERIALIZED VIEW footfall.a_broken_mv TO footfall.${opened.local('page_daily')} AS
           SELECT day, page, countIf(throwIf(title = 'breaks') = 0) AS views
           FROM footfall.${opened.local('event')} GROUP BY day, page`,
        );
        const row = eventRow({
          happened_at: at('2025-06-01'),
          log_partition: 7,
          log_offset: 70,
          title: 'breaks',
        });
        await expect(store.insert([row])).rejects.toMatchObject({ code: 'unclear', retryable: true });
        await opened.sql('DROP VIEW footfall.a_broken_mv SYNC');

        expect(await store.stored({ partition: 7, firstOffset: 70, nextOffset: 71 }, '2025-06-01')).toEqual(
          new Set([placeOf(row)]),
        );
        await store.rebuildDays(['2025-06-01']);
        expect(await store.read('today_visitors', siteOn('2025-06-01'))).toEqual(
          reference([row]).today_visitors(siteOn('2025-06-01')),
        );
      });
    });

    describe('what raw knows', () => {
      const frame = (log_partition: number, log_offset: number, received_at: number, n: number) =>
        eventRow({
          happened_at: received_at,
          log_partition,
          log_offset,
          event_id: uuid(8, n),
          visitor: String(n),
        });

      beforeAll(async () => {
        const noon = at('2025-07-10');
        await store.insert([
          frame(20, 5, noon, 1),
          frame(20, 6, noon + 1_000, 2),
          frame(20, 7, noon + 2_000, 3),
          { ...frame(20, 7, noon + 2_000, 4), log_index: 1, event_id: NIL_UUID },
          frame(21, 6, noon + 1_000, 5),
        ]);
      });

      it('names the places it has of a range of offsets, in that partition and month', async () => {
        const stored = (partition: number, firstOffset: number, nextOffset: number, day = '2025-07-31') =>
          store.stored({ partition, firstOffset, nextOffset }, day);
        expect(await stored(20, 5, 6)).toEqual(new Set(['5:0']));
        expect(await stored(20, 6, 100)).toEqual(new Set(['6:0', '7:0', '7:1']));
        expect(await stored(20, 0, 5)).toEqual(new Set());
        expect(await stored(20, 8, 100)).toEqual(new Set());
        expect(await stored(22, 0, 100)).toEqual(new Set());
        expect(await stored(20, 0, 100, '2025-08-01')).toEqual(new Set());
      });

      it('lists the event ids of a partition below an offset, received since', async () => {
        const noon = at('2025-07-10');
        expect(sorted(await store.recentEventIds(20, 7, noon))).toEqual([
          { eventId: uuid(8, 1), visitor: '1', receivedAt: noon },
          { eventId: uuid(8, 2), visitor: '2', receivedAt: noon + 1_000 },
        ]);
        expect(await store.recentEventIds(20, 100, noon + 2_000)).toEqual([
          { eventId: uuid(8, 3), visitor: '3', receivedAt: noon + 2_000 },
        ]);
      });

      it('finds event ids of a partition below an offset, received since', async () => {
        const noon = at('2025-07-10');
        const ids = [1, 2, 3, 5, 6].map((n) => uuid(8, n));
        expect(await store.seenEventIds(20, 7, noon + 1, ids)).toEqual([
          { eventId: uuid(8, 2), visitor: '2', receivedAt: noon + 1_000 },
        ]);
        expect((await store.seenEventIds(20, 100, noon, ids)).map(({ eventId }) => eventId).sort()).toEqual(
          ids.slice(0, 3),
        );
        expect(await store.seenEventIds(20, 100, noon, [])).toEqual([]);
      });

      it('knows event ids by day, outside the ranges that are left out', async () => {
        const ids = [1, 2, 3, 5, 6].map((n) => uuid(8, n));
        expect(await store.knownEventIds(ids, ['2025-07-09', '2025-07-10'], [])).toEqual(
          new Set(ids.slice(0, 4)),
        );
        expect(await store.knownEventIds(ids, ['2025-07-09'], [])).toEqual(new Set());
        expect(await store.knownEventIds([], ['2025-07-10'], [])).toEqual(new Set());
        const except = [
          { partition: 20, firstOffset: 6, nextOffset: 8 },
          { partition: 21, firstOffset: 0, nextOffset: 6 },
        ];
        expect(await store.knownEventIds(ids, ['2025-07-10'], except)).toEqual(
          new Set([uuid(8, 1), uuid(8, 5)]),
        );
      });

      it('knows event ids among thousands', async () => {
        const ids = Array.from({ length: 2_500 }, (_, n) => uuid(8, n));
        expect((await store.knownEventIds(ids, ['2025-07-10'], [])).size).toBe(4);
      });
    });

    describe('endStrays', () => {
      it('leaves no insert running', async () => {
        const row = eventRow({ happened_at: at('2025-08-01'), log_partition: 30, log_offset: 1 });
        let settled = false;
        const inserting = store.insert(Array.from({ length: 20_000 }, () => row)).finally(() => {
          settled = true;
        });
        await store.endStrays();
        expect(settled).toBe(true);
        await inserting;
      });

      it('does nothing where none runs', async () => {
        await store.endStrays();
      });
    });

    describe('rebuildDays', () => {
      const derived = ['page_daily', 'trend_daily', 'division_daily'];

      /** What each of them holds of a day. */
      async function everyRow(day: string) {
        const answers = derived.map((table) =>
          opened.sql(
            `SELECT '${table}' AS name, uniqExactMerge(visitor_set) AS visitors,
               uniqExactMerge(authenticated_set) AS authenticated, sum(views) AS page_views
             FROM footfall.${table} WHERE day = '${day}' HAVING visitors > 0`,
          ),
        );
        return await Promise.all(answers);
      }

      it('heals every derived table of a day and leaves other days alone', async () => {
        const [missing, doubled, other] = ['2026-11-09', '2026-11-10', '2026-11-11'] as const;
        const before = [await everyRow(missing), await everyRow(doubled)];
        for (const table of derived) {
          await opened.sql(`ALTER TABLE footfall.${opened.local(table)} DROP PARTITION '${missing}'`);
          await opened.sql(
            `INSERT INTO footfall.${table} SELECT * FROM footfall.${table} WHERE day = '${doubled}'`,
          );
          await opened.sql(`ALTER TABLE footfall.${opened.local(table)} DROP PARTITION '${other}'`);
        }
        expect([await everyRow(missing), await everyRow(doubled)]).not.toEqual(before);

        await store.rebuildDays([missing, doubled]);
        expect([await everyRow(missing), await everyRow(doubled)]).toEqual(before);
        expect((await everyRow(other)).flat()).toEqual([]);
        await store.rebuildDays([other]);
        expect(await store.read('today_visitors', siteOn(other))).toEqual(
          expected.today_visitors(siteOn(other)),
        );
      });

      it('empties a day that raw has nothing of', async () => {
        await store.insert([eventRow({ happened_at: at('2025-09-01') })]);
        await opened.sql(`ALTER TABLE footfall.${opened.local('event')} DROP PARTITION '202509'`);
        await store.rebuildDays(['2025-09-01', '2025-09-02']);
        expect((await everyRow('2025-09-01')).flat()).toEqual([]);
      });

      it('clears away what an interrupted rebuild left', async () => {
        await opened.sql('CREATE TABLE footfall.staging_page_daily_0 AS footfall.page_daily');
        await store.rebuildDays(['2025-09-03']);
        const left = await opened.sql("SELECT name FROM system.tables WHERE name LIKE 'staging%'");
        expect(left).toEqual([]);
      });
    });

    describe('keepPresence', () => {
      const MINUTE = 60_000;
      const begin = at('2026-11-11', 9);
      const COMMUNITY = uuid(1, 2);
      const history = (scope: string, minutes: number, step_minutes: number, to = begin + 10 * MINUTE) =>
        store.read('presence_history', { scope, from: to - minutes * MINUTE, to, step_minutes });
      const bySteps = async (...params: Parameters<typeof history>) =>
        Object.fromEntries(
          (await history(...params)).map(({ steps_ago, visitors }) => [steps_ago, visitors]),
        );

      beforeAll(async () => {
        for (const [minute, site, community] of [
          [0, 10, 3],
          [1, 12, 0],
          [2, 0, 0],
          [7, 40, 20],
          [9, 30, 29],
        ] as const) {
          await store.keepPresence(begin + minute * MINUTE, [
            { scope: 'site', visitors: site },
            ...(community > 0 ? [{ scope: COMMUNITY, visitors: community }] : []),
          ]);
        }
      });

      it('has the site in the minutes that were kept, and in no other', async () => {
        expect(await bySteps('site', 10, 1)).toEqual({ 9: 10, 8: 12, 7: 0, 2: 40, 0: 30 });
        expect(await bySteps('site', 3, 1)).toEqual({ 2: 40, 0: 30 });
        expect(await bySteps('site', 10, 1, begin)).toEqual({});
      });

      it('has nobody in a community without a row in a minute that was kept', async () => {
        expect(await bySteps(COMMUNITY, 10, 1)).toEqual({ 9: 3, 8: 0, 7: 0, 2: 20, 0: 29 });
        expect(await bySteps(uuid(1, 99), 10, 5)).toEqual({ 1: 0, 0: 0 });
      });

      it('has the highest of the minutes of a step', async () => {
        expect(await bySteps('site', 10, 5)).toEqual({ 1: 12, 0: 40 });
        expect(await bySteps(COMMUNITY, 10, 2)).toEqual({ 4: 3, 3: 0, 1: 20, 0: 29 });
      });

      it('keeps the highest of a minute that is kept again, in whatever order', async () => {
        const minute = at('2026-11-11', 11);
        for (const visitors of [5, 7, 6]) await store.keepPresence(minute, [{ scope: 'site', visitors }]);
        await store.keepPresence(minute, []);
        expect(await history('site', 1, 1, minute + MINUTE)).toEqual([{ steps_ago: 0, visitors: 7 }]);
      });

      it('takes thousands of communities at once', async () => {
        const minute = at('2026-11-11', 12);
        const communities = Array.from({ length: 5_000 }, (_, n) => ({ scope: uuid(7, n), visitors: n + 1 }));
        await store.keepPresence(minute, [{ scope: 'site', visitors: 9_000 }, ...communities]);
        expect(await history(uuid(7, 4_999), 1, 1, minute + MINUTE)).toEqual([
          { steps_ago: 0, visitors: 5_000 },
        ]);
      });

      it('takes nothing where one number is none', async () => {
        const minute = at('2026-11-11', 13);
        const broken = [
          { scope: 'site', visitors: 1 },
          { scope: COMMUNITY, visitors: Number.NaN },
        ];
        await expect(store.keepPresence(minute, broken)).rejects.toMatchObject({ code: 'failed' });
        expect(await history('site', 1, 1, minute + MINUTE)).toEqual([]);
      });
    });

    it('keeps its rows when it is opened again, and runs no migration twice', async () => {
      const range = siteOn('2026-11-10');
      const migrations = () => opened.sql('SELECT name, applied_at FROM footfall.migration ORDER BY name');
      const before = await migrations();
      store = await opened.reopen();
      expect(await store.read('today_visitors', range)).toEqual(expected.today_visitors(range));
      expect(await migrations()).toEqual(before);
    });

    it('answers a ping until it is closed', async () => {
      await store.ping();
      await store.close();
      await expect(store.ping()).rejects.toMatchObject({ code: 'unavailable', retryable: true });
      await expect(store.insert([eventRow({ happened_at: at('2025-01-01') })])).rejects.toMatchObject({
        code: 'unavailable',
      });
      store = await opened.reopen();
    });
  });
}
