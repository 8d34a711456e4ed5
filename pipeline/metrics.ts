/** What the pipeline counts. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { SET_ASIDE_REASONS, type SetAsideReason } from '../contract/outcome.ts';
import type { PartitionLag } from '../kafka/port.ts';

export interface PipelineMetrics {
  counted(events: number): void;
  setAside(reason: SetAsideReason, events: number): void;
  retried(store: string): void;
  step(step: string, seconds: number): void;
  liveFailed(work: string): void;
}

export function pipelineMetrics(registry: Registry, lag: () => Promise<PartitionLag[]>): PipelineMetrics {
  const registers = [registry];
  const counted = new Counter({
    name: 'footfall_events_counted_total',
    help: 'Events in the stores, each counted once',
    registers,
  });
  const setAside = new Counter({
    name: 'footfall_events_set_aside_total',
    help: 'Acknowledged events that the pipeline did not count, by reason',
    labelNames: ['reason'],
    registers,
  });
  const retries = new Counter({
    name: 'footfall_store_retries_total',
    help: 'Tries of a store that failed and were repeated',
    labelNames: ['store'],
    registers,
  });
  const steps = new Histogram({
    name: 'footfall_commit_seconds',
    help: 'Time a unit of work took in a store',
    labelNames: ['store'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const liveFailures = new Counter({
    name: 'footfall_live_failures_total',
    help: 'Times that live numbers were not updated, swept or restored, by work; they are caught up with from raw',
    labelNames: ['work'],
    registers,
  });
  new Gauge({
    name: 'footfall_lag_frames',
    help: 'Frames of the log that are not counted yet, by partition',
    labelNames: ['partition'],
    registers,
    async collect() {
      for (const { partition, committed, end } of await lag()) this.set({ partition }, end - committed);
    },
  });

  for (const reason of SET_ASIDE_REASONS) setAside.inc({ reason }, 0);

  return {
    counted: (events) => counted.inc(events),
    setAside: (reason, events) => setAside.inc({ reason }, events),
    retried: (store) => retries.inc({ store }),
    liveFailed: (work) => liveFailures.inc({ work }),
    step: (store, seconds) => steps.observe({ store }, seconds),
  };
}
