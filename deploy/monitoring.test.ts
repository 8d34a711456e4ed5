import { dirname, join } from 'node:path';
import { collectDefaultMetrics, Registry } from 'prom-client';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { isThere, ownServices, probedUrl, readCompose, readHere } from './compose.fixture.ts';
import { anchors, documentedMetrics, headingsOf } from './operations.fixture.ts';
import { asked, shownLabels } from './promql.fixture.ts';

const ALERTS = 'deploy/prometheus/alerts.yml';
const PROMETHEUS = 'deploy/prometheus/prometheus.yml';
const DASHBOARD = 'deploy/grafana/footfall.json';
/** Of Prometheus itself, or given by deploy/prometheus/prometheus.yml. */
const OF_EVERY_SERIES = ['job', 'instance', 'service'];
const GRID_COLUMNS = 24;

const Rule = Type.Object({
  alert: Type.String(),
  expr: Type.String(),
  for: Type.Optional(Type.String({ pattern: '^\\d+[smh]$' })),
  labels: Type.Object({ severity: Type.Enum(['warning', 'critical']) }),
  annotations: Type.Object({ summary: Type.String({ minLength: 10 }), runbook: Type.String() }),
});
const Rules = Type.Object({
  groups: Type.Array(Type.Object({ name: Type.String(), rules: Type.Array(Rule, { minItems: 1 }) })),
});

const Panel = Type.Object({
  id: Type.Integer(),
  type: Type.String(),
  title: Type.String({ minLength: 1 }),
  gridPos: Type.Object({ x: Type.Integer(), y: Type.Integer(), w: Type.Integer(), h: Type.Integer() }),
  targets: Type.Array(Type.Object({ expr: Type.String(), legendFormat: Type.String() }), { default: [] }),
});
type Panel = Static<typeof Panel>;
const Dashboard = Type.Object({ uid: Type.String(), title: Type.String(), panels: Type.Array(Panel) });

const Scrapes = Type.Object({
  rule_files: Type.Array(Type.String()),
  scrape_configs: Type.Tuple([
    Type.Object({
      job_name: Type.String(),
      metrics_path: Type.Literal('/metrics'),
      dns_sd_configs: Type.Array(Type.Object({ names: Type.Array(Type.String()), port: Type.Integer() })),
      relabel_configs: Type.Array(Type.Object({ target_label: Type.String() })),
    }),
  ]),
});

const rules = Value.Parse(Rules, parse(readHere(ALERTS))).groups.flatMap((group) => group.rules);
const named = rules.map((rule): [string, (typeof rules)[number]] => [rule.alert, rule]);
const dashboard = Value.Parse(Dashboard, Value.Default(Dashboard, JSON.parse(readHere(DASHBOARD))));
const panels = dashboard.panels.filter(({ type }) => type !== 'row');

/** Labels by the name of a series that there is. */
const series = new Map<string, string[]>([['up', []]]);

function addSeries(name: string, type: string, labels: string[]): void {
  if (type !== 'histogram') series.set(name, labels);
  else {
    series.set(`${name}_bucket`, [...labels, 'le']);
    for (const part of ['sum', 'count']) series.set(`${name}_${part}`, labels);
  }
}

beforeAll(async () => {
  for (const [name, { type, labels }] of documentedMetrics()) addSeries(name, type, labels);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name, type, values } of await registry.getMetricsAsJSON()) {
    const labels = new Set(values.flatMap((value) => Object.keys(value.labels)));
    labels.delete('le');
    addSeries(name, String(type), [...labels]);
  }
});

/** What an expression, and what is shown of its answer, asks for in vain. */
function missing(expression: string, ...texts: string[]): string[] {
  const { selectors, grouped } = asked(expression);
  const known = (metric: string) => [...(series.get(metric) ?? []), ...OF_EVERY_SERIES];
  const ofAll = selectors.flatMap(({ metric }) => known(metric));
  return [
    ...selectors.filter(({ metric }) => !series.has(metric)).map(({ metric }) => metric),
    ...selectors.flatMap(({ metric, labels }) =>
      labels.filter((label) => !known(metric).includes(label)).map((label) => `${metric}{${label}}`),
    ),
    ...[...grouped, ...texts.flatMap(shownLabels)].filter((label) => !ofAll.includes(label)),
  ];
}

