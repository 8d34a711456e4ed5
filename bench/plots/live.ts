import type { Spread } from '../ranges/statistics.ts';
import { heightOf, PERCENTILES, percentiles, rounds } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

interface Live extends Measured {
  rounds: { footfall: { toJoined: Spread; toCount: Spread }[]; ws: { fromSend: Spread }[] };
}

const ROWS = {
  toJoined: 'named, since their 202',
  toCount: 'in the count, since their 202',
  fromSend: 'bare ws server, since it sends',
};

export const live: Plot<Live> = {
  name: 'live',
  results: ['live'],
  title: 'Until a visitor is at every socket: every round, and the median',
  drawing: ({ rounds: { footfall, ws } }) => ({
    height: heightOf(3),
    marginLeft: 200,
    x: { type: 'log', tickFormat: ',', nice: true, label: 'ms (logarithmic)', grid: true },
    y: { label: null, padding: 0, domain: Object.values(ROWS) },
    legend: PERCENTILES,
    marks: rounds([
      ...footfall.flatMap(({ toJoined }) => percentiles(ROWS.toJoined, toJoined)),
      ...footfall.flatMap(({ toCount }) => percentiles(ROWS.toCount, toCount)),
      ...ws.flatMap(({ fromSend }) => percentiles(ROWS.fromSend, fromSend)),
    ]),
  }),
};
