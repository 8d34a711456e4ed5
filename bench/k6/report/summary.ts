/** The `handleSummary` of every script: a report for the terminal, one as a page, one for machines. */
import type { Options } from '../options.ts';
import type { ScriptName } from '../scripts.ts';
import { htmlOf } from './html.ts';
import { reportOf, TREND_STATS } from './report.ts';
import type { SummaryData } from './summary-data.ts';
import { textOf } from './text.ts';

/** Files by path. */
type Outputs = Record<string, string>;

export function summary(script: ScriptName, options: Options): (data: SummaryData) => Outputs {
  return (data) => {
    const report = reportOf(script, options, data, new Date());
    const path = `${options.reportDir}/${script}`;
    return {
      stdout: `${textOf(report)}report: ${path}.html\n`,
      [`${path}.html`]: htmlOf(report),
      [`${path}.json`]: `${JSON.stringify({ ...report, metrics: data.metrics }, undefined, 2)}\n`,
    };
  };
}

/** Of every script: `url`, which has a token in it, is no tag. */
export const COMMON_OPTIONS = {
  summaryTrendStats: [...TREND_STATS],
  systemTags: ['status', 'method', 'name', 'scenario', 'check', 'error', 'error_code', 'expected_response'],
  userAgent: 'Footfall load test',
};
