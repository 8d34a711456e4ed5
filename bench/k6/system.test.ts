import { describe, expect, test } from 'vitest';
import { growthOf } from './growth.ts';
import { sumOf } from './prometheus.ts';

const TEXT = `# HELP footfall_lag_frames Frames
# TYPE footfall_lag_frames gauge
footfall_lag_frames{partition="0"} 3
footfall_lag_frames{partition="1"} 4
footfall_lag_frames_other 100
process_resident_memory_bytes 1.5e8 1790000000000
`;

describe('a metric', () => {
  test('is the sum over its labels', () => expect(sumOf(TEXT, 'footfall_lag_frames')).toBe(7));
  test('may have a timestamp', () => expect(sumOf(TEXT, 'process_resident_memory_bytes')).toBe(1.5e8));
  test('that is not there is undefined', () => expect(sumOf(TEXT, 'footfall_lag')).toBeUndefined());
});

describe('growth', () => {
  test('is none while something stays', () => {
    expect(growthOf(Array.from({ length: 40 }, (_, i) => 100 + (i % 3)))).toBeLessThan(2);
  });
  test('of the beginning is not counted', () => {
    expect(growthOf([10, 40, 80, 100, ...Array.from({ length: 12 }, () => 100)])).toBe(0);
  });
  test('is the percent from the second quarter to the last', () => {
    expect(growthOf(Array.from({ length: 16 }, (_, i) => 100 + 10 * i))).toBe(50);
  });
  test('is none of too few samples', () => expect(growthOf([1, 100])).toBe(0));
});
