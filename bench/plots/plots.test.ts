import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DOMParser, onWarningStopParsing } from '@xmldom/xmldom';
import { expect, test } from 'vitest';
import { svgOf } from './plot.ts';
import { PLOTS } from './plots.ts';

const fileOf = (result: string) => fileURLToPath(new URL(`../results/${result}.json`, import.meta.url));

test.for(PLOTS)('$name is SVG that has its title', (plot) => {
  const [first, ...others] = plot.results.map((name) => JSON.parse(readFileSync(fileOf(name), 'utf8')));

  const svg = svgOf(plot, first, ...others);

  const parser = new DOMParser({ onError: onWarningStopParsing });
  const root = parser.parseFromString(svg, 'image/svg+xml').documentElement;
  expect(root?.namespaceURI).toBe('http://www.w3.org/2000/svg');
  expect(root?.localName).toBe('svg');
  expect(textsOf(root?.getElementsByTagName('text') ?? [])).toContain(plot.title);
  expect(svg).not.toContain('NaN');
  expect(svgOf(plot, first, ...others)).toBe(svg);
});

function textsOf(elements: Iterable<{ textContent: string | null }>): (string | null)[] {
  return [...elements].map(({ textContent }) => textContent);
}
