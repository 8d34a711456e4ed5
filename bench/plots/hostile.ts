import { COLOURS, heightOf, rounds } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

interface Hostile extends Measured {
  kinds: Record<
    string,
    { connections: number; rounds: { without: { perSecond: number }; with: { perSecond: number } }[] }
  >;
}

const TURNS = { 'without them': COLOURS.grey, 'beside them': COLOURS.blue };
export const hostile: Plot<Hostile> = {
  name: 'hostile',
  results: ['hostile'],
  title: 'Honest clients beside each kind of hostile connections: every round, and the median',
  drawing: ({ kinds }) => {
    const figures = Object.entries(kinds).flatMap(([kind, { connections, rounds: all }]) =>
      all.flatMap((round) => {
        const panel = `${kind} (${connections.toLocaleString('en-US')})`;
        return [
          { panel, row: 'without them', colour: TURNS['without them'], value: round.without.perSecond },
          { panel, row: 'beside them', colour: TURNS['beside them'], value: round.with.perSecond },
        ];
      }),
    );
    const panels = [...new Set(figures.map(({ panel }) => panel))];
    return {
      height: heightOf(2, panels.length),
      marginLeft: 190,
      x: { label: 'beacons of honest clients a second', grid: true, zero: true },
      y: { axis: null, padding: 0, domain: Object.keys(TURNS) },
      fy: { axis: 'left', label: null, domain: panels },
      legend: TURNS,
      marks: rounds(figures),
    };
  },
};
