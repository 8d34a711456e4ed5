import { describe, expect, it } from 'vitest';
import { calendar } from '../contract/reporting-day.ts';
import { bucketLabels, labelOf } from './buckets.ts';

describe('the buckets of a trend', () => {
  it.each([
    ['a day of 23 hours', 'Europe/Paris', '2025-03-30', 23, '2025-03-29T23:00:00Z'],
    ['a day of 25 hours', 'America/Toronto', '2025-11-02', 25, '2025-11-02T04:00:00Z'],
    ['a zone off by half an hour', 'Asia/Kolkata', '2025-01-01', 24, '2024-12-31T18:30:00Z'],
    ['UTC', 'UTC', '2025-01-01', 24, '2025-01-01T00:00:00Z'],
  ])('have every hour of %s', (_what, zone, day, hours, first) => {
    const labels = bucketLabels('hour', { first_day: day, last_day: day }, calendar(zone));
    expect(labels).toHaveLength(hours);
    expect(labels[0]).toBe(first);
  });

  it('begin a week on Monday, across a turn of the year', () => {
    const range = { first_day: '2024-12-29', last_day: '2025-01-06' };
    expect(bucketLabels('week', range, calendar('UTC'))).toEqual(['2024-12-23', '2024-12-30', '2025-01-06']);
    expect(labelOf('week', '2025-01-05')).toBe('2024-12-30');
  });
});
