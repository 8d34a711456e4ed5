/** Slices of the visitors and stretches of days, so that one statement has a bounded amount of work. */
import { addDays } from '../contract/reporting-day.ts';

const VISITORS = 2n ** 64n;

/** Visitors from the first to the last, decimal UInt64. */
export interface Slice {
  first_visitor: string;
  last_visitor: string;
}

/** All visitors, cut into `count` ranges of the same size: their numbers are spread evenly. */
export function slices(count: number): Slice[] {
  const from = (n: number) => (VISITORS * BigInt(n)) / BigInt(count);
  return Array.from({ length: count }, (_, n) => ({
    first_visitor: String(from(n)),
    last_visitor: String(from(n + 1) - 1n),
  }));
}

/** The days from `first` to `last`, cut where months begin. */
export function monthsOf(first: string, last: string): { first_day: string; last_day: string }[] {
  const stretches: { first_day: string; last_day: string }[] = [];
  for (let day = first; day <= last; ) {
    const end = lastOfMonth(day);
    stretches.push({ first_day: day, last_day: end < last ? end : last });
    day = addDays(end, 1);
  }
  return stretches;
}

export function firstOfMonth(day: string): string {
  return `${day.slice(0, 7)}-01`;
}

function lastOfMonth(day: string): string {
  return addDays(firstOfMonth(addDays(firstOfMonth(day), 31)), -1);
}
