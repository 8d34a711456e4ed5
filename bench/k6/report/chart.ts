/** Latencies as bars of percentiles on a logarithmic axis. */
import { escaped } from './escape.ts';
import { type Latency, PERCENTILE_NAMES, type Percentile, rounded } from './report.ts';

const COLOURS: Readonly<Record<Percentile, string>> = {
  p50: '#1b6ca8',
  p90: '#4d8fbf',
  p95: '#d9a441',
  p99: '#c8641b',
  max: '#8a8a8a',
};
const [WIDTH, LEFT, RIGHT, TOP, BAR, GAP, BOTTOM] = [960, 330, 80, 40, 11, 14, 30];
const LEAST_MS = 0.1;

/** An `svg` element; empty where nothing was timed. */
export function chartOf(latencies: readonly Latency[]): string {
  if (latencies.length === 0) return '';
  const mostMs = 10 ** Math.ceil(Math.log10(Math.max(10, ...latencies.map(({ ms }) => ms.max))));
  const x = (ms: number) =>
    LEFT +
    ((WIDTH - LEFT - RIGHT) * Math.log10(Math.max(LEAST_MS, ms) / LEAST_MS)) / Math.log10(mostMs / LEAST_MS);
  const groupHeight = PERCENTILE_NAMES.length * BAR + GAP;
  const bottom = TOP + latencies.length * groupHeight;
  const groups = latencies.flatMap(({ metric, ms }, group) => [
    text(LEFT - 8, TOP + group * groupHeight + 2.5 * BAR, metric, 'end'),
    ...PERCENTILE_NAMES.flatMap((name, i) => bar(x, TOP + group * groupHeight + i * BAR, name, ms[name])),
  ]);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${bottom + BOTTOM}" role="img" aria-label="Latencies by percentile, logarithmic">`,
    ...legend(),
    ...axis(x, mostMs, bottom),
    ...groups,
    '</svg>',
  ].join('\n');
}

function bar(x: (ms: number) => number, y: number, name: Percentile, ms: number): string[] {
  const end = x(ms);
  return [
    `<rect x="${LEFT}" y="${y}" width="${tenths(end - LEFT)}" height="${BAR - 1}" fill="${COLOURS[name]}"/>`,
    text(end + 4, y + BAR - 2, `${rounded(ms)} ms`, 'start'),
  ];
}

function legend(): string[] {
  return PERCENTILE_NAMES.flatMap((name, i) => [
    `<rect x="${LEFT + i * 80}" y="4" width="10" height="10" fill="${COLOURS[name]}"/>`,
    text(LEFT + i * 80 + 16, 13, name, 'start'),
  ]);
}

function axis(x: (ms: number) => number, mostMs: number, bottom: number): string[] {
  const lines: string[] = [];
  for (let ms = LEAST_MS; ms <= mostMs * 1.001; ms *= 10) {
    const at = tenths(x(ms));
    lines.push(
      `<line x1="${at}" x2="${at}" y1="${TOP - 10}" y2="${bottom}" stroke="currentColor" opacity="0.15"/>`,
    );
    lines.push(text(at, bottom + 16, `${rounded(ms)} ms`, 'middle'));
  }
  return lines;
}

function text(x: number, y: number, words: string, anchor: 'start' | 'middle' | 'end'): string {
  return `<text x="${tenths(x)}" y="${tenths(y)}" text-anchor="${anchor}" fill="currentColor">${escaped(words)}</text>`;
}

const tenths = (value: number) => Math.round(value * 10) / 10;
