import { dot, line, text } from '@observablehq/plot';
import { COLOURS } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

interface Growth extends Measured {
  events: { small: number; large: number };
  endpoints: { small: { p50: number }; large: { p50: number } }[];
}

export const growth: Plot<Growth> = {
  name: 'ranges-growth',
  results: ['ranges-growth'],
  title: 'Median time of an answer on ten times as many events: a dot an endpoint and range',
  drawing: ({ events, endpoints }) => {
    const all = endpoints.flatMap(({ small, large }) => [small.p50, large.p50]);
    const ends = [Math.min(...all), Math.max(...all)];
    const axis = { type: 'log', tickFormat: ',', domain: ends, grid: true } as const;
    return {
      height: 520,
      marginLeft: 70,
      x: { ...axis, label: `ms on ${inMillions(events.small)} (logarithmic)` },
      y: { ...axis, label: `ms on ${inMillions(events.large)} (logarithmic)` },
      marks: [
        line(ends, { x: ends, y: ends, stroke: COLOURS.grey }),
        text(['as long on both'], {
          x: [ends[1]],
          y: [ends[1]],
          textAnchor: 'end',
          dx: -14,
          fill: COLOURS.grey,
        }),
        dot(endpoints, {
          x: ({ small }) => small.p50,
          y: ({ large }) => large.p50,
          fill: COLOURS.blue,
          fillOpacity: 0.6,
        }),
      ],
    };
  },
};

const inMillions = (events: number) => `${Math.round(events / 1e6)} million events`;
