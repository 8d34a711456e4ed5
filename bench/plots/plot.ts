/** How a plot is made of results: as SVG that looks the same on every machine, and on a dark page. */
import { plot as draw, type Markish, type PlotOptions } from '@observablehq/plot';
import { DOMImplementation, type Element, XMLSerializer } from '@xmldom/xmldom';
import type { thisMachine } from '../machine.ts';
import { head } from './head.ts';

/** What every result says beside its figures. */
export interface Measured {
  date: string;
  machine: ReturnType<typeof thisMachine>;
}

export interface Plot<Result extends Measured = Measured> {
  /** Of its file, without folder and `.svg`. */
  readonly name: string;
  /** That it is made of, as far as they are there; without `.json`. */
  readonly results: readonly string[];
  readonly title: string;
  drawing(result: Result, ...others: Result[]): Drawing;
}

interface Drawing extends PlotOptions {
  marks: Markish[];
  /** Colours by what they mean. */
  legend?: Readonly<Record<string, string>>;
}

const SVG = 'http://www.w3.org/2000/svg';
const WIDTH = 800;
const MARGINS = { marginTop: 84, marginRight: 70, marginBottom: 44, marginLeft: 150 };
const LABEL = { labelAnchor: 'center', labelArrow: 'none' } as const;

export function svgOf(plot: Plot, result: Measured, ...others: Measured[]): string {
  const { title } = plot;
  const { legend = {}, marks, x, y, ...options } = { ...MARGINS, ...plot.drawing(result, ...others) };
  const document = new DOMImplementation().createDocument(SVG, 'svg');
  const svg: Element = draw({
    document,
    width: WIDTH,
    insetRight: 10,
    ariaLabel: title,
    style: 'color: #222; font-size: 11px;',
    x: { ...LABEL, ...x },
    y: { ...LABEL, ...y },
    ...options,
    marks: [...head({ title, result, legend, ...options }), ...marks],
  });
  svg.setAttribute('role', 'img');
  const ground = document.createElementNS(SVG, 'rect');
  for (const [name, value] of Object.entries({ width: '100%', height: '100%', fill: '#fff' }))
    ground.setAttribute(name, value);
  svg.insertBefore(ground, svg.firstChild);
  return inLines(new XMLSerializer().serializeToString(svg));
}

/** With short numbers, since the last digits of a logarithm are not the same everywhere; an element a line, so that a change is seen. */
function inLines(svg: string): string {
  const short = svg.replaceAll(/\d+\.\d{3,}(?=[^<>]*>)/g, (long) => `${Number(Number(long).toFixed(2))}`);
  return `${short.replaceAll('><', '>\n<')}\n`;
}
