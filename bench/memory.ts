/**
 * How much memory do all processes have, idle after the start, and under `RATE` events a second (20,000) for `DURATION` seconds (600)?
 *
 * Everything runs embedded, as `npm start` runs it. It is idle once it is ready and its memory has stayed about the same for half a minute.
 * The sender, arrays of twenty beacons at a steady rate after a rise of twenty seconds, is a process that is not counted. Every second
 * the memory of each part is noted, as `bench/memory/resident.ts` says. It takes about as long until the pipeline remembers all ids that it ever
 * does. Exits 1 where all together have more than the limits, also while they catch up, or the rate was not reached.
 *
 * Two sums, since neither is all: pages counted once are what the machine has to have. Summed RSS is what most tools show, and
 * counts the program of Node three times and PostgreSQL's buffers once for each of its processes.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Installation, until } from '../integrity/installation.ts';
import type { SenderAsked, SenderTold } from './end-to-end/messages.ts';
import { loadReferenceData } from './end-to-end/reference-data.ts';
import { type ByPart, isSteady, memoryOf, mostOf, type Watch, watch } from './memory/installed.ts';
import { excesses, LIMITS, tableOf } from './memory/report.ts';
import { hundredths } from './ranges/statistics.ts';
import { keep, load } from './result.ts';

const RATE = Number(process.env.RATE ?? 20_000);
const DURATION = Number(process.env.DURATION ?? 600);
const WARM_UP_SECONDS = Math.min(20, DURATION);
/** Of the rate that was asked. */
const REACHED = 0.95;
const STEADY = { seconds: 30, tolerance: 0.02 };
const AFTER_SECONDS = 60;
/** Within which counting has to have caught up. */
const DRAIN_MS = 120_000;
const IDLE_WITHIN_MS = 300_000;
const KEPT_SAMPLES = 60;
const SECOND = 1_000;

const footfall = await Installation.create();
const sender = fork(new URL('./end-to-end/sender.child.ts', import.meta.url), {
  execArgv: ['--import', 'tsx'],
});
let watching: Watch | undefined;
try {
  await footfall.start();
  const divisions = await loadReferenceData(footfall, 'divisions');
  const communities = await loadReferenceData(footfall, 'communities');
  watching = watch(footfall);
  const { samples } = watching;
  await until('its memory to stay the same', IDLE_WITHIN_MS, () =>
    isSteady(samples, STEADY.seconds, STEADY.tolerance),
  );
  const idleSeconds = samples.length;
  const idle = memoryOf(footfall);

  let told: SenderTold | undefined;
  sender.on('message', (message: SenderTold) => {
    told = message;
  });
  const ask = (asked: SenderAsked) => sender.send(asked);
  const port = Number(new URL(footfall.collector).port);
  ask({ begin: { port, eventsPerSecond: RATE, warmUpSeconds: WARM_UP_SECONDS, communities, divisions } });
  await once(sender, 'message');
  await pause(WARM_UP_SECONDS * SECOND);
  const [first, firstCounted] = [told, await counted()];
  const began = performance.now();
  await pause(DURATION * SECOND);
  ask({ end: true });
  const [atEnd, lastCounted] = [told, await counted()];
  const seconds = (performance.now() - began) / SECOND;
  const last = memoryOf(footfall);
  const loadedSeconds = samples.length;
  const most = mostOf(samples.slice(idleSeconds));
  const loadAtEnd = load();
  await until('every request to be acknowledged', DRAIN_MS, () => told?.done === true);
  const acknowledged = told?.acknowledged ?? 0;
  const ended = performance.now();
  const waits = async () => acknowledged - (await counted());
  while ((await waits()) > 0 && performance.now() - ended < DRAIN_MS) await pause(SECOND);
  const uncounted = await waits();
  const drainedSeconds = (performance.now() - ended) / SECOND;
  const catchingUp = mostOf([last, ...samples.slice(loadedSeconds)]);
  await pause(AFTER_SECONDS * SECOND);
  const after = memoryOf(footfall);
  watching.end();
  watching = undefined;

  const eventsPerSecond = {
    asked: RATE,
    acknowledged: Math.round(((atEnd?.acknowledged ?? 0) - (first?.acknowledged ?? 0)) / DURATION),
    counted: Math.round((lastCounted - firstCounted) / seconds),
  };
  const phases = {
    idle: rounded(idle),
    most: rounded(most),
    last: rounded(last),
    catchingUp: rounded(catchingUp),
    after: rounded(after),
  };
  const problems = [
    ...excesses(phases),
    ...(Math.min(eventsPerSecond.acknowledged, eventsPerSecond.counted) >= REACHED * RATE
      ? []
      : [
          `${RATE} events a second were asked for, and these were reached: ${JSON.stringify(eventsPerSecond)}`,
        ]),
    ...(uncounted === 0
      ? []
      : [`${uncounted} events were not counted within ${DRAIN_MS / SECOND} s after that`]),
  ];
  const table = tableOf(phases);
  keep('memory', {
    question: `memory of all processes, idle after the start and under ${RATE} events a second`,
    configuration: `npm start: all engines embedded, defaults; arrays of 20 beacons from a process that is not counted, ${WARM_UP_SECONDS} s in which the rate rises, then ${DURATION} s`,
    ratios: {
      'limit when idle, to what is resident': hundredths(LIMITS.idleMiB / idle.all.onceMiB),
      'limit under load, to what is resident': hundredths(LIMITS.loadedMiB / most.all.onceMiB),
    },
    limits: LIMITS,
    verdict: problems.length === 0 ? 'within the limits' : problems,
    eventsPerSecond,
    events: acknowledged,
    uncounted,
    seconds: { untilIdle: idleSeconds, drained: hundredths(drainedSeconds), after: AFTER_SECONDS },
    load: loadAtEnd,
    ...phases,
    samples: thinned(samples.map(rounded)),
  });
  console.log(`${table}\n${JSON.stringify(eventsPerSecond)}`);
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) process.exitCode = 1;
} finally {
  if (sender.connected) sender.disconnect();
  try {
    watching?.end();
  } finally {
    await footfall.remove();
  }
}

/** Events in the stores since the start, by the pipeline's own word. */
async function counted(): Promise<number> {
  const text = await (await fetch(`${footfall.api}/metrics`)).text();
  return Number(/^footfall_events_counted_total (\S+)/m.exec(text)?.[1] ?? 0);
}

function rounded(by: ByPart): ByPart {
  return JSON.parse(
    JSON.stringify(by, (_, value) => (typeof value === 'number' ? Math.round(value) : value)),
  );
}

function thinned(samples: ByPart[]) {
  const step = Math.ceil(samples.length / KEPT_SAMPLES);
  return samples
    .map((sample, n) => ({ second: n + 1, ...sample }))
    .filter(({ second }) => second % step === 0 || second === samples.length);
}
