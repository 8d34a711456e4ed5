/** The report as a page of its own: nothing is loaded, nothing runs. */
import { chartOf } from './chart.ts';
import { escaped } from './escape.ts';
import { PERCENTILE_NAMES, type Report, rounded } from './report.ts';

const STYLE = `
  :root { color-scheme: light dark; }
  body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
  h1 { font-size: 1.35rem; } h2 { font-size: 1.05rem; margin-top: 2rem; }
  table { border-collapse: collapse; width: 100%; } td, th { text-align: left; padding: 0.2rem 1rem 0.2rem 0; border-bottom: 1px solid #8883; }
  td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
  svg { width: 100%; font: 11px system-ui, sans-serif; }
  .ok { color: #1a7f37; } .failed { color: #c0392b; font-weight: 600; }
  @media (prefers-color-scheme: dark) { .ok { color: #56d364; } .failed { color: #ff7b72; } }
`;

export function htmlOf(report: Report): string {
  const { script, question, verdicts, checks, latencies, figures } = report;
  const failed = verdicts.filter(({ ok }) => !ok).length;
  const verdict = report.passed
    ? '<span class="ok">passed</span>: every threshold holds'
    : `<span class="failed">failed</span>: ${failed} of ${verdicts.length} thresholds do not hold`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(script)}: ${report.passed ? 'passed' : 'failed'}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(question)}</h1>
<p><strong>${escaped(script)}</strong> ${verdict}. ${escaped(report.date)}</p>
<h2>Thresholds</h2>
${table(
  ['', 'metric', 'threshold', 'measured'],
  verdicts.map(({ ok, metric, rule, actual }) => [
    `<span class="${ok ? 'ok' : 'failed'}">${ok ? 'holds' : 'does not hold'}</span>`,
    escaped(metric),
    escaped(rule),
    escaped(actual),
  ]),
)}
<h2>Checks</h2>
${table(
  ['check', 'passed', 'failed'],
  checks.map(({ name, passes, fails }) => [
    escaped(name),
    `${passes}`,
    fails === 0 ? '0' : `<span class="failed">${fails}</span>`,
  ]),
  1,
)}
<h2>Latencies</h2>
${chartOf(latencies)}
${table(
  ['ms', 'count', ...PERCENTILE_NAMES],
  latencies.map(({ metric, count, ms }) => [
    escaped(metric),
    `${count}`,
    ...PERCENTILE_NAMES.map((name) => `${rounded(ms[name])}`),
  ]),
  1,
)}
<h2>Rates and counts</h2>
${table(
  ['metric', ''],
  figures.map(({ metric, value }) => [escaped(metric), escaped(value)]),
)}
<h2>Setting</h2>
${table(
  ['', ''],
  report.setting.map(([name, value]) => [escaped(name), escaped(value)]),
)}
</body>
</html>
`;
}

/** @param numbersFrom column from which all are numbers */
function table(head: string[], rows: string[][], numbersFrom = head.length): string {
  const cell = (tag: 'td' | 'th') => (html: string, column: number) =>
    `<${tag}${column >= numbersFrom ? ' class="number"' : ''}>${html}</${tag}>`;
  const row = (tag: 'td' | 'th', cells: string[]) => `<tr>${cells.map(cell(tag)).join('')}</tr>`;
  const header = head.some((name) => name !== '') ? `<thead>${row('th', head)}</thead>` : '';
  return `<table>${header}<tbody>\n${rows.map((cells) => row('td', cells)).join('\n')}\n</tbody></table>`;
}
