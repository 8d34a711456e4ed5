/** The report for a terminal. */
import { PERCENTILE_NAMES, type Report, rounded } from './report.ts';

export function textOf(report: Report): string {
  const { verdicts, checks, latencies, figures } = report;
  return [
    '',
    `${report.script}: ${report.question}`,
    '',
    ...table([
      ['', 'metric', 'threshold', 'measured'],
      ...verdicts.map(({ ok, metric, rule, actual }) => [ok ? 'ok' : 'FAILED', metric, rule, actual]),
    ]),
    '',
    ...table([
      ['check', 'passed', 'failed'],
      ...checks.map(({ name, passes, fails }) => [name, `${passes}`, `${fails}`]),
    ]),
    '',
    ...table([
      ['ms', 'count', ...PERCENTILE_NAMES],
      ...latencies.map(({ metric, count, ms }) => [
        metric,
        `${count}`,
        ...PERCENTILE_NAMES.map((name) => `${rounded(ms[name])}`),
      ]),
    ]),
    '',
    ...table(figures.map(({ metric, value }) => [metric, value])),
    '',
    report.passed ? 'passed' : 'FAILED',
    '',
  ].join('\n');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .replace(/ +$/, ''),
  );
}
