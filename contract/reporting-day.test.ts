import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addDays, calendar, DAY, daysBetween } from './reporting-day.ts';

const HOUR = DAY / 24;
const seed = Date.now() % 2 ** 31;
/** They moved across the date line and have a day less. */
const ZONES_THAT_SKIPPED_A_DAY = [
  'Pacific/Apia',
  'Pacific/Enderbury',
  'Pacific/Fakaofo',
  'Pacific/Kanton',
  'Pacific/Kiritimati',
  'Pacific/Kwajalein',
];
const ZONES = [...Intl.supportedValuesOf('timeZone'), 'UTC'].filter(
  (zone) => !ZONES_THAT_SKIPPED_A_DAY.includes(zone),
);
/** Their hours begin anew in the middle when the clock changes. */
const ZONES_WITH_HALF_HOURS_OF_SUMMER = ['Australia/Lord_Howe'];
const at = (text: string) => Date.parse(text);
const length = (zone: string, day: string) => {
  const { startOf } = calendar(zone);
  return startOf(addDays(day, 1)) - startOf(day);
};

describe('a day of the reporting zone', () => {
  it.each([
    ['UTC', '2026-03-10T00:00:00Z', '2026-03-10'],
    ['UTC', '2026-03-09T23:59:59.999Z', '2026-03-09'],
    ['America/Toronto', '2026-03-10T03:59:59.999Z', '2026-03-09'],
    ['America/Toronto', '2026-03-10T04:00:00Z', '2026-03-10'],
    ['Asia/Kathmandu', '2026-03-09T18:14:59.999Z', '2026-03-09'],
    ['Asia/Kathmandu', '2026-03-09T18:15:00Z', '2026-03-10'],
    ['Asia/Tehran', '2026-03-09T20:29:59.999Z', '2026-03-09'],
    ['Asia/Tehran', '2026-03-09T20:30:00Z', '2026-03-10'],
    ['Pacific/Kiritimati', '2026-03-09T10:00:00Z', '2026-03-10'],
    ['UTC', '1970-01-01T00:00:00Z', '1970-01-01'],
    ['America/Toronto', '1970-01-01T00:00:00Z', '1969-12-31'],
  ])('in %s holds %s: %s', (zone, instant, day) => {
    expect(calendar(zone).dayOf(at(instant))).toBe(day);
  });

  it.each([
    ['UTC', '2026-03-10', '2026-03-10T00:00:00Z'],
    ['America/Toronto', '2026-03-08', '2026-03-08T05:00:00Z'],
    ['America/Toronto', '2026-03-09', '2026-03-09T04:00:00Z'],
    ['America/Toronto', '2026-11-01', '2026-11-01T04:00:00Z'],
    ['America/Toronto', '2026-11-02', '2026-11-02T05:00:00Z'],
    ['Asia/Kathmandu', '2026-03-10', '2026-03-09T18:15:00Z'],
    ['Asia/Tehran', '2026-03-10', '2026-03-09T20:30:00Z'],
    // Midnight is skipped: the day begins at one o'clock.
    ['America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00Z'],
    // Eleven at night comes twice: the day begins after the second time.
    ['America/Sao_Paulo', '2018-02-18', '2018-02-18T03:00:00Z'],
    // Midnight comes twice, the day begins with the first.
    ['America/Havana', '2026-11-01', '2026-11-01T04:00:00Z'],
  ])('in %s: %s begins at %s', (zone, day, instant) => {
    expect(new Date(calendar(zone).startOf(day))).toEqual(new Date(instant));
  });

  it.each([
    ['America/Toronto', '2026-03-08', 23],
    ['America/Toronto', '2026-11-01', 25],
    ['America/Toronto', '2026-06-01', 24],
    ['America/Sao_Paulo', '2018-11-04', 23],
    ['America/Sao_Paulo', '2018-02-17', 25],
    ['Asia/Kathmandu', '2026-03-08', 24],
    ['Australia/Lord_Howe', '2026-10-04', 23.5],
  ])('in %s: %s has %d hours', (zone, day, hours) => {
    expect(length(zone, day)).toBe(hours * HOUR);
  });

  it(`of any zone begins where the day before ends (seed ${seed})`, () => {
    const firstDay = at('1973-01-01') / DAY;
    const lastDay = at('2037-12-31') / DAY;
    const days = fc.integer({ min: firstDay, max: lastDay }).map((n) => addDays('1970-01-01', n));
    fc.assert(
      fc.property(fc.constantFrom(...ZONES), days, (zone, day) => {
        const { dayOf, startOf } = calendar(zone);
        const start = startOf(day);
        expect([dayOf(start - 1), dayOf(start)]).toEqual([addDays(day, -1), day]);
      }),
      { seed, numRuns: 400 },
    );
  });

  it('is refused in a zone that nobody knows', () => {
    expect(() => calendar('Mars/Olympus')).toThrow(RangeError);
  });
});

