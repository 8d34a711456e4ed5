/** Of milliseconds, in hundredths. */
export interface Spread {
  p50: number;
  p99: number;
  max: number;
}

export function spread(all: readonly number[]): Spread {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number) => hundredths(sorted[Math.ceil(share * (sorted.length - 1))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

export const hundredths = (value: number) => Math.round(value * 100) / 100;
