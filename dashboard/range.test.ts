import { describe, expect, test } from 'vitest';
import {
  changeOf,
  DEFAULT_FILTERS,
  daysIn,
  type Filters,
  filtersFrom,
  intervalFor,
  intervalsFor,
  periodBefore,
  queryOf,
  rangeOf,
} from './range.ts';

const COMMUNITY = '2235c54b-788a-5af8-85f4-e569e620744f';

describe('the days', () => {
  test('of a preset end today, of a choice do not move', () => {
    expect(rangeOf({ preset: 'today' }, '2026-03-01')).toEqual({
      start_date: '2026-03-01',
      end_date: '2026-03-01',
    });
    expect(rangeOf({ preset: '7d' }, '2026-03-01')).toEqual({
      start_date: '2026-02-23',
      end_date: '2026-03-01',
    });
    const chosen = { start_date: '2026-01-01', end_date: '2026-01-31' };
    expect(rangeOf(chosen, '2026-03-01')).toEqual(chosen);
  });

  test('are compared with as many just before', () => {
    expect(periodBefore({ start_date: '2024-03-01', end_date: '2024-03-01' })).toEqual({
      start_date: '2024-02-29',
      end_date: '2024-02-29',
    });
    const range = { start_date: '2026-01-01', end_date: '2026-01-31' };
    expect(periodBefore(range)).toEqual({ start_date: '2025-12-01', end_date: '2025-12-31' });
    expect(daysIn(periodBefore(range))).toBe(daysIn(range));
  });

  test.each([
    ['2026-03-01', '2026-03-01', 'hour', ['hour', 'day']],
    ['2026-02-01', '2026-03-01', 'day', ['hour', 'day', 'week']],
    ['2025-03-01', '2026-03-01', 'week', ['day', 'week', 'month']],
    ['2018-03-01', '2026-03-01', 'month', ['week', 'month']],
  ] as const)(
    'from %s to %s are drawn by %s unless another of %j is chosen',
    (start_date, end_date, best, all) => {
      const range = { start_date, end_date };
      expect(intervalFor(range, undefined, true)).toBe(best);
      expect(intervalsFor(range, true)).toEqual(all);
      for (const interval of all) expect(intervalFor(range, interval, true)).toBe(interval);
    },
  );

  test('are not drawn by hour where hours are not counted', () => {
    const day = { start_date: '2026-03-01', end_date: '2026-03-01' };
    expect(intervalsFor(day, false)).toEqual(['day']);
    expect(intervalFor(day, 'hour', false)).toBe('day');
  });
});

describe('the address of the page', () => {
  test.each<[string, Partial<Filters>]>([
    ['', {}],
    ['?range=12m', { choice: { preset: '12m' } }],
    [
      `?from=2026-01-01&to=2026-01-31&community=${COMMUNITY}&division=${COMMUNITY}&interval=week&compare=no`,
      {
        choice: { start_date: '2026-01-01', end_date: '2026-01-31' },
        communityId: COMMUNITY,
        divisionId: COMMUNITY,
        interval: 'week',
        compare: false,
      },
    ],
  ])('says what is chosen, and brings it back: %s', (query, change) => {
    const filters = { ...DEFAULT_FILTERS, ...change };
    expect(queryOf(filters)).toBe(query);
    expect(filtersFrom(query)).toEqual(filters);
  });

  test.each([
    '?range=3d',
    '?from=2026-02-30&to=2026-03-01',
    '?from=2026-03-02&to=2026-03-01',
    '?from=2026-03-01',
    '?community=everybody&division=none&interval=century&compare=maybe',
  ])('is as by default where it is not understood: %s', (query) => {
    expect(filtersFrom(query)).toEqual(DEFAULT_FILTERS);
  });
});

test('a change is in percent, and there is none from nothing', () => {
  expect(changeOf(150, 100)).toBe(50);
  expect(changeOf(50, 100)).toBe(-50);
  expect(changeOf(50, 0)).toBeUndefined();
  expect(changeOf(50, undefined)).toBeUndefined();
});
