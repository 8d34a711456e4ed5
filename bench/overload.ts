/**
 * What happens to a collector on one core that is sent `TIMES` (3) as much as it can take? It must answer what it can, refuse the rest with
 * `Retry-After`, lose nothing that it acknowledged, and be itself again within 5 s.
 *
 * Arrays of 50, at a fixed rate over `CONNECTIONS` (1,000), for `SECONDS` (20), `ROUNDS` times (3), each in a fresh process. Before: what it can
 * take. After: a request every 10 ms. In the end the log is read, and has every beacon that was answered 202.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { openLog } from '../kafka/open.ts';
import { Loads } from './ingest/loads.ts';
import { startServer } from './ingest/servers.ts';
import { openLoad } from './load/open-loop.ts';
import { saturate } from './load/wrk.ts';
import { hundredths } from './ranges/statistics.ts';
import { keep, load, median } from './result.ts';

const TIMES = Number(process.env.TIMES ?? 3);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 20);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 1_000);
const BEACONS = 50;
const [SERVER_CORE, SENDER_CORE] = [0, 1];
const RECOVERED_MS = 50;
const RECOVERY_SECONDS = 5;
const PARTITIONS = 8;
const READ_TIMEOUT_MS = 120_000;

const loads = new Loads();
try {
  const rounds: Awaited<ReturnType<typeof measure>>[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const figures = await measure();
    console.log(`round ${round + 1}: ${JSON.stringify(figures)}`);
    rounds.push(figures);
  }
  const of = (figure: (round: (typeof rounds)[number]) => number) => median(rounds.map(figure));
  keep('overload', {
    question: `what a collector does that is sent ${TIMES} times as much as it can take`,
    configuration: `one collector on core ${SERVER_CORE}, the sender on core ${SENDER_CORE} with ${CONNECTIONS} connections, arrays of ${BEACONS}, ${ROUNDS} rounds of ${SECONDS} s in fresh processes`,
    ratios: {
      'accepted a second, to its most without overload': hundredths(
        of(({ acceptedASecond, mostASecond }) => acceptedASecond / mostASecond),
      ),
      'p99 without overload, to that of what is accepted': hundredths(
        of(({ p99WithoutOverload, accepted }) => p99WithoutOverload / accepted.p99),
      ),
    },
    acceptedP99: of(({ accepted }) => accepted.p99),
    recoveredInSeconds: of(({ recoveredInSeconds }) => recoveredInSeconds),
    lost: rounds.reduce((sum, { lost }) => sum + lost, 0),
    withoutRetryAfter: rounds.reduce((sum, round) => sum + round.withoutRetryAfter, 0),
    rounds,
  });
  if (rounds.some(({ lost, withoutRetryAfter }) => lost > 0 || withoutRetryAfter > 0)) process.exitCode = 1;
} finally {
  loads.remove();
}

async function measure() {
  // The limit of an address is another one.
  const server = await startServer('footfall', SERVER_CORE, {
    INGEST_RATE_LIMIT: '0',
    LOG_MAX_BYTES: `${64e9}`,
  });
  try {
    const requestsFile = loads.of(BEACONS);
    const warm = { port: server.port, requestsFile, connections: 128, core: SENDER_CORE };
    const before = await saturate({ ...warm, seconds: 5 });
    const most = await saturate({ ...warm, seconds: 5 });
    const mostASecond = most.requests / most.seconds;
    const requestsASecond = Math.round(mostASecond * TIMES);
    const sent = { port: server.port, requestsFile, connections: CONNECTIONS };
    const seen = await openLoad({ ...sent, requestsASecond, seconds: SECONDS }, SENDER_CORE);
    const after = await recovery(server.port);
    const { 202: taken = 0 } = seen.byStatus;
    const acknowledged =
      (before.requests - before.refused + most.requests - most.refused + taken) * BEACONS +
      after.acknowledged;
    await server.terminate();
    return {
      mostASecond: Math.round(mostASecond),
      p99WithoutOverload: most.p99,
      requestsASecond,
      acceptedASecond: Math.round(taken / SECONDS),
      ...seen,
      recoveredInSeconds: after.seconds,
      acknowledged,
      lost: Math.max(0, acknowledged - (await eventsIn(`${server.folder}/log`))),
      load: load(),
    };
  } finally {
    await server.stop();
  }
}

/** Seconds until one of the requests, sent every 10 ms, and all after it are accepted soon. */
async function recovery(port: number): Promise<{ seconds: number; acknowledged: number }> {
  const began = performance.now();
  const since = () => (performance.now() - began) / 1_000;
  let [troubledUntil, acknowledged] = [0, 0];
  const probe = async () => {
    const sentAt = performance.now();
    const answer = await fetch(`http://127.0.0.1:${port}/e`, {
      method: 'POST',
      headers: {
        'Content-Type': 'text/plain',
        'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0',
      },
      body: JSON.stringify({ url: '/after', fingerprint: 'who comes after' }),
    });
    if (answer.status === 202) acknowledged += 1;
    if (answer.status !== 202 || performance.now() - sentAt > RECOVERED_MS) troubledUntil = since();
  };
  const probes: Promise<void>[] = [];
  while (since() < RECOVERY_SECONDS) {
    probes.push(probe());
    await pause(10);
  }
  await Promise.all(probes);
  return { seconds: hundredths(troubledUntil), acknowledged };
}

async function eventsIn(folder: string): Promise<number> {
  const log = await openLog(`lmdb://${folder}`, {
    partitions: PARTITIONS,
    retentionMs: 3_600_000,
    retentionBytes: 32e9,
    maxBytes: 64e9,
  });
  let events = 0;
  const subscription = await log.subscribe('bench', {
    assigned: async (_partition, committed) => committed,
    async batch({ frames }) {
      for (const { body } of frames) for (const byte of body) if (byte === 10) events += 1;
    },
    revoked() {},
  });
  const deadline = performance.now() + READ_TIMEOUT_MS;
  for (let before = -1; before !== events && performance.now() < deadline; await pause(2_000))
    before = events;
  await subscription.close();
  await log.close();
  return events;
}
