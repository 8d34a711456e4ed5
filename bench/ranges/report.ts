/** What a run leaves, and its table for people. */
import type { thisMachine } from '../machine.ts';
import type { Built } from './built.ts';
import type { Measured } from './measured.ts';

export type Report = {
  question: string;
  date: string;
  machine: ReturnType<typeof thisMachine>;
  versions: Record<string, string>;
  configuration: string;
} & Built &
  Measured;

export function textOf(report: Report): string {
  const { raw, returnIntervals, lastSeen, closing } = report;
  const lines = [
    ...table(
      ['endpoint', 'range', 'p50 ms', 'p99', 'uniqExact p50', 'uniq', 'uniqCombined64', 'uniqExact / ours'],
      report.endpoints.map(({ endpoint, range, p50, p99 }) => {
        const compared = report.comparisons.find(
          (each) => each.question === endpoint && each.range === range,
        )?.p50;
        const { ours, uniqExact, uniq, uniqCombined64 } = compared ?? {};
        const ratio = ours === undefined || uniqExact === undefined ? '' : (uniqExact / ours).toFixed(1);
        return [endpoint, range, p50, p99, uniqExact, uniq, uniqCombined64, ratio];
      }),
    ),
    '',
    ...table(
      ['percent off at most', 'range', 'uniq', 'uniqCombined64'],
      report.comparisons.map(({ question, range, errors }) => [
        question,
        range,
        errors.uniq?.percent,
        errors.uniqCombined64?.percent,
      ]),
    ),
    '',
    `export/ of a year as CSV, first byte: p50 ${firstByteOfYear(report)} ms`,
    `build: ${report.buildSeconds} s, ${mebibytes(report.buildMemory)}`,
    `raw: ${raw.rows} rows, ${raw.bytes} bytes; return_intervals: ${returnIntervals.rows} rows, ${returnIntervals.bytes} bytes, ` +
      `${returnIntervals.toRaw} of raw; last_seen: ${lastSeen.rows} rows, ${lastSeen.bytes} bytes, ${lastSeen.toRaw} of raw`,
    `closing a day of ${closing.events} events: ${closing.seconds} s, ${mebibytes(closing.memory)}; ` +
      `inserts alone ${JSON.stringify(closing.insertsAlone)}, meanwhile ${JSON.stringify(closing.insertsMeanwhile)}`,
  ];
  return lines.join('\n');
}

const mebibytes = ({ beforeMiB, peakMiB }: Built['buildMemory']) =>
  `${beforeMiB} MiB before, ${peakMiB} at most`;

function firstByteOfYear({ endpoints }: Report): number | undefined {
  return endpoints.find((each) => each.firstByte !== undefined)?.firstByte?.p50;
}

function table(head: string[], rows: (string | number | undefined)[][]): string[] {
  const all = [head, ...rows.map((row) => row.map((cell) => `${cell ?? ''}`))];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
