/**
 * How long after its 202 is a visitor at the sockets, when `SOCKETS` of them (10,000) hang on one query API and `BEACONS` a second (2,000) are
 * counted behind it; and how much memory does a socket take?
 *
 * Everything runs embedded, as `npm start` runs it, so the query API shares its process with the pipeline. One process holds the
 * sockets, one sends the beacons: visitors who come and go. The control is a bare `ws` server in a process of its own, which
 * broadcasts the messages that a socket of ours has just received, at the same distances, to as many sockets, while the same beacons
 * are counted. They take turns, `ROUNDS` times, `SECONDS` each. Latency ends where the process of the sockets has read the message.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { Installation } from '../integrity/installation.ts';
import { signToken } from '../query-api/auth.ts';
import type {
  Arrived,
  BeaconsAsked,
  BeaconsTold,
  ControlAsked,
  ControlTold,
  Sent,
  SocketsAsked,
  SocketsTold,
} from './live/messages.ts';
import { Inspector, type Usage } from './live/watched.ts';
import { thisMachine } from './machine.ts';
import { useOf } from './processes.ts';
import { hundredths, type Spread, spread } from './ranges/statistics.ts';
import { resultFile } from './result.ts';

const SOCKETS = Number(process.env.SOCKETS ?? 10_000);
const BEACONS = Number(process.env.BEACONS ?? 2_000);
const ROUNDS = Number(process.env.ROUNDS ?? 3);
const SECONDS = Number(process.env.SECONDS ?? 20);
/** What one address and one user may have. */
const SOCKETS_AN_ADDRESS = 100;
const SOCKETS_A_USER = 50;
const STAY_SECONDS = 5;
const SETTLE_MS = 2_000;
const SECOND = 1_000;
/** One of so many sockets is looked at for every visitor. */
const EVERY_NTH = 50;
const SECRET = 'a secret of the bench, long enough for HS256';

interface Side extends ReturnType<typeof latencies> {
  processor: Record<string, number>;
  load: number;
}
interface ControlSide {
  fromSend: Spread;
  messages: number;
  lost: number;
  processor: Record<string, number>;
  /** Of the whole machine, over the last minute: what else ran there. */
  load: number;
}

