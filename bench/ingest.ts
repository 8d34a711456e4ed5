/**
 * How many beacons does one core take? The real collector (checks, hashes, tells bots and countries, and answers when its log has
 * synchronised them) beside a bare uWebSockets.js server that parses and answers, and the same duties in Fastify.
 *
 * Each is a fresh process on core 0, wrk sends from core 1, and they take turns in a changing order, `ROUNDS` times (3), `SECONDS` each
 * (8), for single beacons and for arrays. `CONNECTIONS` (512) wait for their answers side by side.
 */
import { Loads } from './ingest/loads.ts';
import { SERVERS, type ServerName, startServer } from './ingest/servers.ts';
import { processorSeconds } from './live/watched.ts';
import { saturate } from './load/wrk.ts';
import { hundredths } from './ranges/statistics.ts';
import { keep, load, median } from './result.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 8);
const WARM_UP_SECONDS = Number(process.env.WARM_UP_SECONDS ?? 4);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 512);
const [SERVER_CORE, SENDER_CORE] = [0, 1];
const LOADS = { 'single beacons': 1, 'arrays of 50': 50 };

interface Round {
  beaconsASecond: number;
  processorMicrosecondsABeacon: number;
  p50: number;
  p99: number;
  refused: number;
  failed: number;
  load: number;
}
type Rounds = Record<ServerName, Round[]>;

const loads = new Loads();
try {
  const measured: Record<string, ReturnType<typeof summary>> = {};
  for (const [name, beacons] of Object.entries(LOADS)) {
    const rounds: Rounds = { footfall: [], bare: [], fastify: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of rotated(SERVERS, round)) {
        const figures = await measure(server, beacons);
        console.log(`${name}, round ${round + 1}, ${server}: ${JSON.stringify(figures)}`);
        rounds[server].push(figures);
      }
    }
    measured[name] = summary(rounds);
  }
  keep('ingest', {
    question: 'beacons a second that one core takes',
    configuration: `fresh processes on core ${SERVER_CORE}, wrk on core ${SENDER_CORE} with ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s after ${WARM_UP_SECONDS} s in changing order; other work ran on the machine: \`load\` is its load average`,
    ratios: Object.fromEntries(
      Object.entries(measured).flatMap(([name, { toBare, toFastify }]) => [
        [`${name}, to bare uWebSockets.js`, toBare],
        [`${name}, to Fastify`, toFastify],
      ]),
    ),
    measured,
  });
} finally {
  loads.remove();
}

async function measure(name: ServerName, beacons: number): Promise<Round> {
  const server = await startServer(name, SERVER_CORE);
  try {
    const sent = {
      port: server.port,
      requestsFile: loads.of(beacons),
      connections: CONNECTIONS,
      core: SENDER_CORE,
    };
    await saturate({ ...sent, seconds: WARM_UP_SECONDS });
    const before = processorSeconds(server.pid);
    const { requests, seconds, p50, p99, refused, failed } = await saturate({ ...sent, seconds: SECONDS });
    const used = processorSeconds(server.pid) - before;
    return {
      beaconsASecond: Math.round((requests * beacons) / seconds),
      processorMicrosecondsABeacon: hundredths((used * 1e6) / (requests * beacons)),
      p50,
      p99,
      refused,
      failed,
      load: load(),
    };
  } finally {
    await server.stop();
  }
}

function summary(rounds: Rounds) {
  const rateOf = (server: ServerName) => median(rounds[server].map(({ beaconsASecond }) => beaconsASecond));
  const ratioTo = (control: ServerName) =>
    hundredths(
      median(
        rounds.footfall.map(
          ({ beaconsASecond }, n) => beaconsASecond / (rounds[control][n]?.beaconsASecond ?? Number.NaN),
        ),
      ),
    );
  return {
    beaconsASecond: { footfall: rateOf('footfall'), bare: rateOf('bare'), fastify: rateOf('fastify') },
    toBare: ratioTo('bare'),
    toFastify: ratioTo('fastify'),
    rounds,
  };
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}
