import { line } from '@observablehq/plot';
import { COLOURS } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

interface Steady extends Measured {
  requestsASecond: number;
  samples: { second: number; memoryMiB: number; residentMiB: number }[];
}

const MEMORY = { 'of its own': COLOURS.blue, 'with the pages of its log': COLOURS.grey };

export const steady: Plot<Steady> = {
  name: 'steady',
  results: ['steady'],
  title: 'Memory of a collector at a steady rate',
  drawing: ({ requestsASecond, samples }) => ({
    height: 340,
    marginLeft: 60,
    x: { label: `seconds at ${requestsASecond.toLocaleString('en-US')} single beacons a second`, zero: true },
    y: { label: 'memory, MiB', grid: true, zero: true },
    legend: MEMORY,
    marks: [
      line(samples, { x: 'second', y: 'residentMiB', stroke: COLOURS.grey, strokeWidth: 2 }),
      line(samples, { x: 'second', y: 'memoryMiB', stroke: COLOURS.blue, strokeWidth: 2 }),
    ],
  }),
};
