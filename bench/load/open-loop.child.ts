/**
 * Sends at a fixed rate, whatever comes back: a request that is due is sent at once where a connection is free, and waits for
 * one where none is. Latency counts from when it was due, so that a server that stalls does not hide it by being sent less.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { hundredths } from '../ranges/statistics.ts';
import type { OpenLoad, OpenLoadSeen } from './open-loop.ts';

const TICK_MS = 1;
const SECOND = 1_000;
const DRAIN_MS = 5_000;
/** Of the answers that are kept for the percentiles; each has the same chance. */
const SAMPLES = 200_000;
const RECEIVED_BYTES = 64 * 1024;
const RESPONSE = Buffer.from('HTTP/');

interface Connection {
  socket: Socket;
  /** ms, of the request that is under way; below 0: none is. */
  dueAt: number;
}

process.once('message', async (load: OpenLoad) => {
  process.send?.(await run(load));
  process.exit();
});

async function run({
  port,
  requestsFile,
  requestsASecond,
  seconds,
  connections,
}: OpenLoad): Promise<OpenLoadSeen> {
  const requests = readRequests(requestsFile);
  /** What a connection has just received, one after the other: a buffer for each answer would have the garbage collector stop the sender. */
  const received = Buffer.alloc(RECEIVED_BYTES);
  const idle: Connection[] = [];
  const waiting: number[] = [];
  let nextWaiting = 0;
  let [sent, answered, failed, opened, underWay, withoutRetryAfter] = [0, 0, 0, 0, 0, 0];
  const byStatus: Record<string, number> = {};
  const latencies = new Reservoir(SAMPLES);
  const bySecond: OpenLoadSeen['bySecond'] = [];
  let ofSecond: number[] = [];
  let senderStoodMs = 0;

  function open(): Connection {
    const onread = {
      buffer: received,
      callback: (bytes: number) => {
        receive(connection, bytes);
        return true;
      },
    };
    const socket = connect({ host: '127.0.0.1', port, noDelay: true, onread });
    const connection: Connection = { socket, dueAt: -1 };
    opened += 1;
    connection.socket.on('error', () => {});
    connection.socket.once('close', () => {
      opened -= 1;
      const at = idle.indexOf(connection);
      if (at >= 0) idle.splice(at, 1);
      if (connection.dueAt < 0) return;
      failed += 1;
      underWay -= 1;
    });
    return connection;
  }

  function receive(connection: Connection, bytes: number): void {
    // What does not begin a response is the rest of one.
    if (connection.dueAt < 0 || received.compare(RESPONSE, 0, RESPONSE.length, 0, RESPONSE.length) !== 0)
      return;
    const status = received.toString('latin1', 9, 12);
    byStatus[status] = (byStatus[status] ?? 0) + 1;
    if (status === '202') {
      const latency = performance.now() - connection.dueAt;
      latencies.add(latency);
      ofSecond.push(latency);
    } else if (!/\r\nretry-after:/i.test(received.toString('latin1', 0, bytes))) withoutRetryAfter += 1;
    connection.dueAt = -1;
    answered += 1;
    underWay -= 1;
    const due = waiting[nextWaiting];
    if (due === undefined) idle.push(connection);
    else {
      nextWaiting += 1;
      send(connection, due);
    }
  }

  function send(connection: Connection, dueAt: number): void {
    connection.dueAt = dueAt;
    underWay += 1;
    connection.socket.write(requests[sent % requests.length] ?? '');
    sent += 1;
  }

  for (let n = 0; n < connections; n++) idle.push(open());
  await new Promise((resolve) => setTimeout(resolve, SECOND / 2));
  const began = performance.now();
  const end = requestsASecond * seconds;
  let due = 0;
  let tickedAt = began;
  await new Promise<void>((resolve) => {
    const tick = setInterval(() => {
      const now = performance.now();
      senderStoodMs = Math.max(senderStoodMs, now - tickedAt);
      tickedAt = now;
      if (now >= began + (bySecond.length + 1) * SECOND) {
        const { p50, p99, max } = spread(ofSecond);
        bySecond.push({ p50, p99, max, senderStoodMs: hundredths(senderStoodMs) });
        ofSecond = [];
        senderStoodMs = 0;
      }
      const until = Math.min(end, ((now - began) / SECOND) * requestsASecond);
      for (; due < until; due++) {
        const dueAt = began + (due / requestsASecond) * SECOND;
        const connection = idle.pop() ?? (opened < connections ? open() : undefined);
        if (connection === undefined) waiting.push(dueAt);
        else send(connection, dueAt);
      }
      if (due < end) return;
      if (underWay > 0 && now < began + seconds * SECOND + DRAIN_MS) return;
      clearInterval(tick);
      resolve();
    }, TICK_MS);
  });
  return {
    sent,
    unsent: waiting.length - nextWaiting,
    answered,
    failed: failed + underWay,
    byStatus,
    withoutRetryAfter,
    seconds: (performance.now() - began) / SECOND,
    accepted: spread(latencies.values),
    bySecond,
  };
}

class Reservoir {
  readonly #size: number;
  readonly values: number[] = [];
  #seen = 0;

  constructor(size: number) {
    this.#size = size;
  }

  add(value: number): void {
    this.#seen += 1;
    if (this.values.length < this.#size) this.values.push(value);
    else {
      const at = Math.floor(Math.random() * this.#seen);
      if (at < this.#size) this.values[at] = value;
    }
  }
}

function spread(values: number[]) {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number) => hundredths(sorted[Math.ceil(share * (sorted.length - 1))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) };
}

function readRequests(file: string): Buffer[] {
  const bytes = readFileSync(file);
  const requests: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const line = bytes.indexOf(10, at);
    const length = Number(bytes.toString('latin1', at, line));
    requests.push(bytes.subarray(line + 1, line + 1 + length));
    at = line + 1 + length + 1;
  }
  return requests;
}
