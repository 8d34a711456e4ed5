/** Does something grow while the load stays? */

/** Samples below which nothing can be said. */
const ENOUGH = 8;

/** Percent that the median of the last quarter is above that of the second: the first is for warming up. */
export function growthOf(samples: readonly number[]): number {
  if (samples.length < ENOUGH) return 0;
  const quarter = Math.floor(samples.length / 4);
  const before = median(samples.slice(quarter, 2 * quarter));
  const after = median(samples.slice(-quarter));
  return before === 0 ? 0 : (100 * (after - before)) / before;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
