/**
 * Does one machine count `RATE` events a second (25,000) for `DURATION` seconds (600), each once, and stay less than `MAX_LAG_SECONDS` (5)
 * behind?
 *
 * Everything runs embedded, as `npm start` runs it, on the same machine as the process that sends: arrays of twenty beacons, at a steady
 * rate after a rise of twenty seconds, whatever the answers. Every second the lag, and memory and processor time of every process, are noted. In the end what
 * was acknowledged is compared with what the stores have. `PROFILE=FOLDER` also keeps processor profiles of a part of the
 * run there, which `bench/profile.ts` reads. Exits 1 where an event was lost or counted twice, or rate or lag were not reached.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Installation, until } from '../integrity/installation.ts';
import { type LagMeter, openLagMeter } from './end-to-end/lag.ts';
import type { SenderAsked, SenderTold } from './end-to-end/messages.ts';
import { differences, storedIn } from './end-to-end/proof.ts';
import { loadReferenceData } from './end-to-end/reference-data.ts';
import { Inspector } from './live/watched.ts';
import { loopMs, thisMachine } from './machine.ts';
import { postmasterOf, threadSeconds, type Use, useOf, useOfTree } from './processes.ts';
import { hundredths } from './ranges/statistics.ts';
import { resultFile } from './result.ts';

const RATE = Number(process.env.RATE ?? 25_000);
const DURATION = Number(process.env.DURATION ?? 600);
const PROFILE = process.env.PROFILE;
const WARM_UP_SECONDS = Math.min(20, DURATION);
const MAX_LAG_SECONDS = Number(process.env.MAX_LAG_SECONDS ?? 5);
/** Of what is due, so much has to be acknowledged when the time is over. */
const REACHED = 0.99;
const PROFILE_SECONDS = Math.min(20, DURATION / 3);
const KEPT_SAMPLES = 60;
const DRAIN_MS = 120_000;
const PARTITIONS = 8;
const SECOND = 1_000;

type Watched = 'collector' | 'pipeline' | 'postgres' | 'sender';

interface Sample {
  second: number;
  sent: number;
  acknowledged: number;
  lagSeconds: number;
  lagFrames: number;
  answeredMs: { p50: number; p99: number };
  /** Of the last second. */
  cores: Record<Watched, number>;
  ownMiB: Record<Watched, number>;
  residentMiB: Record<Watched, number>;
  load: number;
  /** As of {@link loopMs}. */
  loopMs: number;
}