describe('an hour of the reporting zone', () => {
  it.each([
    ['UTC', '2026-03-10T12:59:59.999Z', '2026-03-10T12:00:00Z'],
    ['Asia/Kathmandu', '2026-03-10T12:14:59Z', '2026-03-10T11:15:00Z'],
    ['Asia/Kathmandu', '2026-03-10T12:15:00Z', '2026-03-10T12:15:00Z'],
    ['Asia/Tehran', '2026-03-10T12:29:59Z', '2026-03-10T11:30:00Z'],
    // One in the morning comes twice: two hours, not one of twice the length.
    ['America/Toronto', '2026-11-01T05:30:00Z', '2026-11-01T05:00:00Z'],
    ['America/Toronto', '2026-11-01T06:30:00Z', '2026-11-01T06:00:00Z'],
    ['America/Toronto', '2026-03-08T07:30:00Z', '2026-03-08T07:00:00Z'],
    ['America/Toronto', '1969-07-20T20:17:40Z', '1969-07-20T20:00:00Z'],
  ])('in %s that holds %s begins at %s', (zone, instant, start) => {
    expect(new Date(calendar(zone).hourOf(at(instant)))).toEqual(new Date(start));
  });

  it(`begins at most an hour earlier, and is its own hour (seed ${seed})`, () => {
    const instants = fc.integer({ min: at('2020-01-01'), max: at('2037-12-31') });
    const zones = ZONES.filter((zone) => !ZONES_WITH_HALF_HOURS_OF_SUMMER.includes(zone));
    fc.assert(
      fc.property(fc.constantFrom(...zones), instants, (zone, instant) => {
        const { hourOf } = calendar(zone);
        const start = hourOf(instant);
        expect(instant - start).toBeGreaterThanOrEqual(0);
        expect(instant - start).toBeLessThan(HOUR);
        expect(hourOf(start)).toBe(start);
      }),
      { seed, numRuns: 400 },
    );
  });
});

describe('days', () => {
  it.each([
    ['2026-03-10', 0, '2026-03-10'],
    ['2026-12-31', 1, '2027-01-01'],
    ['2024-03-01', -1, '2024-02-29'],
    ['2026-03-01', -1, '2026-02-28'],
    ['2026-03-10', 365, '2027-03-10'],
  ])('%s moved by %d is %s', (day, n, moved) => expect(addDays(day, n)).toBe(moved));

  it('from one to another are all of them, both included', () => {
    expect(daysBetween('2026-02-27', '2026-03-02')).toEqual([
      '2026-02-27',
      '2026-02-28',
      '2026-03-01',
      '2026-03-02',
    ]);
    expect(daysBetween('2026-02-27', '2026-02-27')).toEqual(['2026-02-27']);
    expect(daysBetween('2026-02-27', '2026-02-26')).toEqual([]);
  });
});
