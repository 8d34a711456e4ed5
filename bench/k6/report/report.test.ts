import { describe, expect, test } from 'vitest';
import { readOptions } from '../options.ts';
import { htmlOf } from './html.ts';
import { reportOf } from './report.ts';
import { summary } from './summary.ts';
import type { SummaryData } from './summary-data.ts';

const environment = {
  INGEST_URL: 'http://127.0.0.1:8080',
  API_URL: 'http://127.0.0.1:8000',
  TOKEN: 'a.secret.token',
  SETTING: 'two <machines> & a "switch"',
  REPORT_DIR: '/reports/',
};
const options = readOptions(environment, { rate: 50, duration: '1m' });
const NOW = new Date('2026-01-02T03:04:05Z');

function data(isFast: boolean): SummaryData {
  return {
    state: { testRunDurationMs: 61_234 },
    root_group: {
      checks: [{ name: 'outside', passes: 5, fails: 0 }],
      groups: [{ checks: [{ name: 'inside', passes: 1, fails: 2 }], groups: [] }],
    },
    metrics: {
      'http_req_duration{name:beacon}': {
        type: 'trend',
        contains: 'time',
        values: {
          count: 3_000,
          min: 0.5,
          avg: 3,
          med: 2.5,
          'p(90)': 6,
          'p(95)': 8.25,
          'p(99)': 45,
          max: 312,
        },
        thresholds: { 'p(95)<200': { ok: true }, 'p(99)<10': { ok: isFast } },
      },
      http_req_connecting: { type: 'trend', contains: 'time', values: { count: 9, med: 1 } },
      beacons_refused: {
        type: 'rate',
        contains: 'default',
        values: { rate: 0.0125, passes: 1, fails: 79 },
        thresholds: { 'rate<1': { ok: true } },
      },
      beacons_acknowledged: { type: 'counter', contains: 'default', values: { count: 3_300, rate: 55 } },
      system_lag_frames: { type: 'trend', contains: 'default', values: { count: 30, med: 2, max: 9 } },
    },
  };
}

describe('the report', () => {
  const report = reportOf('ingest', options, data(false), NOW);

  test('has a verdict of every threshold, with what was measured', () => {
    expect(report.verdicts).toEqual([
      { metric: 'beacons_refused', rule: 'rate<1', actual: '1.25 %', ok: true },
      { metric: 'http_req_duration{name:beacon}', rule: 'p(95)<200', actual: '8.25 ms', ok: true },
      { metric: 'http_req_duration{name:beacon}', rule: 'p(99)<10', actual: '45 ms', ok: false },
    ]);
  });

  test('has passed only where every threshold holds', () => {
    expect(report.passed).toBe(false);
    expect(reportOf('ingest', options, data(true), NOW).passed).toBe(true);
  });

  test('has the percentiles of what was timed, but not how k6 spends its time', () => {
    expect(report.latencies).toEqual([
      {
        metric: 'http_req_duration{name:beacon}',
        count: 3_000,
        ms: { p50: 2.5, p90: 6, p95: 8.25, p99: 45, max: 312 },
      },
    ]);
  });

  test('has rates and counts', () => {
    expect(report.figures).toEqual([
      { metric: 'beacons_acknowledged', value: '3300, 55 a second' },
      { metric: 'beacons_refused', value: '1.25 %' },
      { metric: 'system_lag_frames', value: 'median 2, at most 9' },
    ]);
  });

  test('has the checks of all groups', () => {
    expect(report.checks.map(({ name }) => name)).toEqual(['outside', 'inside']);
  });

  test('tells that k6 has given another form of summary', () => {
    const other = { metrics: { a: {} }, state: { testRunDurationMs: 1 } } as unknown as SummaryData;
    expect(() => reportOf('ingest', options, other, NOW)).toThrow('--new-machine-readable-summary=false');
  });
});

describe('the page', () => {
  const html = htmlOf(reportOf('ingest', options, data(false), NOW));

  test('says question, verdict and setting', () => {
    expect(html).toContain('How fast is a beacon acknowledged at this rate');
    expect(html).toContain('1 of 3 thresholds do not hold');
    expect(html).toContain('two &lt;machines&gt; &amp; a &quot;switch&quot;');
  });

  test('loads nothing, and runs nothing', () => {
    expect(html).not.toMatch(/<script|<link|src=|@import|url\(/);
    expect(html).toContain('<svg');
  });
});

test('the token is in no report', () => {
  const outputs = summary('ingest', options)(data(true));
  expect(Object.keys(outputs)).toEqual(['stdout', '/reports/ingest.html', '/reports/ingest.json']);
  expect(Object.values(outputs).join('')).not.toContain('secret');
});

test('a run in which nothing was measured has a report, too', () => {
  const { stdout } = summary('live', options)({ metrics: {}, state: { testRunDurationMs: 0 } });
  expect(stdout).toContain('FAILED');
});
