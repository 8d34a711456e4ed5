/** Two plots of one result: how many come and go a second, and how long a steady rate of them takes. */
import type { Spread } from '../ranges/statistics.ts';
import { COLOURS, heightOf, PERCENTILES, percentiles, rounds } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

interface Presence extends Measured {
  rounds: Record<
    keyof typeof STORES,
    {
      asFastAsTaken: { changesASecond: number };
      atRate: { changesASecond: number; batchMs: Spread; sweepMs: Spread };
    }[]
  >;
}

const STORES = {
  memory: { name: 'in memory', colour: COLOURS.blue },
  redis: { name: 'Redis', colour: COLOURS.rust },
};
const NAMES = Object.values(STORES).map(({ name }) => name);
type Store = keyof typeof STORES;

export const presence: Plot<Presence> = {
  name: 'presence',
  results: ['presence'],
  title: 'Joins and leaves that a live store takes: every round, and the median',
  drawing: ({ rounds: all }) => ({
    height: heightOf(2),
    x: { label: 'joins and leaves a second', grid: true, zero: true },
    y: { label: null, padding: 0, domain: NAMES },
    marks: rounds(
      Object.entries(STORES).flatMap(([store, { name, colour }]) =>
        all[store as Store].map(({ asFastAsTaken }) => ({
          row: name,
          colour,
          value: asFastAsTaken.changesASecond,
        })),
      ),
    ),
  }),
};

export const presenceLatency: Plot<Presence> = {
  name: 'presence-latency',
  results: ['presence'],
  title: 'Joins and leaves at a steady rate, by store: every round, and the median',
  drawing: ({ rounds: all }) => ({
    height: heightOf(2, 2),
    x: {
      type: 'log',
      tickFormat: ',',
      nice: true,
      label: 'ms at 5,000 joins and leaves a second (logarithmic)',
      grid: true,
    },
    y: { label: null, padding: 0 },
    fy: { label: null, domain: NAMES },
    legend: PERCENTILES,
    marks: rounds(
      Object.entries(STORES).flatMap(([store, { name }]) =>
        all[store as Store].flatMap(({ atRate: { batchMs, sweepMs } }) => [
          ...percentiles('a batch', batchMs, name),
          ...percentiles('a sweep', sweepMs, name),
        ]),
      ),
    ),
  }),
};
