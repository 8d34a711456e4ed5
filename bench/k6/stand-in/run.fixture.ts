/**
 * Runs a script without k6, one iteration after another: the same requests, checks, thresholds and reports, and no load. It
 * shows that a script asks what the services answer, and what its verdict is; what k6 makes of it, only k6 shows.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Options, Scenario } from 'k6/options';
import type { Metric, SummaryData } from '../report/summary-data.ts';
import execution from './execution.fixture.ts';
import { checks } from './k6.fixture.ts';
import { currentTags, type Recorded, recorded } from './metrics.fixture.ts';
import { allClosed } from './websockets.fixture.ts';

export interface ScriptModule {
  options: Options;
  handleSummary(data: SummaryData): Record<string, string>;
  setup(): unknown;
  [exec: string]: unknown;
}

export interface Ran {
  data: SummaryData;
  outputs: Record<string, string>;
  /** `metric rule` of those that do not hold. */
  broken: string[];
}

/** What k6 has, whether or not there are samples. */
const BUILT_IN: Record<string, Recorded> = {
  http_req_duration: { type: 'trend', contains: 'time', samples: [] },
  http_req_failed: { type: 'rate', contains: 'default', samples: [] },
};

/** @param iterations of each scenario whose load comes at a rate */
export async function runScript(script: ScriptModule, iterations: number): Promise<Ran> {
  const start = Date.now();
  const given = script.setup();
  const scenarios = Object.entries(script.options.scenarios ?? {});
  // What waits for the end of the others begins last, what waits for them to begin first.
  const order = (scenario: Scenario) =>
    scenario.executor !== 'per-vu-iterations' ? 1 : isLate(scenario) ? 2 : 0;
  scenarios.sort(([, a], [, b]) => order(a) - order(b));
  for (const [name, scenario] of scenarios) {
    const startTime = Date.now();
    const exec = script[scenario.exec ?? 'default'];
    if (typeof exec !== 'function') throw new Error(`${name}: the script exports no ${scenario.exec}`);
    const turns = scenario.executor === 'per-vu-iterations' ? (scenario.vus ?? 1) : iterations;
    for (let turn = 1; turn <= turns; turn++) {
      execution.vu = { idInTest: turn };
      execution.scenario = { name, startTime, iterationInTest: turn - 1 };
      Object.assign(currentTags, { scenario: name });
      await exec(given);
      // Sockets are heard in between.
      await pause(0);
    }
    if (order(scenario) === 0) await pause(300);
  }
  await allClosed();
  const data = summaryData(script.options, Date.now() - start);
  const broken = Object.entries(data.metrics).flatMap(([metric, { thresholds }]) =>
    Object.entries(thresholds ?? {}).flatMap(([rule, { ok }]) => (ok ? [] : [`${metric} ${rule}`])),
  );
  return { data, outputs: script.handleSummary(data), broken };
}

function isLate({ startTime }: Scenario): boolean {
  return startTime !== undefined && startTime !== '0s';
}

function summaryData({ thresholds = {} }: Options, testRunDurationMs: number): SummaryData {
  const metrics: Record<string, Metric> = {};
  for (const name of new Set([...recorded.keys(), ...Object.keys(thresholds)])) {
    const metric = selected(name);
    const values = valuesOf(metric, testRunDurationMs);
    const rules = [thresholds[name] ?? []]
      .flat()
      .map((rule) => (typeof rule === 'string' ? rule : rule.threshold));
    metrics[name] = {
      type: metric.type,
      contains: metric.contains,
      values,
      ...(rules.length === 0
        ? {}
        : { thresholds: Object.fromEntries(rules.map((rule) => [rule, { ok: holds(rule, values) }])) }),
    };
  }
  return { metrics, state: { testRunDurationMs }, root_group: { checks: [...checks.values()], groups: [] } };
}

/** Of `metric` or `metric{tag:value,tag:value}`. */
function selected(name: string): Recorded {
  const [, metric = '', filter = ''] = /^([^{]+)(?:\{(.*)\})?$/.exec(name) ?? [];
  const wanted = filter === '' ? [] : filter.split(',').map((pair) => pair.split(':'));
  const all = recorded.get(metric) ??
    BUILT_IN[metric] ?? { type: 'counter', contains: 'default', samples: [] };
  return {
    ...all,
    samples: all.samples.filter(({ tags }) => wanted.every(([tag = '', value]) => tags[tag] === value)),
  };
}

function valuesOf({ type, samples }: Recorded, durationMs: number): Record<string, number> {
  const sorted = samples.map(({ value }) => value).sort((a, b) => a - b);
  const sum = sorted.reduce((a, b) => a + b, 0);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
  switch (type) {
    case 'counter':
      return { count: sum, rate: (1_000 * sum) / durationMs };
    case 'rate':
      return { rate: sorted.length === 0 ? 0 : sum / sorted.length, passes: sum, fails: sorted.length - sum };
    case 'gauge':
      return { value: samples.at(-1)?.value ?? 0, min: at(0), max: at(1) };
    case 'trend':
      return {
        count: sorted.length,
        avg: sorted.length === 0 ? 0 : sum / sorted.length,
        min: at(0),
        med: at(0.5),
        'p(90)': at(0.9),
        'p(95)': at(0.95),
        'p(99)': at(0.99),
        max: at(1),
      };
  }
}

function holds(rule: string, values: Record<string, number>): boolean {
  const [, statistic = '', operator, limit] = /^([a-z]+(?:\(\d+\))?)(<=|>=|==|<|>)([\d.]+)$/.exec(rule) ?? [];
  const value = values[statistic];
  if (value === undefined) throw new Error(`no ${statistic}, which the threshold ${rule} is about`);
  const against = Number(limit);
  if (operator === '<') return value < against;
  if (operator === '<=') return value <= against;
  if (operator === '>') return value > against;
  if (operator === '>=') return value >= against;
  return value === against;
}
