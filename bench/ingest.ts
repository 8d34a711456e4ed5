/**
 * How many beacons does one core take? The real collector (checks, hashes, tells bots and countries, and answers when its log has
 * synchronised them) beside a bare uWebSockets.js server that parses and answers, and the same duties in Fastify.
 *
 * Each is a fresh process on core 0, wrk sends from core 1, and they take turns in a changing order, `ROUNDS` times (3), `SECONDS` each
 * (8), for single beacons (`CONNECTIONS`, 512, wait for their answers side by side) and for arrays.
 */
import { Loads } from './ingest/loads.ts';
import { SERVERS, type ServerName, startServer } from './ingest/servers.ts';
import { saturate } from './load/wrk.ts';
import { useOf } from './processes.ts';
import { hundredths } from './ranges/statistics.ts';
import { keep, load, median } from './result.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 8);
const WARM_UP_SECONDS = Number(process.env.WARM_UP_SECONDS ?? 4);
const [SERVER_CORE, SENDER_CORE] = [0, 1];
/** So many wait for their answers side by side: enough to keep a core busy, and with arrays not so many that it refuses some. */
const LOADS = {
  'single beacons': { beacons: 1, connections: Number(process.env.CONNECTIONS ?? 512) },
  'arrays of 50': { beacons: 50, connections: 32 },
};
type Load = (typeof LOADS)[keyof typeof LOADS];

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
  for (const [name, sent] of Object.entries(LOADS)) {
    const rounds: Rounds = { footfall: [], bare: [], fastify: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of rotated(SERVERS, round)) {
        const figures = await measure(server, sent);
        console.log(`${name}, round ${round + 1}, ${server}: ${JSON.stringify(figures)}`);
        rounds[server].push(figures);
      }
    }
    measured[name] = summary(rounds);
  }
  keep('ingest', {
    question: 'beacons a second that one core takes',
    configuration: `fresh processes on core ${SERVER_CORE}, wrk on core ${SENDER_CORE} with ${LOADS['single beacons'].connections} connections for single beacons and ${LOADS['arrays of 50'].connections} for arrays, ${ROUNDS} rounds of ${SECONDS} s after ${WARM_UP_SECONDS} s in changing order; other work ran on the machine: \`load\` is its load average`,
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

async function measure(name: ServerName, { beacons, connections }: Load): Promise<Round> {
  // Arrays come from applications, whose addresses have no usual limit: what is sent is counted all the same.
  const limit: Record<string, string> = beacons === 1 ? {} : { INGEST_RATE_LIMIT: '1000000000' };
  const server = await startServer(name, SERVER_CORE, limit);
  try {
    const sent = {
      port: server.port,
      requestsFile: loads.of(beacons),
      connections,
      core: SENDER_CORE,
    };
    await saturate({ ...sent, seconds: WARM_UP_SECONDS });
    const before = useOf(server.pid).processorSeconds;
    const { requests, seconds, p50, p99, refused, failed } = await saturate({ ...sent, seconds: SECONDS });
    const used = useOf(server.pid).processorSeconds - before;
    const taken = (requests - refused) * beacons;
    return {
      beaconsASecond: Math.round(taken / seconds),
      processorMicrosecondsABeacon: hundredths((used * 1e6) / taken),
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
