/** What is counted of the return intervals. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { IntervalsReport } from '../clickhouse/port.ts';

/** Days that were over were closed, or only open ones derived, or nothing had changed. */
const WORK = ['close', 'update'] as const;

export interface ClosingMetrics {
  updated(report: IntervalsReport, seconds: number): void;
  failed(): void;
}

export function closingMetrics(registry: Registry): ClosingMetrics {
  const registers = [registry];
  const closedThrough = new Gauge({
    name: 'footfall_closed_through_timestamp_seconds',
    help: 'The last closed day, as its midnight in UTC',
    registers,
  });
  const updated = new Gauge({
    name: 'footfall_intervals_updated_timestamp_seconds',
    help: 'When the return intervals were last seen to be up to date',
    registers,
  });
  const seconds = new Histogram({
    name: 'footfall_intervals_seconds',
    help: 'Time that bringing the return intervals up to date took, by work',
    labelNames: ['work'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900],
    registers,
  });
  const outOfReach = new Gauge({
    name: 'footfall_days_out_of_reach',
    help: 'Closed days with late events that are not counted, because raw no longer has all others of the month',
    registers,
  });
  const failures = new Counter({
    name: 'footfall_intervals_failures_total',
    help: 'Times that the return intervals were not brought up to date; they are caught up with',
    registers,
  });
  for (const work of WORK) seconds.zero({ work });

  return {
    failed: () => failures.inc(),
    updated(report, took) {
      seconds.observe({ work: report.derivedFrom === undefined ? 'update' : 'close' }, took);
      updated.setToCurrentTime();
      outOfReach.set(report.outOfReach.length);
      if (report.closedThrough !== undefined) closedThrough.set(Date.parse(report.closedThrough) / 1_000);
    },
  };
}
