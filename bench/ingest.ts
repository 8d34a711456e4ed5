/**
 * How many beacons does one core take? The real collector (checks, hashes, tells bots and countries, and answers when its log has
 * synchronised them) beside a bare uWebSockets.js server that parses and answers, and the same duties in Fastify.
 *
 * Each is a fresh process on core 0, wrk sends from core 1, and they take turns in a changing order, `ROUNDS` times (3), `SECONDS` each
 * (8), for single beacons and for arrays. `CONNECTIONS` (512) wait for their answers side by side.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { SERVERS, type ServerName, startServer } from './ingest/servers.ts';
import { processorSeconds } from './live/watched.ts';
import { requestsOf, writeRequests } from './load/requests.ts';
import { saturate } from './load/wrk.ts';
import { thisMachine } from './machine.ts';
import { hundredths } from './ranges/statistics.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 8);
const WARM_UP_SECONDS = Number(process.env.WARM_UP_SECONDS ?? 3);
const CONNECTIONS = Number(process.env.CONNECTIONS ?? 512);
const RESULT = process.env.INGEST_RESULT ?? new URL('./results/ingest.json', import.meta.url).pathname;
const [SERVER_CORE, SENDER_CORE] = [0, 1];
const LOADS = [
  { name: 'single beacons', beacons: 1, requests: 50_000 },
  { name: 'arrays of 50', beacons: 50, requests: 2_000 },
] as const;
const VISITORS = 40_000;

interface Round {
  beaconsASecond: number;
  processorMicrosecondsABeacon: number;
  p50: number;
  p99: number;
  refused: number;
  failed: number;
  load: number;
}

const folder = mkdtempSync(join(tmpdir(), 'footfall-bench-'));
try {
  const results = [];
  for (const { name, beacons, requests } of LOADS) {
    const requestsFile = join(folder, `requests-${beacons}`);
    writeRequests(requestsFile, requestsOf({ seed: 1, requests, beacons, visitors: VISITORS }));
    const rounds = Object.fromEntries(SERVERS.map((server) => [server, [] as Round[]])) as Record<
      ServerName,
      Round[]
    >;
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of rotated(SERVERS, round)) {
        const figures = await measure(server, requestsFile, beacons);
        console.log(`${name}, round ${round + 1}, ${server}: ${JSON.stringify(figures)}`);
        rounds[server].push(figures);
      }
    }
    results.push({ name, ...summary(rounds), rounds });
  }
  const result = {
    question: 'beacons a second that one core takes',
    date: new Date().toISOString(),
    machine: thisMachine(),
    configuration: `fresh processes on core ${SERVER_CORE}, wrk on core ${SENDER_CORE} with ${CONNECTIONS} connections, ${ROUNDS} rounds of ${SECONDS} s after ${WARM_UP_SECONDS} s in changing order; other work ran on the machine: \`load\` is its load average`,
    results,
  };
  writeFileSync(RESULT, `${JSON.stringify(result, undefined, 2)}\n`);
  for (const { name, median, ofBare } of results)
    console.log(name, JSON.stringify({ median, ofBare }, undefined, 2));
} finally {
  rmSync(folder, { recursive: true });
}

async function measure(name: ServerName, requestsFile: string, beacons: number): Promise<Round> {
  const server = await startServer(name, SERVER_CORE);
  try {
    const load = { port: server.port, requestsFile, connections: CONNECTIONS, core: SENDER_CORE };
    await saturate({ ...load, seconds: WARM_UP_SECONDS });
    const before = processorSeconds(server.pid);
    const { requests, seconds, p50, p99, refused, failed } = await saturate({ ...load, seconds: SECONDS });
    const used = processorSeconds(server.pid) - before;
    return {
      beaconsASecond: Math.round((requests * beacons) / seconds),
      processorMicrosecondsABeacon: hundredths((used * 1e6) / (requests * beacons)),
      p50,
      p99,
      refused,
      failed,
      load: hundredths(loadavg()[0] ?? 0),
    };
  } finally {
    await server.stop();
  }
}

function summary(rounds: Record<ServerName, Round[]>) {
  const median = Object.fromEntries(
    SERVERS.map((server) => [server, middle(rounds[server].map(({ beaconsASecond }) => beaconsASecond))]),
  ) as Record<ServerName, number>;
  const ofBare = Object.fromEntries(
    SERVERS.map((server) => [
      server,
      hundredths(
        middle(
          rounds[server].map(
            ({ beaconsASecond }, n) => beaconsASecond / (rounds.bare[n]?.beaconsASecond ?? 0),
          ),
        ),
      ),
    ]),
  );
  return { median, ofBare };
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  const first = by % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
}

function middle(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
