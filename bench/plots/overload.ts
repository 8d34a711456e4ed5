/** Two plots of one result: what of too much is taken, and how long a 202 takes meanwhile. */
import { barX, textX } from '@observablehq/plot';
import type { Spread } from '../ranges/statistics.ts';
import { COLOURS, heightOf, PERCENTILES, percentiles, rounds } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

interface Overload extends Measured {
  rounds: Round[];
}
interface Round {
  mostASecond: number;
  requestsASecond: number;
  acceptedASecond: number;
  byStatus: Record<string, number>;
  seconds: number;
  accepted: Spread;
}

const ROWS: Record<string, { colour: string; perSecond: (round: Round) => number }> = {
  'most without overload': { colour: COLOURS.grey, perSecond: ({ mostASecond }) => mostASecond },
  sent: { colour: COLOURS.sand, perSecond: ({ requestsASecond }) => requestsASecond },
  'taken: 202': { colour: COLOURS.blue, perSecond: ({ acceptedASecond }) => acceptedASecond },
  'refused: 503': {
    colour: COLOURS.rust,
    perSecond: ({ byStatus, seconds }) => (byStatus['503'] ?? 0) / seconds,
  },
};

export const overload: Plot<Overload> = {
  name: 'overload',
  results: ['overload'],
  title: 'Sent more than a collector can take: what it takes and refuses, by round',
  drawing: ({ rounds }) => {
    const bars = rounds.flatMap((round, n) =>
      Object.entries(ROWS).map(([row, { colour, perSecond }]) => {
        const value = Math.round(perSecond(round));
        return { panel: panelOf(n), row, colour, value, words: value.toLocaleString('en-US') };
      }),
    );
    const place = { x: 'value', y: 'row', fy: 'panel' };
    return {
      height: 140 + 110 * rounds.length,
      marginLeft: 170,
      x: { label: 'requests a second, each of 50 beacons', grid: true, insetRight: 40 },
      y: { label: null, domain: Object.keys(ROWS) },
      fy: { label: null },
      marks: [
        barX(bars, { ...place, fill: 'colour' }),
        textX(bars, { ...place, text: 'words', textAnchor: 'start', dx: 6 }),
      ],
    };
  },
};

export const overloadLatency: Plot<Overload> = {
  name: 'overload-latency',
  results: ['overload'],
  title: 'Sent more than a collector can take: time until a 202, every round and the median',
  drawing: ({ rounds: all }) => ({
    height: heightOf(1),
    marginLeft: 170,
    x: { label: 'from when a request was due to its 202, ms', grid: true, zero: true },
    y: { label: null, padding: 0 },
    legend: PERCENTILES,
    marks: rounds(all.flatMap(({ accepted }) => percentiles('of what was taken', accepted))),
  }),
};

const panelOf = (n: number) => `round ${n + 1}`;
