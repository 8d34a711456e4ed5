/** What several plots show in the same way. */
import { dotX, groupY, type Markish, textX, tickX } from '@observablehq/plot';
import type { Spread } from '../ranges/statistics.ts';
import { median } from '../result.ts';

export const COLOURS = { blue: '#1b6ca8', rust: '#b3541e', sand: '#d99058', grey: '#7a7a7a' };
export const PERCENTILES = { p50: COLOURS.blue, p99: COLOURS.rust, max: COLOURS.grey };

/** One number that was measured once, in the row of what it is of. */
interface Figure {
  row: string;
  panel?: string;
  colour: string;
  value: number;
}

/** With the number above its median. */
const ROW_HEIGHT = 46;
const HEAD_AND_FOOT = 128;

/** A dot for every figure; in each row, for each colour, a tick at the median and the number of it. */
export function rounds(figures: readonly Figure[]): Markish[] {
  const panels = figures.some(({ panel }) => panel !== undefined);
  const place = { x: 'value', y: 'row', ...(panels && { fy: 'panel' }) };
  return [
    dotX(figures, { ...place, fill: 'colour', r: 4, fillOpacity: 0.6, dy: 6 }),
    tickX(
      figures,
      groupY({ x: median }, { ...place, stroke: 'colour', strokeWidth: 2.5, insetTop: 19, insetBottom: 7 }),
    ),
    textX(
      figures,
      groupY(
        { x: median, text: (values: number[]) => inWords(median(values)) },
        { ...place, text: 'value', fill: 'colour', dy: -11 },
      ),
    ),
  ];
}

/** Of a plot with so many rows of `rounds` in each of its panels. */
export const heightOf = (rows: number, panels = 1) => HEAD_AND_FOOT + panels * (rows * ROW_HEIGHT + 10);

export function percentiles(row: string, spread: Spread, panel?: string): Figure[] {
  return Object.entries(PERCENTILES).map(([name, colour]) => ({
    row,
    ...(panel !== undefined && { panel }),
    colour,
    value: spread[name as keyof typeof PERCENTILES],
  }));
}

const inWords = (value: number) => (value < 100 ? value : Math.round(value)).toLocaleString('en-US');
