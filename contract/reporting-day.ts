/**
 * The reporting calendar: which day and hour an instant belongs to in `ANALYTICS_TIMEZONE`.
 * Days are `YYYY-MM-DD`; instants are milliseconds since the epoch.
 */

const MINUTE = 60_000;
const QUARTER_HOUR = 15 * MINUTE;
export const DAY = 24 * 60 * MINUTE;

export interface Calendar {
  readonly timeZone: string;
  dayOf(instant: number): string;
  /** First instant of the local hour that holds `instant`. */
  hourOf(instant: number): number;
  /** First instant of a day. */
  startOf(day: string): number;
}

/** @throws RangeError when the zone is unknown */
export function calendar(timeZone: string): Calendar {
  const format = new Intl.DateTimeFormat('en-US-u-ca-iso8601-nu-latn', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });

  // Every zone's offset changes on a quarter of an hour, so one look-up serves all instants of a quarter.
  const offsets = new Map<number, number>();
  const MAX_CACHED_OFFSETS = 10_000;

  // Nearly always the same one is asked for again.
  let latestOffset = { quarter: Number.NaN, offset: 0 };
  let latestDay = { number: Number.NaN, day: '' };

  function offsetAt(instant: number): number {
    const quarter = Math.floor(instant / QUARTER_HOUR);
    if (quarter === latestOffset.quarter) return latestOffset.offset;
    const known = offsets.get(quarter);
    if (known !== undefined) {
      latestOffset = { quarter, offset: known };
      return known;
    }
    const at = quarter * QUARTER_HOUR;
    const part: Record<string, number> = {};
    for (const { type, value } of format.formatToParts(at)) part[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = part;
    const offset = Date.UTC(year, month - 1, day, hour, minute, second) - at;
    if (offsets.size >= MAX_CACHED_OFFSETS) offsets.clear();
    offsets.set(quarter, offset);
    return offset;
  }

  const local = (instant: number) => instant + offsetAt(instant);

  return {
    timeZone,
    dayOf(instant) {
      const number = Math.floor(local(instant) / DAY);
      if (number !== latestDay.number)
        latestDay = { number, day: new Date(number * DAY).toISOString().slice(0, 10) };
      return latestDay.day;
    },
    hourOf: (instant) => {
      const intoTheHour = ((local(instant) % (60 * MINUTE)) + 60 * MINUTE) % (60 * MINUTE);
      return instant - intoTheHour;
    },
    startOf: (day) => {
      const midnight = Date.parse(`${day}T00:00:00Z`);
      // The offset before midnight, then the one after: they differ where a clock changes at midnight.
      const guess = midnight - offsetAt(midnight - offsetAt(midnight));
      if (local(guess) === midnight && local(guess - 1) === midnight - 1) return guess;
      for (let at = guess - 2 * 60 * MINUTE; at <= guess + 2 * 60 * MINUTE; at += QUARTER_HOUR) {
        if (new Date(local(at)).toISOString().slice(0, 10) === day) return at;
      }
      return guess;
    },
  };
}

/** `day` moved by `n` days. */
export function addDays(day: string, n: number): string {
  return new Date(Date.parse(`${day}T00:00:00Z`) + n * DAY).toISOString().slice(0, 10);
}

/** Every day from `first` to `last`, both included. */
export function daysBetween(first: string, last: string): string[] {
  const days: string[] = [];
  for (let day = first; day <= last; day = addDays(day, 1)) days.push(day);
  return days;
}