requireFiles(SOCKETS + 1_000);
const footfall = await Installation.create({
  JWT_SECRET: SECRET,
  FINGERPRINT_SECRET: SECRET,
  NODE_OPTIONS: '--inspect-port=0',
});
const children: ChildProcess[] = [];
try {
  await footfall.start();
  const pids = { collector: pidOf('collector'), api: pidOf('pipeline') };
  const inspector = await Inspector.open(pids.api, () => footfall.output);
  const sockets = child<SocketsAsked, SocketsTold>('sockets');
  const beacons = child<BeaconsAsked, BeaconsTold>('beacons');
  const tokens = await Promise.all(
    Array.from({ length: Math.ceil(SOCKETS / SOCKETS_A_USER) }, (_, n) =>
      signToken({ staff: true, subject: `admin ${n}`, expiresIn: 7_200 }, SECRET),
    ),
  );

  const ours: Side[] = [];
  const control: ControlSide[] = [];
  const memory = await memoryOfSockets();
  beacons.ask({
    send: {
      port: Number(new URL(footfall.collector).port),
      perSecond: BEACONS,
      staySeconds: STAY_SECONDS,
      communities: Array.from(
        { length: 20 },
        (_, n) => `20000000-0000-4000-8000-${String(n).padStart(12, '0')}`,
      ),
      fingerprintSecret: SECRET,
    },
  });
  await pause(STAY_SECONDS * SECOND + SETTLE_MS);
  for (let round = 0; round < ROUNDS; round++) {
    const { recorded, ...figures } = await ourTurn();
    console.log(`round ${round + 1}, footfall: ${JSON.stringify(figures)}`);
    ours.push(figures);
    const figuresOfControl = await controlTurn(recorded);
    console.log(`round ${round + 1}, ws: ${JSON.stringify(figuresOfControl)}`);
    control.push(figuresOfControl);
  }
  report(ours, control, memory);
  requireSense(ours, control);
  inspector.close();

  function open(url: string, path: string): Promise<SocketsTold> {
    sockets.ask({ open: { url, path, tokens, sockets: SOCKETS, perAddress: SOCKETS_AN_ADDRESS } });
    return sockets.told();
  }

  async function close(): Promise<void> {
    sockets.ask({ close: true });
    await sockets.told();
  }

  /** Nothing is counted meanwhile. A first lot of sockets is opened and closed before, so that what is made once is there. */
  async function memoryOfSockets() {
    await open(footfall.api, '/ws/analytics/visitors/');
    await pause(SETTLE_MS);
    await close();
    await pause(SETTLE_MS);
    const without = await inspector.usage();
    await open(footfall.api, '/ws/analytics/visitors/');
    await pause(SETTLE_MS);
    const withThem = await inspector.usage();
    await close();
    return perSocket(without, withThem);
  }

  async function ourTurn() {
    await open(footfall.api, '/ws/analytics/visitors/');
    await pause(SETTLE_MS);
    const use = processorTime({ ...pids, sockets: sockets.pid, beacons: beacons.pid });
    beacons.ask({ begin: true });
    sockets.ask({ begin: true });
    await pause(SECONDS * SECOND);
    const processor = use();
    beacons.ask({ end: true });
    const { sent } = await beacons.told();
    // Who came in the last second may still be on the way.
    await pause(SECOND);
    sockets.ask({ end: true });
    const { arrived } = await sockets.told();
    await close();
    if (sent === undefined || arrived === undefined) throw new Error('a process did not say what it saw');
    return { ...latencies(sent, arrived), processor, load: load(), recorded: arrived.recorded };
  }

  async function controlTurn(recorded: Arrived['recorded']) {
    const server = child<ControlAsked, ControlTold>('control');
    const { listening } = await server.told();
    await open(`http://127.0.0.1:${listening}`, '/');
    await pause(SETTLE_MS);
    const use = processorTime({ ...pids, control: server.pid, sockets: sockets.pid, beacons: beacons.pid });
    sockets.ask({ begin: true });
    beacons.ask({ begin: true });
    const start = recorded[0]?.at ?? 0;
    server.ask({ replay: recorded.map(({ at, text }) => ({ at: at - start, text })) });
    const { sentAt } = await server.told();
    const processor = use();
    await pause(SECOND);
    sockets.ask({ end: true });
    const { arrived } = await sockets.told();
    beacons.ask({ end: true });
    await beacons.told();
    await close();
    server.end();
    if (sentAt === undefined || arrived === undefined) throw new Error('a process did not say what it saw');
    const ms = arrived.nth.flatMap((times, n) =>
      [...times].filter((at) => at > 0).map((at) => at - (sentAt[n] ?? 0)),
    );
    return { fromSend: spread(ms), messages: arrived.messages, lost: arrived.lost, processor, load: load() };
  }
} finally {
  for (const each of children) if (each.connected) each.disconnect();
  await footfall.remove();
}

function latencies(sent: Sent, arrived: Arrived) {
  const acknowledged = new Map(sent.ids.map((id, n) => [id, sent.acknowledgedAt[n] ?? 0]));
  const named = arrived.joined.flatMap(({ id, at }) => {
    const from = acknowledged.get(id);
    return from === undefined ? [] : [{ from, at }];
  });
  const joined = named.flatMap(({ from, at }) =>
    [...at].filter((instant) => instant > 0).map((instant) => instant - from),
  );
  return {
    beaconsASecond: Math.round(sent.beacons / sent.seconds),
    refused: sent.refused,
    answered: spread([...sent.answeredMs]),
    visitors: named.length,
    toJoined: spread(joined),
    toCount: spread(untilCounted(sent, named)),
    messages: arrived.messages,
    messagesASocketASecond: hundredths(arrived.messages / SOCKETS / SECONDS),
    byType: arrived.byType,
    lost: arrived.lost,
  };
}

/**
 * Of every visitor, named or not, until a count has them: it comes with, or after, somebody who was acknowledged later. Who
 * is the last to be named is left out.
 */
