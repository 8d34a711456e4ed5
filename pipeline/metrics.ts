/** What the pipeline counts. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { SET_ASIDE_REASONS, type SetAsideReason } from '../contract/outcome.ts';
import type { PartitionLag } from '../kafka/port.ts';
import { LIVE_WORK, type LiveWork } from './live.ts';
import type { StepName } from './steps.ts';

/** What a unit goes through beside the stores, whose time is `footfall_commit_seconds`. */
type UnitStep = StepName | 'live' | 'offset';

export interface PipelineMetrics {
  counted(events: number): void;
  setAside(reason: SetAsideReason, events: number): void;
  converted(visitors: number): void;
  recognised(visitors: number): void;
  retried(store: Store): void;
  committed(store: Store, seconds: number): void;
  step(step: UnitStep, seconds: number): void;
  liveFailed(work: LiveWork): void;
}

const STORES = ['sessions', 'analytics'] as const;
type Store = (typeof STORES)[number];

/** What is read when the metrics are. */
interface Measured {
  /** Of all partitions. */
  lag(): Promise<PartitionLag[]>;
  /** Of those that this process counts, seconds. */
  ages(): Map<number, number>;
}

export function pipelineMetrics(registry: Registry, measured: Measured): PipelineMetrics {
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
  const conversions = new Counter({
    name: 'footfall_conversions_total',
    help: 'Visitors who came without a user and signed in',
    registers,
  });
  const recognised = new Counter({
    name: 'footfall_visitors_recognised_total',
    help: 'Visitors who came before FINGERPRINT_SECRET was changed and have come again since',
    registers,
  });
  const retries = new Counter({
    name: 'footfall_store_retries_total',
    help: 'Tries of a store that failed and were repeated',
    labelNames: ['store'],
    registers,
  });
  const commits = new Histogram({
    name: 'footfall_commit_seconds',
    help: 'Time a unit of work took in a store',
    labelNames: ['store'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const steps = new Histogram({
    name: 'footfall_step_seconds',
    help: 'Time a unit of work took in a step before and after the stores',
    labelNames: ['step'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
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
      this.reset();
      // While the log cannot say it the series is missing: all others have to be served then, too.
      const lag = await measured.lag().catch(() => []);
      for (const { partition, committed, end } of lag) this.set({ partition }, end - committed);
    },
  });
  new Gauge({
    name: 'footfall_lag_seconds',
    help: 'Age of the oldest event that was read and is not counted, by partition',
    labelNames: ['partition'],
    registers,
    collect() {
      this.reset();
      for (const [partition, seconds] of measured.ages()) this.set({ partition }, seconds);
    },
  });

  for (const reason of SET_ASIDE_REASONS) setAside.inc({ reason }, 0);
  for (const store of STORES) retries.inc({ store }, 0);
  for (const work of LIVE_WORK) liveFailures.inc({ work }, 0);

  return {
    counted: (events) => counted.inc(events),
    setAside: (reason, events) => setAside.inc({ reason }, events),
    converted: (visitors) => conversions.inc(visitors),
    recognised: (visitors) => recognised.inc(visitors),
    retried: (store) => retries.inc({ store }),
    liveFailed: (work) => liveFailures.inc({ work }),
    committed: (store, seconds) => commits.observe({ store }, seconds),
    step: (step, seconds) => steps.observe({ step }, seconds),
  };
}
