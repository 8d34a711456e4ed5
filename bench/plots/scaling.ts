import { dot, groupX, line } from '@observablehq/plot';
import { median } from '../result.ts';
import { COLOURS } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

interface Cost {
  server: Server;
  rate: number;
  microseconds: number;
}
interface Scaling extends Measured {
  cost: Record<Server, Cost[]>;
}
type Server = keyof typeof SERVERS;

const SERVERS = {
  footfall: { name: 'Footfall', colour: COLOURS.blue },
  bare: { name: 'bare uWebSockets.js', colour: COLOURS.grey },
};

export const scaling: Plot<Scaling> = {
  name: 'scaling',
  results: ['scaling'],
  title: 'Processor time of a beacon by rate: every measurement, and a line through the medians',
  drawing: ({ cost }) => {
    const figures = Object.values(cost)
      .flat()
      .map(({ server, ...figure }) => ({ ...figure, ...SERVERS[server] }));
    const place = { x: 'rate', y: 'microseconds' };
    return {
      height: 400,
      marginLeft: 60,
      x: {
        type: 'log',
        label: 'single beacons a second (logarithmic)',
        ticks: [...new Set(figures.map(({ rate }) => rate))],
        tickFormat: ',',
      },
      y: { label: 'processor time of a beacon, µs', grid: true, zero: true },
      legend: Object.fromEntries(figures.map(({ name, colour }) => [name, colour])),
      marks: [
        line(figures, groupX({ y: median }, { ...place, stroke: 'colour', sort: 'x' })),
        dot(figures, { ...place, fill: 'colour', r: 4, fillOpacity: 0.6 }),
      ],
    };
  },
};