function untilCounted(sent: Sent, named: { from: number; at: Float64Array }[]): number[] {
  const ms: number[] = [];
  for (let socket = 0; socket < SOCKETS; socket += EVERY_NTH) {
    const seen = named
      .map(({ from, at }) => ({ from, at: at[socket] ?? 0 }))
      .filter(({ at }) => at > 0)
      .sort((a, b) => a.at - b.at);
    const acknowledged = sent.acknowledgedAt.toSorted();
    let next = 0;
    for (const { from, at } of seen) {
      for (; next < acknowledged.length && (acknowledged[next] ?? 0) <= from; next++)
        ms.push(at - (acknowledged[next] ?? 0));
    }
  }
  return ms;
}

function perSocket(without: Usage, withThem: Usage) {
  const kib = (of: keyof Usage) => hundredths(((withThem[of] - without[of]) * 1024) / SOCKETS);
  return { without, with: withThem, residentKiBASocket: kib('residentMiB'), heapKiBASocket: kib('heapMiB') };
}

/** Answers a function that tells the cores that each process has used since. */
function processorTime(pids: Record<string, number>): () => Record<string, number> {
  const began = performance.now();
  const before = Object.entries(pids).map(([name, pid]) => [name, pid, useOf(pid).processorSeconds] as const);
  return () => {
    const seconds = (performance.now() - began) / SECOND;
    return Object.fromEntries(
      before.map(([name, pid, used]) => [name, hundredths((useOf(pid).processorSeconds - used) / seconds)]),
    );
  };
}

function report(ours: Side[], control: ControlSide[], memory: ReturnType<typeof perSocket>): void {
  const middle = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
  const medianOf = <Round>(rounds: Round[], of: (round: Round) => { p50: number; p99: number }) => ({
    p50: middle(rounds.map((round) => of(round).p50)),
    p99: middle(rounds.map((round) => of(round).p99)),
  });
  const result = {
    question: "milliseconds from a beacon's 202 to the visitor at the sockets, and memory of a socket",
    date: new Date().toISOString(),
    machine: thisMachine(),
    configuration:
      `npm start: all engines embedded, the query API in the process of the pipeline; ${SOCKETS} sockets in one process, ` +
      `${BEACONS} beacons a second of visitors who stay ${STAY_SECONDS} s, half of them in one of 20 communities; ${ROUNDS} rounds of ${SECONDS} s in turns with the control; all on one machine, where other work ran too: \`load\` of a round is its load average`,
    toJoined: medianOf(ours, ({ toJoined }) => toJoined),
    toCount: medianOf(ours, ({ toCount }) => toCount),
    controlFromSend: medianOf(control, ({ fromSend }) => fromSend),
    memory,
    rounds: { footfall: ours, ws: control },
  };
  writeFileSync(resultFile('live.json'), `${JSON.stringify(result, undefined, 2)}\n`);
  const { rounds: _, ...summary } = result;
  console.log(JSON.stringify(summary, undefined, 2));
}

function child<Asked extends object, Told>(name: string) {
  const process = fork(new URL(`./live/${name}.child.ts`, import.meta.url), {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });
  children.push(process);
  const failed = once(process, 'exit').then(() => {
    throw new Error(`the process of the ${name} has ended`);
  });
  failed.catch(() => {});
  return {
    pid: process.pid ?? 0,
    ask: (asked: Asked) => process.send(asked),
    told: async (): Promise<Told> => {
      const [told] = await Promise.race([once(process, 'message'), failed]);
      return told;
    },
    end: () => {
      children.splice(children.indexOf(process), 1);
      process.disconnect();
    },
  };
}

function load(): number {
  return hundredths(loadavg()[0] ?? 0);
}

/** So that a run in CI fails where sockets were lost, or nobody who came was seen to come. */
function requireSense(ours: Side[], control: ControlSide[]): void {
  const lost = [...ours, ...control].reduce((sum, round) => sum + round.lost, 0);
  if (lost > 0) throw new Error(`${lost} sockets ended before they were told to`);
  if (ours.some(({ visitors }) => visitors === 0))
    throw new Error('no visitor came to the sockets in a round');
}

function pidOf(service: 'collector' | 'pipeline'): number {
  const pid = footfall.pidOf(service);
  if (pid === undefined) throw new Error(`the ${service} does not run`);
  return pid;
}

function requireFiles(needed: number): void {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  if (Number(soft) < needed)
    throw new Error(`${SOCKETS} sockets need ${needed} open files, and ${soft} are allowed: raise ulimit -n`);
}
