/**
 * What do honest clients lose while hostile ones are there? wrk sends single beacons over `CONNECTIONS` (512) to a collector on one core, in turns
 * without and with the clients of each kind (bench/hostile/kinds.ts), `ROUNDS` times (3), `SECONDS` each (8). Memory is that of the process
 * without the pages of its log.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { KINDS, type KindName } from './hostile/kinds.ts';
import { Loads } from './ingest/loads.ts';
import { startServer } from './ingest/servers.ts';
import { saturate } from './load/wrk.ts';
import { useOf } from './processes.ts';
import { hundredths } from './ranges/statistics.ts';
import { keep, load, median } from './result.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 8);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 512);
const [SERVER_CORE, SENDER_CORE] = [0, 1];
const SETTLE_MS = 1_000;

const loads = new Loads();
try {
  const kinds: Record<string, Awaited<ReturnType<typeof measure>>> = {};
  for (const name of Object.keys(KINDS) as KindName[]) {
    kinds[name] = await measure(name);
    console.log(`${name}: ${JSON.stringify(kinds[name])}`);
  }
  keep('hostile', {
    question: 'the share of their throughput that honest clients keep while hostile ones are there',
    configuration: `one collector on core ${SERVER_CORE}, wrk with ${CONNECTIONS} connections and the hostile clients on core ${SENDER_CORE}, in turns without and with them, ${ROUNDS} rounds of ${SECONDS} s`,
    ratios: Object.fromEntries(Object.entries(kinds).map(([name, { kept }]) => [name, kept])),
    kinds,
  });
} finally {
  loads.remove();
}

async function measure(name: KindName) {
  const server = await startServer('footfall', SERVER_CORE);
  try {
    const honest = async () => {
      const sent = {
        port: server.port,
        requestsFile: loads.of(1),
        connections: CONNECTIONS,
        core: SENDER_CORE,
      };
      const { requests, seconds, p99, failed } = await saturate({ ...sent, seconds: SECONDS });
      return { perSecond: Math.round(requests / seconds), p99, failed };
    };
    await honest();
    const rounds = [];
    for (let round = 0; round < ROUNDS; round++) {
      const without = await honest();
      const memoryWithout = useOf(server.pid).ownMiB;
      const clients = await hostileClients(name, server.port);
      const withThem = await honest();
      const memory = useOf(server.pid).ownMiB;
      const { cut } = await clients.end();
      rounds.push({ without, with: withThem, cut, memoryWithout, memory, load: load() });
      await pause(SETTLE_MS);
    }
    return {
      connections: KINDS[name].connections,
      kept: hundredths(median(rounds.map((each) => each.with.perSecond / each.without.perSecond))),
      memoryMiB: hundredths(Math.max(...rounds.map(({ memory }) => memory))),
      rounds,
    };
  } finally {
    await server.stop();
  }
}

async function hostileClients(name: KindName, port: number) {
  const clients = fork(fileURLToPath(new URL('./hostile/clients.child.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
  });
  clients.send({ name, port });
  await once(clients, 'message');
  return {
    async end(): Promise<{ open: number; cut: number }> {
      clients.send({ end: true });
      const [seen] = await once(clients, 'message');
      await once(clients, 'exit');
      return seen;
    },
  };
}
