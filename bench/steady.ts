/**
 * Is a collector on one core the same after ten minutes? It is sent single beacons at a fixed rate, `SHARE` (0.7) of what it can take, for
 * `SECONDS` (600): how long does a 202 take, and what memory has it? Memory is that of the process without the pages of its log.
 *
 * What it can take is measured with a sender that waits for answers, so that hundreds of requests are there in each turn. At a rate they come one by
 * one, and each costs more: `cores` of a sample says how much of its core the collector had used, and so how near it was to its limit.
 */
import { Loads } from './ingest/loads.ts';
import { startServer } from './ingest/servers.ts';
import { openLoad } from './load/open-loop.ts';
import { saturate } from './load/wrk.ts';
import { loopMs } from './machine.ts';
import { useOf } from './processes.ts';
import { hundredths } from './ranges/statistics.ts';
import { keep, load, median } from './result.ts';

const SHARE = Number(process.env.SHARE ?? 0.7);
const SECONDS = Number(process.env.SECONDS ?? 600);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 512);
const WARM_UP_SECONDS = 5;
const SAMPLES = 60;
const [SERVER_CORE, SENDER_CORE] = [0, 1];

interface Sample {
  second: number;
  memoryMiB: number;
  residentMiB: number;
  cores: number;
  load: number;
  /** As of {@link loopMs}. */
  loopMs: number;
}

const loads = new Loads();
const server = await startServer('footfall', SERVER_CORE, { LOG_MAX_BYTES: `${64e9}` });
try {
  const sent = { port: server.port, requestsFile: loads.of(1), connections: CONNECTIONS };
  await saturate({ ...sent, seconds: WARM_UP_SECONDS, core: SENDER_CORE });
  const most = await saturate({ ...sent, seconds: WARM_UP_SECONDS, core: SENDER_CORE });
  const mostASecond = most.requests / most.seconds;
  const requestsASecond = Math.round(mostASecond * SHARE);
  const samples: Sample[] = [];
  const began = performance.now();
  let used = useOf(server.pid).processorSeconds;
  let at = began;
  const sampling = setInterval(
    () => {
      const [now, nowUsed] = [performance.now(), useOf(server.pid).processorSeconds];
      samples.push({
        second: Math.round((now - began) / 1_000),
        memoryMiB: useOf(server.pid).ownMiB,
        residentMiB: useOf(server.pid).residentMiB,
        cores: hundredths(((nowUsed - used) * 1_000) / (now - at)),
        load: load(),
        loopMs: loopMs(),
      });
      [used, at] = [nowUsed, now];
    },
    (SECONDS * 1_000) / SAMPLES,
  );
  const { bySecond, ...seen } = await openLoad({ ...sent, requestsASecond, seconds: SECONDS }, SENDER_CORE);
  clearInterval(sampling);
  const thirds = [0, 1, 2].map((third) => {
    const part = samples.slice((third * samples.length) / 3, ((third + 1) * samples.length) / 3);
    return Math.round(part.reduce((sum, { memoryMiB }) => sum + memoryMiB, 0) / part.length);
  });
  keep('steady', {
    question: `latency and memory of a collector at ${SHARE * 100} % of its most`,
    configuration: `one collector on core ${SERVER_CORE}, the sender on core ${SENDER_CORE} with ${CONNECTIONS} connections, ${requestsASecond} single beacons a second for ${SECONDS} s`,
    ratios: { 'memory of the first third, to the last': hundredths((thirds[0] ?? 0) / (thirds[2] ?? 1)) },
    mostASecond: Math.round(mostASecond),
    requestsASecond,
    ...seen,
    memoryMiBByThird: thirds,
    samples: samples.map((sample, n) => ({
      ...sample,
      ...worstOf(bySecond.slice(samples[n - 1]?.second ?? 0, sample.second)),
    })),
  });
  console.log(JSON.stringify({ requestsASecond, ...seen, thirds }));
} finally {
  await server.stop();
  loads.remove();
}

/** p50 of the middle second; of the others that of the worst. */
function worstOf(seconds: Awaited<ReturnType<typeof openLoad>>['bySecond']) {
  if (seconds.length === 0) return {};
  const most = (of: (second: (typeof seconds)[number]) => number) => Math.max(...seconds.map(of));
  return {
    p50: hundredths(median(seconds.map(({ p50 }) => p50))),
    p99: most(({ p99 }) => p99),
    max: most(({ max }) => max),
    senderStoodMs: most((second) => second.senderStoodMs),
  };
}
