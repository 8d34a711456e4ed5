/** What a run found, in the order in which it is read: verdict, latencies, rates. */
import type { Options } from '../options.ts';
import { SCRIPTS, type ScriptName } from '../scripts.ts';
import { type CheckCount, checksOf, type Metric, type SummaryData } from './summary-data.ts';

interface Verdict {
  readonly metric: string;
  readonly rule: string;
  readonly actual: string;
  readonly ok: boolean;
}

export interface Latency {
  readonly metric: string;
  readonly count: number;
  /** ms by `p50`, `p90`, `p95`, `p99` and `max`. */
  readonly ms: Readonly<Record<Percentile, number>>;
}

interface Figure {
  readonly metric: string;
  readonly value: string;
}

export interface Report {
  readonly script: ScriptName;
  readonly question: string;
  readonly date: string;
  readonly passed: boolean;
  readonly setting: readonly (readonly [name: string, value: string])[];
  readonly verdicts: readonly Verdict[];
  readonly checks: readonly CheckCount[];
  readonly latencies: readonly Latency[];
  readonly figures: readonly Figure[];
}

const PERCENTILES = { p50: 'med', p90: 'p(90)', p95: 'p(95)', p99: 'p(99)', max: 'max' } as const;
export type Percentile = keyof typeof PERCENTILES;
export const PERCENTILE_NAMES: readonly Percentile[] = ['p50', 'p90', 'p95', 'p99', 'max'];

/** What `summaryTrendStats` has to have. */
export const TREND_STATS: readonly string[] = ['avg', 'min', ...Object.values(PERCENTILES), 'count'];

/** How k6 spends its time, of which nothing is asked. */
const OF_K6 =
  /^(http_req_(blocked|connecting|tls_handshaking|sending|receiving|waiting)|group_duration|ws_|iteration_duration|vus)/;

/** @throws Error where k6 gives its summary in another form */
export function reportOf(script: ScriptName, options: Options, data: SummaryData, now: Date): Report {
  if (typeof data.metrics !== 'object' || !Object.values(data.metrics).every(({ values }) => values)) {
    throw new Error('this summary has another form: run k6 with --new-machine-readable-summary=false');
  }
  const metrics = Object.entries(data.metrics).sort(([a], [b]) => (a < b ? -1 : 1));
  const verdicts = metrics.flatMap(([metric, each]) => verdictsOf(metric, each));
  const interesting = metrics.filter(([metric]) => !OF_K6.test(metric));
  return {
    script,
    question: SCRIPTS[script].question,
    date: now.toISOString(),
    passed: verdicts.length > 0 && verdicts.every(({ ok }) => ok),
    setting: settingOf(options, data),
    verdicts,
    checks: checksOf(data.root_group),
    latencies: interesting.flatMap(([metric, each]) => latencyOf(metric, each)),
    figures: interesting.flatMap(([metric, each]) => figureOf(metric, each)),
  };
}

function settingOf(options: Options, { state }: SummaryData): [string, string][] {
  return [
    ['collector', options.ingestUrl],
    ['query API', options.apiUrl],
    ['RATE', `${options.rate} a second`],
    ['DURATION', `${options.durationS} s`],
    ['whole run', `${(state.testRunDurationMs / 1_000).toFixed(1)} s`],
    ['WATCHERS', `${options.watchers}`],
    ['SPIKE', `${options.spike} times`],
    ['POPULATION', `${options.population} visitors who may come again`],
    ['SEND_ADDRESSES', `${options.sendsAddresses}`],
    ...(options.setting === '' ? [] : [['SETTING', options.setting] as [string, string]]),
  ];
}

function verdictsOf(metric: string, { type, contains, values, thresholds }: Metric): Verdict[] {
  return Object.entries(thresholds ?? {}).map(([rule, { ok }]) => {
    const statistic = /^[a-z]+(\([\d.]+\))?/.exec(rule)?.[0] ?? '';
    const value = values[statistic];
    return {
      metric,
      rule,
      ok,
      actual: value === undefined ? 'nothing was measured' : inWords(type, contains, statistic, value),
    };
  });
}

function latencyOf(metric: string, { type, contains, values }: Metric): Latency[] {
  if (type !== 'trend' || contains !== 'time' || values.count === 0) return [];
  const ms = (name: Percentile) => values[PERCENTILES[name]] ?? 0;
  return [
    {
      metric,
      count: values.count ?? 0,
      ms: { p50: ms('p50'), p90: ms('p90'), p95: ms('p95'), p99: ms('p99'), max: ms('max') },
    },
  ];
}

function figureOf(metric: string, { type, contains, values }: Metric): Figure[] {
  if (type === 'trend') {
    if (contains === 'time' || values.count === 0) return [];
    const [median, most] = [values.med ?? 0, values.max ?? 0].map(rounded);
    return [{ metric, value: `median ${median}, at most ${most}` }];
  }
  if (type === 'rate') return [{ metric, value: inWords(type, contains, 'rate', values.rate ?? 0) }];
  if (type === 'gauge') return [{ metric, value: `${rounded(values.value ?? 0)}` }];
  return [
    {
      metric,
      value: `${inWords(type, contains, 'count', values.count ?? 0)}, ${inWords(type, contains, 'rate', values.rate ?? 0)}`,
    },
  ];
}

function inWords(type: Metric['type'], contains: string, statistic: string, value: number): string {
  if (type === 'rate') return `${rounded(value * 100)} %`;
  if (contains === 'time' && statistic !== 'count') return `${rounded(value)} ms`;
  const bytes = contains === 'data' ? ' bytes' : '';
  return `${rounded(value)}${bytes}${type === 'counter' && statistic === 'rate' ? ' a second' : ''}`;
}

export function rounded(value: number): number {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}
