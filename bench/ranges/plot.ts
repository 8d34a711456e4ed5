/** Bars of what is compared, for a year, on a logarithmic axis: one group a question and number of events. */
import type { Report } from './report.ts';

const COLOURS = { ours: '#1b6ca8', uniqExact: '#b3541e', uniq: '#d99058', uniqCombined64: '#8a8a8a' };
const NAMES = {
  ours: 'Footfall, over HTTP',
  uniqExact: 'uniqExact of raw events',
  uniq: 'uniq of raw events, an estimate',
  uniqCombined64: 'daily uniqCombined64 states, an estimate',
};
const WAYS = ['ours', 'uniqExact', 'uniq', 'uniqCombined64'] as const;
const RANGE = 'year';
const [WIDTH, LEFT, RIGHT, TOP, BAR, GAP] = [900, 240, 90, 90, 14, 16];
/** Milliseconds at the ends of the axis. */
const [LEAST, MOST] = [1, 100_000];

export function plot(reports: readonly Report[]): string {
  const groups = (reports[0]?.comparisons ?? [])
    .filter(({ range }) => range === RANGE)
    .flatMap(({ question }) =>
      reports.map(({ setting, comparisons }) => ({
        label: `${question}, ${setting.events / 1e6} million`,
        p50: comparisons.find((each) => each.question === question && each.range === RANGE)?.p50 ?? {},
      })),
    );
  const groupHeight = WAYS.length * BAR + GAP;
  const bottom = TOP + groups.length * groupHeight;
  const marks = groups.flatMap(({ label, p50 }, group) => {
    const y = TOP + group * groupHeight;
    return [
      text(LEFT - 8, y + 2 * BAR + 4, label, 'end'),
      ...WAYS.flatMap((way, i) => {
        const value = p50[way] ?? LEAST;
        const end = x(value);
        return [
          `<rect x="${LEFT}" y="${y + i * BAR}" width="${round(end - LEFT)}" height="${BAR - 2}" fill="${COLOURS[way]}"/>`,
          text(end + 4, y + i * BAR + 10, inWords(value), 'start'),
        ];
      }),
    ];
  });
  const legend = WAYS.flatMap((way, i) => [
    `<rect x="${LEFT + (i % 2) * 260}" y="${34 + Math.floor(i / 2) * 18}" width="12" height="12" fill="${COLOURS[way]}"/>`,
    text(LEFT + (i % 2) * 260 + 18, 44 + Math.floor(i / 2) * 18, NAMES[way], 'start'),
  ]);
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${bottom + 40}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${LEFT}" y="20" font-size="14">Unique visitors of a year: median time of an answer, logarithmic</text>`,
    ...legend,
    ...axis(bottom),
    ...marks,
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function axis(bottom: number): string[] {
  const decades = Array.from({ length: Math.log10(MOST / LEAST) + 1 }, (_, i) => LEAST * 10 ** i);
  return decades.flatMap((value) => [
    `<line x1="${round(x(value))}" x2="${round(x(value))}" y1="${TOP - 6}" y2="${bottom}" stroke="#ddd"/>`,
    text(x(value), bottom + 16, inWords(value), 'middle'),
  ]);
}

function x(milliseconds: number): number {
  const share = Math.log10(Math.max(LEAST, milliseconds) / LEAST) / Math.log10(MOST / LEAST);
  return LEFT + share * (WIDTH - LEFT - RIGHT);
}

function text(at: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${round(at)}" y="${y}" text-anchor="${anchor}">${words}</text>`;
}

function inWords(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Number(milliseconds.toPrecision(2))} ms`;
  return `${Number((milliseconds / 1_000).toPrecision(2))} s`;
}

const round = (value: number) => Math.round(value * 10) / 10;
