/** Numbers, days and instants as the reader's locale writes them. */

const DAY_MS = 86_400_000;

const number = new Intl.NumberFormat();
const compactNumber = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const oneDigit = { minimumFractionDigits: 1, maximumFractionDigits: 1 } as const;
const decimal = new Intl.NumberFormat(undefined, oneDigit);
const percentage = new Intl.NumberFormat(undefined, { ...oneDigit, style: 'percent' });
const signedPercentage = new Intl.NumberFormat(undefined, {
  ...oneDigit,
  style: 'percent',
  signDisplay: 'exceptZero',
});

export const count = (value: number): string => number.format(value);
/** `12.3K`, for axes. */
export const compact = (value: number): string => compactNumber.format(value);
export const oneDecimal = (value: number): string => decimal.format(value);
/** @param percent 12.5 for 12.5 % */
export const percent = (percent: number): string => percentage.format(percent / 100);
/** With its sign. @param percent 12.5 for 12.5 % */
export const change = (percent: number): string => signedPercentage.format(percent / 100);

/** The largest unit that it is at least two of: `3 hours`. */
export function duration(seconds: number): string {
  const units = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
  ] as const;
  const [unit, size] = units.find(([, size]) => seconds >= 2 * size) ?? (['second', 1] as const);
  return new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit,
    unitDisplay: 'long',
    maximumFractionDigits: 0,
  }).format(seconds / size);
}

const formats = new Map<string, Intl.DateTimeFormat>();

function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify(options);
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(undefined, options);
  formats.set(key, made);
  return made;
}

/** A day is the same day wherever the reader is. */
const instantOf = (day: string) => new Date(`${day}T00:00:00Z`);

/** `3 Jan`. @param day `YYYY-MM-DD` */
export const shortDay = (day: string): string =>
  dateFormat({ day: 'numeric', month: 'short', timeZone: 'UTC' }).format(instantOf(day));

/** `3 – 9 Jan 2025`. @param first `YYYY-MM-DD` */
export const days = (first: string, last: string): string =>
  dateFormat({ day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' }).formatRange(
    instantOf(first),
    instantOf(last),
  );

/** `14:05`, in a zone. @param instant ISO 8601, or ms since the epoch */
export const clock = (instant: string | number, timeZone: string): string =>
  dateFormat({ hour: '2-digit', minute: '2-digit', timeZone }).format(new Date(instant));

/** `14:05:09`, in a zone. */
export const clockWithSeconds = (instant: string | number, timeZone: string): string =>
  dateFormat({ hour: '2-digit', minute: '2-digit', second: '2-digit', timeZone }).format(new Date(instant));

/** The day too where it is not today's: `3 Jan, 14:05`. */
export function moment(instant: string, timeZone: string, now: number): string {
  const recent = now - Date.parse(instant) < DAY_MS;
  return recent ? clock(instant, timeZone) : dayAndClock(instant, timeZone);
}

export const dayAndClock = (instant: string, timeZone: string): string =>
  dateFormat({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', timeZone }).format(
    new Date(instant),
  );

/** Of a bucket of trends: an hour, a day, a Monday, a month. */
export function bucket(label: string, timeZone: string): string {
  if (label.includes('T')) return dayAndClock(label, timeZone);
  if (label.length === 'YYYY-MM'.length) {
    return dateFormat({ month: 'short', year: 'numeric', timeZone: 'UTC' }).format(instantOf(`${label}-01`));
  }
  return shortDay(label);
}
