/** Promise: whatever clients send, no process ends, nothing is answered 5xx, memory stays flat, and what was accepted is counted once. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { signToken } from '../query-api/auth.ts';
import { ENDPOINTS } from '../query-api/routes.ts';
import { Lane, quoted, throwAt } from './fuzz-client.ts';
import { Inputs } from './fuzz-inputs.ts';
import { Installation, until } from './installation.ts';
import { seeded } from './random.ts';

const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
/** In all: 5,000,000 is a night. */
const INPUTS = Number(process.env.INPUTS ?? 100_000);
const SHARES = { collector: 0.55, api: 0.3, bytes: 0.1, messages: 0.05 };
/** At a time: so few that nothing is refused for want of time, unless the machine has other things to do. */
const LANES = 4;
/** Of what is told 503: an input that costs more than there is time for would be told so each time. */
const MAX_TRIES = 30;
const COME_AGAIN_MS = 1_000;
const MESSAGES_A_SOCKET = 50;
const COUNTED_WITHIN_MS = 300_000;
/** Of both processes, after a fifth of the inputs. What ClickHouse and the heap hold on to is in it. */
const MAX_GROWTH_MIB = 400;

let footfall: Installation;
let pids: Record<'collector' | 'pipeline', number | undefined>;
const statuses = new Map<string, number>();
const faults: string[] = [];

beforeAll(async () => {
  console.log(`seed ${SEED}, ${INPUTS} inputs`);
  footfall = await Installation.create({ TRUSTED_PROXIES: '127.0.0.1' });
  await footfall.start();
  pids = { collector: footfall.pidOf('collector'), pipeline: footfall.pidOf('pipeline') };
}, 120_000);
afterAll(() => footfall?.remove(), 120_000);

function tally(key: string): void {
  statuses.set(key, (statuses.get(key) ?? 0) + 1);
}

function note(what: string, status: number, input: Buffer): void {
  const key = `${what} ${status}`;
  tally(key);
  if (status >= 500 && !isForeign(what, status) && faults.length < 20)
    faults.push(`${key}: ${quoted(input)}`);
}

/** 505 is said to who speaks something else than HTTP/1.1 (RFC 9110): it is the sender's fault all the same. */
function isForeign(what: string, status: number): boolean {
  return what === 'bytes' && status === 505;
}

/** Some at once, each a share of `inputs`. */
async function inLanes(
  port: number,
  inputs: number,
  next: () => Buffer,
  what: 'collector' | 'api',
): Promise<void> {
  let left = Math.round(inputs);
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      const lane = new Lane(port);
      while (left-- > 0) {
        const input = next();
        let status = await lane.ask(input);
        for (let tries = 1; what === 'collector' && status === 503 && tries < MAX_TRIES; tries++) {
          tally('collector 503, asked again');
          await pause(COME_AGAIN_MS);
          status = await lane.ask(input);
        }
        note(what, status, input);
      }
      lane.close();
    }),
  );
}

async function thrown(port: number, count: number, inputs: Inputs): Promise<void> {
  let left = Math.round(count);
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      while (left-- > 0) {
        const input = inputs.bytes();
        for (const status of await throwAt(port, input)) note('bytes', status, input);
      }
    }),
  );
}

/** Sockets that are told what they do not expect, and may be closed for it. */
async function told(count: number, inputs: Inputs): Promise<void> {
  for (let sent = 0; sent < count; ) {
    const url = `${footfall.api.replace('http', 'ws')}/ws/analytics/dashboard/`;
    const socket = new WebSocket(url, ['bearer', footfall.token]);
    socket.on('error', () => {});
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await new Promise<void>((resolve) => {
      socket.once('open', () => resolve());
      socket.once('close', () => resolve());
    });
    for (let n = 0; n < MESSAGES_A_SOCKET && socket.readyState === WebSocket.OPEN; n++, sent++) {
      socket.send(inputs.message());
      if (n % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
    }
    sent += 1;
    socket.close();
    const code = await Promise.race([closed, pause(10_000).then(() => 0)]);
    tally(`socket ${code}`);
    socket.terminate();
    // The server failed at it.
    if (code === 1011) faults.push('a socket was closed with 1011');
  }
}

/** Without pages of files: those of the log are mapped as it grows, and the system takes them back when it likes. */
function ownMiB(): number {
  return Object.values(pids).reduce<number>((sum, pid) => {
    const [, kib = '0'] = /^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return sum + Number(kib) / 1024;
  }, 0);
}

/** What the processes logged at a level or above: 40 are warnings, 50 errors. */
function loudLines(level: number): string[] {
  return footfall.output.split('\n').filter((line) => Number(/"level":(\d+)/.exec(line)?.[1]) >= level);
}

test('whatever is sent, nothing breaks', async () => {
  const random = seeded(SEED);
  const inputs = new Inputs(random);
  const [collector, api] = [footfall.collector, footfall.api].map((url) => Number(new URL(url).port));
  if (collector === undefined || api === undefined) throw new Error('no ports');
  const paths = ENDPOINTS.map(({ path }) => `/api/analytics/${path}`);
  const tokens = [
    ...Array.from({ length: 8 }, () => footfall.token),
    ...['', 'garbage', `${footfall.token}x`],
    await signToken({ staff: true, expiresIn: 60 }, 'a secret of somebody else, long enough for it'),
  ];
  const round = async (count: number) => {
    await inLanes(collector, count * SHARES.collector, () => inputs.collectorRequest(), 'collector');
    await inLanes(api, count * SHARES.api, () => inputs.apiRequest(paths, tokens), 'api');
    await thrown(collector, (count * SHARES.bytes) / 2, inputs);
    await thrown(api, (count * SHARES.bytes) / 2, inputs);
    await told(count * SHARES.messages, inputs);
  };
  const ownMiBByFifths: number[] = [];
  for (let n = 0; n < 5; n++) {
    await round(INPUTS / 5);
    const own = Math.round(ownMiB());
    ownMiBByFifths.push(own);
    console.log(`${Math.round(((n + 1) * INPUTS) / 5)} inputs, ${faults.length} faults, ${own} MiB`);
  }
  const grown = (ownMiBByFifths.at(-1) ?? 0) - (ownMiBByFifths[0] ?? 0);
  console.log(JSON.stringify({ ownMiBByFifths, ...Object.fromEntries([...statuses].sort()) }));

  expect(faults, [...faults, ...loudLines(40)].join('\n')).toEqual([]);
  expect({ collector: footfall.pidOf('collector'), pipeline: footfall.pidOf('pipeline') }).toEqual(pids);
  expect(grown).toBeLessThan(MAX_GROWTH_MIB);
  expect(loudLines(50)).toEqual([]);
  expect(statuses.get('collector 202') ?? 0).toBeGreaterThan(INPUTS / 50);
  expect(statuses.get('api 200') ?? 0).toBeGreaterThan(INPUTS / 50);
});

test('what was accepted is counted once', async () => {
  await until('everything to be counted', COUNTED_WITHIN_MS, async () => {
    const { partitions } = await footfall.query<{ partitions: { lag_frames: number }[] }>('pipeline/');
    return partitions.every(({ lag_frames }) => lag_frames === 0);
  });
  const { code, output } = await footfall.run('verify');
  expect(code, output).toBe(0);
});