const footfall = await Installation.create({
  PARTITIONS: String(PARTITIONS),
  NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --inspect-port=0`.trim(),
});
const sender = fork(new URL('./end-to-end/sender.child.ts', import.meta.url), {
  execArgv: ['--import', 'tsx'],
});
let meter: LagMeter | undefined;
try {
  await footfall.start();
  const divisions = await loadReferenceData(footfall, 'divisions');
  const communities = await loadReferenceData(footfall, 'communities');
  const pids = { collector: pidOf('collector'), pipeline: pidOf('pipeline'), sender: sender.pid ?? 0 };
  const postmaster = postmasterOf(footfall.folder);
  meter = await openLagMeter(footfall.environment);

  let told: SenderTold | undefined;
  sender.on('message', (message: SenderTold) => {
    told = message;
  });
  const ask = (asked: SenderAsked) => sender.send(asked);
  const use = (): Record<Watched, Use> => ({
    collector: useOf(pids.collector),
    pipeline: useOf(pids.pipeline),
    postgres: useOfTree(postmaster),
    sender: useOf(pids.sender),
  });

  const port = Number(new URL(footfall.collector).port);
  const since = Date.now();
  ask({
    begin: { port, eventsPerSecond: RATE, warmUpSeconds: WARM_UP_SECONDS, communities, divisions },
  });
  await once(sender, 'message');
  await pause(WARM_UP_SECONDS * SECOND);
  const before = told;
  const first = use();
  const threads = threadSeconds(pids.pipeline);
  const profiled = PROFILE === undefined ? undefined : profile(PROFILE, pids);
  const samples = await sampled(DURATION, use, meter, since, () => told);
  ask({ end: true });
  const last = use();
  const threadsUsed = difference(threadSeconds(pids.pipeline), threads);
  await profiled;
  const atEnd = told;

  await until('every request to be acknowledged', DRAIN_MS, () => told?.done === true);
  const drainBegan = performance.now();
  const lagMeter = meter;
  await until('all to be counted', DRAIN_MS, async () => (await lagMeter.read(since)).frames === 0);
  const drainedSeconds = hundredths((performance.now() - drainBegan) / SECOND);
  await meter.close();
  meter = undefined;
  const verified = await footfall.run('verify');
  const units = await unitsOfWork();
  await footfall.stop();
  const stored = await storedIn(footfall.folder, PARTITIONS);

  if (told === undefined || atEnd === undefined || before === undefined)
    throw new Error('the sender has said nothing');
  const events = told.acknowledged;
  // The sender tells once a second, so what was due is compared as of the same two moments, and not by the clock here.
  const counted = atEnd.acknowledged - before.acknowledged;
  const due = atEnd.due - before.due;
  const lags = samples.map(({ lagSeconds }) => lagSeconds).toSorted((a, b) => a - b);
  const maxLag = lags.at(-1) ?? 0;
  const problems = [
    ...differences(stored, told),
    ...(verified.code === 0 ? [] : ['`footfall verify` finds it not in balance']),
    ...(counted >= REACHED * due
      ? []
      : [`${counted} of ${due} events that were due were acknowledged in time`]),
    ...(maxLag < MAX_LAG_SECONDS ? [] : [`counting was ${hundredths(maxLag)} s behind`]),
  ];
  const processor = perThousand(first, last, counted);
  const result = {
    question: `events a second from the collector to all stores, each counted once, with less than ${MAX_LAG_SECONDS} s of lag`,
    date: new Date().toISOString(),
    machine: thisMachine(),
    configuration:
      `npm start: all engines embedded, defaults, ${PARTITIONS} partitions; arrays of 20 beacons over at most 128 connections, sent from the same machine; ` +
      'visits of 6 events 5 s apart, 40 % of visitors return; other work may run beside it: `load` is the load average',
    asked: { eventsPerSecond: RATE, seconds: DURATION, afterWarmUpSeconds: WARM_UP_SECONDS },
    verdict: problems.length === 0 ? 'counted once, in time' : problems,
    eventsPerSecond: Math.round((counted / due) * RATE),
    events,
    repeatedRequests: told.repeats,
    lagSeconds: {
      p50: hundredths(lags[Math.floor(lags.length / 2)] ?? 0),
      p99: hundredths(lags[Math.floor(lags.length * 0.99)] ?? 0),
      max: hundredths(maxLag),
      drainedAfter: drainedSeconds,
    },
    processorSecondsPerThousandEvents: processor,
    threadsOfPipeline: threadsUsed,
    units,
    stored,
    load: { first: samples[0]?.load, last: samples.at(-1)?.load },
    samples: thinned(samples),
  };
  writeFileSync(resultFile('end-to-end.json'), `${JSON.stringify(result, undefined, 2)}\n`);
  const { samples: _, ...summary } = result;
  console.log(JSON.stringify(summary, undefined, 2));
  if (problems.length > 0) process.exitCode = 1;
} finally {
  if (sender.connected) sender.disconnect();
  await meter?.close();
  await footfall.remove();
}

async function sampled(
  seconds: number,
  use: () => Record<Watched, Use>,
  lagMeter: LagMeter,
  since: number,
  told: () => SenderTold | undefined,
): Promise<Sample[]> {
  const samples: Sample[] = [];
  const began = performance.now();
  let before = { at: began, use: use() };
  for (let second = 1; second <= seconds; second++) {
    await pause(Math.max(0, began + second * SECOND - performance.now()));
    const lag = await lagMeter.read(since);
    const now = { at: performance.now(), use: use() };
    const said = told();
    const elapsed = (now.at - before.at) / SECOND;
    samples.push({
      second,
      sent: said?.sent ?? 0,
      acknowledged: said?.acknowledged ?? 0,
      lagSeconds: hundredths(lag.seconds),
      lagFrames: lag.frames,
      answeredMs: said?.answeredMs ?? { p50: 0, p99: 0 },
      cores: eachOf(now.use, (of, name) =>
        hundredths((of.processorSeconds - before.use[name].processorSeconds) / elapsed),
      ),
      ownMiB: eachOf(now.use, ({ ownMiB }) => Math.round(ownMiB)),
      residentMiB: eachOf(now.use, ({ residentMiB }) => Math.round(residentMiB)),
      load: hundredths(loadavg()[0] ?? 0),
      loopMs: loopMs(),
    });
    before = now;
    if (second % 10 === 0) console.error(JSON.stringify(samples.at(-1)));
  }
  return samples;
}

async function profile(folder: string, pids: { collector: number; pipeline: number }): Promise<void> {
  await pause((DURATION * SECOND) / 3);
  mkdirSync(folder, { recursive: true });
  for (const name of ['pipeline', 'collector'] as const) {
    const printed = footfall.output.length;
    const inspector = await Inspector.open(pids[name], () => footfall.output.slice(printed));
    await inspector.call('Profiler.enable');
    await inspector.call('Profiler.setSamplingInterval', { interval: 500 });
    await inspector.call('Profiler.start');
    await pause(PROFILE_SECONDS * SECOND);
    const answer = await inspector.call('Profiler.stop');
    inspector.close();
    writeFileSync(join(folder, `${name}.cpuprofile`), JSON.stringify(answer.profile));
  }
}

function eachOf<T>(all: Record<Watched, Use>, of: (use: Use, name: Watched) => T): Record<Watched, T> {
  return {
    collector: of(all.collector, 'collector'),
    pipeline: of(all.pipeline, 'pipeline'),
    postgres: of(all.postgres, 'postgres'),
    sender: of(all.sender, 'sender'),
  };
}

function perThousand(
  first: Record<Watched, Use>,
  last: Record<Watched, Use>,
  events: number,
): Record<Watched, number> {
  return eachOf(last, ({ processorSeconds }, name) => {
    const seconds = processorSeconds - first[name].processorSeconds;
    return Math.round((seconds / events) * 1_000 * 100_000) / 100_000;
  });
}

/** By name of the thread, most first. */
function difference(now: Map<string, number>, before: Map<string, number>): Record<string, number> {
  return Object.fromEntries(
    [...now]
      .map(([name, seconds]) => [name, hundredths(seconds - (before.get(name) ?? 0))] as const)
      .filter(([, seconds]) => seconds > 0.05)
      .sort(([, a], [, b]) => b - a),
  );
}

function thinned(samples: Sample[]): Sample[] {
  const step = Math.ceil(samples.length / KEPT_SAMPLES);
  return samples.filter(({ second }) => second % step === 0 || second === samples.length);
}

/** The transactions and inserts of the whole run, and what one took on average. */
async function unitsOfWork(): Promise<Record<string, { count: number; meanMs: number }>> {
  const text = await (await fetch(`${footfall.api}/metrics`)).text();
  const figure = (what: string, store: string) =>
    Number(new RegExp(`^footfall_commit_seconds_${what}{store="${store}"} (\\S+)`, 'm').exec(text)?.[1] ?? 0);
  return Object.fromEntries(
    ['sessions', 'analytics'].map((store) => {
      const count = figure('count', store);
      return [store, { count, meanMs: Math.round((figure('sum', store) / count) * SECOND) }];
    }),
  );
}

function pidOf(service: 'collector' | 'pipeline'): number {
  const pid = footfall.pidOf(service);
  if (pid === undefined) throw new Error(`the ${service} does not run`);
  return pid;
}
