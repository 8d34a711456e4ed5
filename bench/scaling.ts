/**
 * Does the cost of a beacon depend on how many come? Processor time a beacon of one collector at fixed rates of single beacons, `SECONDS` each (8),
 * up and down again, beside a bare server: a core that wakes up for each has nothing in its caches, whatever it does then. And what do two collectors take that share a port, beside one?
 * There the sender has to share the two cores with them, so that is a lower bound.
 */
import { Loads } from './ingest/loads.ts';
import { type ServerName, startServer } from './ingest/servers.ts';
import { openLoad } from './load/open-loop.ts';
import { saturate } from './load/wrk.ts';
import { childrenOf, useOf } from './processes.ts';
import { hundredths } from './ranges/statistics.ts';
import { keep, load, median } from './result.ts';

const SECONDS = Number(process.env.SECONDS ?? 8);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 512);
const RATES = [1_000, 5_000, 10_000, 20_000];
const ARRAY = 20;
const SHARED_PORT = Number(process.env.SHARED_PORT ?? 18_480);
const [SERVER_CORE, SENDER_CORE] = [0, 1];

const loads = new Loads();
try {
  const cost = { footfall: await costByRate('footfall'), bare: await costByRate('bare') };
  const collectors = await byCollectors();
  const growth = (server: keyof typeof cost) => {
    const at = (rate: number | undefined) =>
      median(cost[server].filter((each) => each.rate === rate).map((each) => each.microseconds));
    return at(RATES[0]) / at(RATES.at(-1));
  };
  const of = (processes: number) =>
    median(collectors.filter((each) => each.processes === processes).map((each) => each.beaconsASecond));
  keep('scaling', {
    question: 'processor time a beacon at every rate, and beacons a second of several collectors',
    configuration: `single beacons at fixed rates to one collector on core ${SERVER_CORE}; arrays of ${ARRAY} to collectors on both cores, which wrk shares`,
    ratios: {
      [`growth of a bare server's time a beacon from ${RATES.at(-1)} to ${RATES[0]} a second, to ours`]:
        hundredths(growth('bare') / growth('footfall')),
      'two collectors, to one': hundredths(of(2) / of(1)),
    },
    cost,
    collectors,
  });
} finally {
  loads.remove();
}

async function costByRate(name: ServerName) {
  const server = await startServer(name, SERVER_CORE);
  const figures = [];
  try {
    const sent = { port: server.port, requestsFile: loads.of(1), connections: CONNECTIONS };
    await saturate({ ...sent, seconds: SECONDS, core: SENDER_CORE });
    for (const rate of [...RATES, ...RATES.toReversed()]) {
      const before = useOf(server.pid).processorSeconds;
      const { answered, accepted } = await openLoad(
        { ...sent, requestsASecond: rate, seconds: SECONDS },
        SENDER_CORE,
      );
      const microseconds = hundredths(((useOf(server.pid).processorSeconds - before) * 1e6) / answered);
      const figure = { server: name, rate, microseconds, ...accepted, load: load() };
      console.log(JSON.stringify(figure));
      figures.push(figure);
    }
    return figures;
  } finally {
    await server.stop();
  }
}

async function byCollectors() {
  const figures = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const processes of [1, 2]) {
      const server = await startServer('footfall', undefined, {
        INGEST_PORT: `${SHARED_PORT}`,
        INGEST_PROCESSES: `${processes}`,
        INGEST_RATE_LIMIT: '0',
      });
      try {
        const sent = { port: server.port, requestsFile: loads.of(ARRAY), connections: CONNECTIONS };
        await saturate({ ...sent, seconds: SECONDS / 2 });
        const before = [server.pid, ...childrenOf(server.pid)].map(
          (pid) => [pid, useOf(pid).processorSeconds] as const,
        );
        const { requests, seconds, refused } = await saturate({ ...sent, seconds: SECONDS });
        const cores = before.map(([pid, used]) => hundredths((useOf(pid).processorSeconds - used) / seconds));
        const figure = {
          processes,
          beaconsASecond: Math.round(((requests - refused) * ARRAY) / seconds),
          cores: cores.filter((share) => share > 0.01),
          load: load(),
        };
        console.log(JSON.stringify(figure));
        figures.push(figure);
      } finally {
        await server.stop();
      }
    }
  }
  return figures;
}
