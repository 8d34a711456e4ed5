/** A virtual user who is an operator: reads `/metrics` of the system under test while others load it. */
import { check, sleep } from 'k6';
import http from 'k6/http';
import { Gauge, Trend } from 'k6/metrics';
import type { Scenario } from 'k6/options';
import { growthOf } from './growth.ts';
import type { Options } from './options.ts';
import { sumOf } from './prometheus.ts';

const lagFrames = new Trend('system_lag_frames');
const spoolFrames = new Trend('system_spool_frames');
const memoryMiB = new Trend('system_memory_mib');
/** Of the process that grew most. */
const memoryGrowth = new Gauge('system_memory_growth_percent');
/** From the end of the load until nothing waits. */
const caughtUpMs = new Trend('system_caught_up', true);
/** Beacons that were accepted and are in no count, nor set aside. */
const missing = new Gauge('system_events_missing');

const SECOND = 1_000;
const MIB = 1024 ** 2;
const READ_EVERY_S = 2;
const LONGEST_CATCH_UP_S = 60;
const NAMES = {
  lag: 'footfall_lag_frames',
  spool: 'footfall_spool_frames',
  accepted: 'footfall_beacons_accepted_total',
  counted: 'footfall_events_counted_total',
  setAside: 'footfall_events_set_aside_total',
} as const;
const MEMORY = 'process_resident_memory_bytes';

export type Readings = Record<keyof typeof NAMES, number>;

/** Of each that is asked, in order. */
interface Seen {
  readonly sums: Readings;
  readonly memoryMiB: number[];
}

/** For `setup`: what was counted before the run. An address without metrics ends the run. */
export function readBefore(options: Options): Readings {
  const before = read(options).sums;
  for (const name of ['lag', 'accepted'] as const) {
    if (Number.isNaN(before[name])) {
      throw new Error(
        `METRICS_URLS: nothing at ${options.metricsUrls.join(', ')} serves ${NAMES[name]}; name collector and pipeline, as they are reached inside`,
      );
    }
  }
  return before;
}

export function reading(exec: string, durationS: number): Scenario {
  return {
    executor: 'constant-arrival-rate',
    exec,
    rate: 1,
    timeUnit: `${READ_EVERY_S}s`,
    duration: `${durationS}s`,
    // One, since it remembers what it has read.
    preAllocatedVUs: 1,
    maxVUs: 1,
  };
}

export function catchingUp(exec: string, startS: number): Scenario {
  return {
    executor: 'per-vu-iterations',
    exec,
    vus: 1,
    iterations: 1,
    startTime: `${startS}s`,
    maxDuration: `${LONGEST_CATCH_UP_S + 10}s`,
  };
}

export function reader(options: Options): () => void {
  const history: number[][] = [];
  return () => {
    const seen = read(options);
    lagFrames.add(seen.sums.lag);
    spoolFrames.add(seen.sums.spool || 0);
    seen.memoryMiB.forEach((mib, i) => {
      memoryMiB.add(mib, { of: options.metricsUrls[i] ?? '' });
      const samples = history[i] ?? [];
      history[i] = samples;
      samples.push(mib);
    });
    memoryGrowth.add(Math.max(0, ...history.map(growthOf)));
  };
}

/** Waits until the system has counted what it was sent. */
export function settle(options: Options): (before: Readings) => void {
  return (before) => {
    const start = Date.now();
    let now = read(options).sums;
    while (!isSettled(now, before) && Date.now() - start < LONGEST_CATCH_UP_S * SECOND) {
      sleep(0.2);
      now = read(options).sums;
    }
    caughtUpMs.add(Date.now() - start);
    missing.add(missingOf(now, before));
    check(now, { 'nothing waits to be counted': ({ lag, spool }) => lag === 0 && !(spool > 0) });
  };
}

/** The counters are told a moment after the lag is gone. */
function isSettled(now: Readings, before: Readings): boolean {
  return now.lag === 0 && !(now.spool > 0) && missingOf(now, before) === 0;
}

/** What waited before the run was accepted before it and is counted in it: then nothing can be said. */
function missingOf(now: Readings, before: Readings): number {
  if (before.lag > 0) return 0;
  const since = (name: keyof Readings) => now[name] - before[name];
  return since('accepted') - since('counted') - since('setAside');
}

function read({ metricsUrls }: Options): Seen {
  const texts = metricsUrls.map((url) => {
    const { status, body } = http.get(`${url}/metrics`, { tags: { name: 'metrics' }, responseType: 'text' });
    return status === 200 ? body : '';
  });
  const sum = (name: string) => {
    const found = texts.map((text) => sumOf(text, name)).filter((value) => value !== undefined);
    return found.length === 0 ? Number.NaN : found.reduce((a, b) => a + b, 0);
  };
  return {
    sums: {
      lag: sum(NAMES.lag),
      spool: sum(NAMES.spool),
      accepted: sum(NAMES.accepted),
      counted: sum(NAMES.counted),
      setAside: sum(NAMES.setAside),
    },
    memoryMiB: texts.map((text) => (sumOf(text, MEMORY) ?? 0) / MIB),
  };
}
