/** Two plots of one result: how far counting is behind, and what memory each process has. */
import { line, ruleY, text } from '@observablehq/plot';
import { COLOURS } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

type Process = keyof typeof PROCESSES;
interface EndToEnd extends Measured {
  asked: { eventsPerSecond: number; seconds: number };
  samples: { second: number; lagSeconds: number; ownMiB: Record<Process, number> }[];
}

const PROCESSES = {
  pipeline: COLOURS.rust,
  collector: COLOURS.blue,
  postgres: COLOURS.sand,
  sender: COLOURS.grey,
};
const MAX_LAG_SECONDS = 5;

export const endToEndLag: Plot<EndToEnd> = {
  name: 'end-to-end-lag',
  results: ['end-to-end'],
  title: 'From the collector to all stores: how far counting is behind',
  drawing: ({ asked: { eventsPerSecond }, samples }) => ({
    height: 340,
    marginLeft: 60,
    x: { label: `seconds at ${eventsPerSecond.toLocaleString('en-US')} events a second`, zero: true },
    y: { label: 'lag, s', grid: true, zero: true },
    marks: [
      ruleY([MAX_LAG_SECONDS], { stroke: COLOURS.rust, strokeDasharray: '5 4' }),
      text([`at most ${MAX_LAG_SECONDS} s are asked for`], {
        y: [MAX_LAG_SECONDS],
        frameAnchor: 'left',
        dx: 6,
        dy: -8,
        fill: COLOURS.rust,
      }),
      line(samples, { x: 'second', y: 'lagSeconds', stroke: COLOURS.blue, strokeWidth: 2 }),
    ],
  }),
};

export const endToEndMemory: Plot<EndToEnd> = {
  name: 'end-to-end-memory',
  results: ['end-to-end'],
  title: 'From the collector to all stores: memory of each process, without pages of files',
  drawing: ({ asked: { eventsPerSecond }, samples }) => ({
    height: 340,
    marginLeft: 60,
    x: { label: `seconds at ${eventsPerSecond.toLocaleString('en-US')} events a second`, zero: true },
    y: { label: 'memory, MiB', grid: true, zero: true },
    legend: PROCESSES,
    marks: Object.entries(PROCESSES).map(([process, stroke]) =>
      line(samples, { x: 'second', y: ({ ownMiB }) => ownMiB[process as Process], stroke, strokeWidth: 2 }),
    ),
  }),
};
