/** Two plots of one result: memory by time, and how long a 202 took meanwhile. */
import { line } from '@observablehq/plot';
import { COLOURS } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

interface Steady extends Measured {
  requestsASecond: number;
  samples: Sample[];
}
interface Sample {
  second: number;
  memoryMiB: number;
  residentMiB: number;
  /** Not of a sample without answers. */
  p50?: number;
  p99?: number;
  senderStoodMs?: number;
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

const LATENCY = {
  'half of the answers within': COLOURS.blue,
  '99 of 100, in the worst second': COLOURS.rust,
  'the sender stood still, at most': COLOURS.grey,
};

export const steadyLatency: Plot<Steady> = {
  name: 'steady-latency',
  results: ['steady'],
  title: 'Time until a 202 at a steady rate',
  drawing: ({ requestsASecond, samples }) => ({
    height: 340,
    marginLeft: 60,
    x: { label: `seconds at ${requestsASecond.toLocaleString('en-US')} single beacons a second`, zero: true },
    y: { type: 'log', label: 'ms (logarithmic)', grid: true },
    legend: LATENCY,
    marks: (
      [
        ['senderStoodMs', COLOURS.grey],
        ['p99', COLOURS.rust],
        ['p50', COLOURS.blue],
      ] as const
    ).map(([y, stroke]) => line(samples, { x: 'second', y, stroke, strokeWidth: 2 })),
  }),
};
