/** What stands above every plot: its title, where its figures are from, and what the colours mean. */
import { dot, type Markish, text } from '@observablehq/plot';
import type { Measured } from './plot.ts';

const LEFT = 14;
const [TITLE_Y, ORIGIN_Y, LEGEND_Y] = [14, 36, 62];
const LEGEND_STEP = 190;

interface Head {
  title: string;
  result: Measured;
  legend: Readonly<Record<string, string>>;
  /** Of the plot: marks are placed from the corner inside of them. */
  marginTop: number;
  marginLeft: number;
}

export function head({ title, result, legend, marginTop, marginLeft }: Head): Markish[] {
  const at = (x: number, y: number) =>
    ({ facet: 'super', frameAnchor: 'top-left', dx: x - marginLeft, dy: y - marginTop }) as const;
  return [
    text([title], { ...at(LEFT, TITLE_Y), fontSize: 15 }),
    text([originOf(result)], at(LEFT, ORIGIN_Y)),
    ...Object.entries(legend).flatMap(([name, colour], n) => {
      const left = LEFT + 6 + n * LEGEND_STEP;
      return [
        dot([name], { ...at(left, LEGEND_Y), fill: colour, r: 5 }),
        text([name], at(left + 10, LEGEND_Y - 5)),
      ];
    }),
  ];
}

function originOf({ date, machine: { processor, cores, node } }: Measured): string {
  return `${date.slice(0, 10)}, ${processor}, ${cores} cores, Node ${node}`;
}