test('what an expression asks for is read out of it', () => {
  expect(asked('sum by (a, le) (rate(x_bucket{b=~"c|d{e}"}[5m])) / on (f) (y{g!="h"} > 0) and z')).toEqual({
    grouped: ['a', 'le', 'f'],
    selectors: [
      { metric: 'x_bucket', labels: ['b'] },
      { metric: 'y', labels: ['g'] },
      { metric: 'z', labels: [] },
    ],
  });
  expect(
    missing('sum by (no_label) (footfall_lag_frames{nor_this="1"}) or no_metric', '{{neither}}'),
  ).toEqual(['no_metric', 'footfall_lag_frames{nor_this}', 'no_label', 'neither']);
});

describe('alerts', () => {
  test('have names of their own', () => {
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
  });

  test.each(named)('%s asks for series and labels that there are, and tells of such', (_, rule) => {
    expect(asked(rule.expr).selectors).not.toEqual([]);
    expect(missing(rule.expr, rule.annotations.summary)).toEqual([]);
  });

  test.each(named)('%s tells of no label that its expression has summed up', (_, { expr, annotations }) => {
    const { grouped } = asked(expr);
    const isSummed = /\b(sum|max|min|avg|count)\b/.test(expr);
    if (isSummed)
      expect(shownLabels(annotations.summary).filter((label) => !grouped.includes(label))).toEqual([]);
  });

  test.each(named)('%s leads to what to do', (alert, { annotations: { runbook } }) => {
    const [file, anchor] = runbook.split('#');
    expect(file).toBe('docs/operations.md');
    expect(anchor).toBe(alert.toLowerCase());
    expect(anchors()).toContain(anchor);
  });

  test('are those of which docs/operations.md says what to do, and no other', () => {
    expect(headingsOf('Alerts')).toEqual(rules.map(({ alert }) => alert));
  });
});

describe('the dashboard', () => {
  test.each(panels.map((panel): [string, Panel] => [panel.title, panel]))(
    '%s asks for series and labels that there are',
    (_, { targets }) => {
      expect(targets).not.toEqual([]);
      for (const { expr, legendFormat } of targets) expect(missing(expr, legendFormat)).toEqual([]);
    },
  );

  test('shows every metric of ours that tells how it goes', () => {
    const shown = panels.flatMap(({ targets }) =>
      targets.flatMap(({ expr }) => asked(expr).selectors.map(({ metric }) => metric)),
    );
    const missed = [...documentedMetrics().keys()].filter(
      (name) => !shown.some((each) => each.replace(/_(bucket|sum|count)$/, '') === name || each === name),
    );
    // Of little use over time: each has its line in the log.
    expect(missed).toEqual([
      'footfall_drops_not_recorded_total',
      'footfall_rate_limits_unshared_total',
      'footfall_reports_failed_total',
      'footfall_erasures_completed_total',
      'footfall_erasures_waiting',
      'footfall_erasures_failures_total',
      'footfall_api_live_store_failures_total',
      'footfall_api_socket_messages_ignored_total',
    ]);
  });

  test('has panels side by side, each with an id of its own', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(GRID_COLUMNS);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          expect(taken.has(`${x},${y}`), title).toBe(false);
          taken.add(`${x},${y}`);
        }
      }
    }
  });
});

describe('Prometheus', () => {
  const { rule_files, scrape_configs } = Value.Parse(Scrapes, parse(readHere(PROMETHEUS)));
  const [scrape] = scrape_configs;

  test('is told of the alerts', () => {
    expect(rule_files.map((file) => join(dirname(PROMETHEUS), file))).toEqual([ALERTS]);
    expect(isThere(ALERTS)).toBe(true);
  });

  test('asks every service of ours, at the port that it serves, under the job of alerts and dashboard', () => {
    const asks = scrape.dns_sd_configs.map(({ names, port }) => [...names, String(port)]);
    const services = ownServices(readCompose());
    expect(asks).toEqual(services.map(([name, container]) => [name, probedUrl(container).port]));
    const text = readHere(ALERTS) + readHere(DASHBOARD);
    for (const [, job] of text.matchAll(/\bjob=\\?"(\w+)/g)) expect(job).toBe(scrape.job_name);
  });

  test('gives series the label that is allowed here', () => {
    expect(OF_EVERY_SERIES).toContain(scrape.relabel_configs[0]?.target_label);
  });
});
