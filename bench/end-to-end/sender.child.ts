/**
 * Sends requests of twenty beacons at a steady rate, whether or not those before are answered: what is due by the clock is sent, or
 * waits until a visitor's last request is answered, and counts as late. What is not acknowledged is sent again, the same bytes.
 */
import { connect, type Socket } from 'node:net';
import { hundredths, spread } from '../ranges/statistics.ts';
import { Crowd, EVENTS_A_REQUEST, type Request } from './crowd.ts';
import type { SenderAsked, SenderTold } from './messages.ts';

const TICK_MS = 4;
const SECOND = 1_000;
const REPEAT_MS = 100;
/** Between two events of a visitor. */
const PAUSE_SECONDS = 5;
const MAX_CONNECTIONS = 128;
const ACCEPTED = 202;

interface Connection {
  socket: Socket;
  request: Request | undefined;
  sentAt: number;
}

let port = 0;
let [began, requestsPerSecond, warmUpSeconds, ended] = [0, 0, 0, false];
let [sent, acknowledged, pageViews, repeats, due] = [0, 0, 0, 0, 0];
let connections = 0;
let answeredMs: number[] = [];
const idle: Connection[] = [];
/** In the order in which their next turn comes. */
let ready: Request[] = [];
let next = 0;
const toRepeat: Request[] = [];

function open(): Connection {
  const connection: Connection = {
    socket: connect({ host: '127.0.0.1', port, noDelay: true }),
    request: undefined,
    sentAt: 0,
  };
  connections += 1;
  connection.socket.on('error', () => {});
  connection.socket.on('close', () => {
    connections -= 1;
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
    if (connection.request !== undefined) repeatLater(connection.request);
  });
  connection.socket.on('data', (data) => answered(connection, Number(data.toString('latin1', 9, 12))));
  return connection;
}

function answered(connection: Connection, status: number): void {
  const { request } = connection;
  if (request === undefined) return;
  connection.request = undefined;
  idle.push(connection);
  if (status !== ACCEPTED) {
    if (repeats === 0) console.error(`the collector answered ${status}`);
    repeatLater(request);
    return;
  }
  answeredMs.push(performance.now() - connection.sentAt);
  acknowledged += EVENTS_A_REQUEST;
  pageViews += request.pageViews;
  ready.push(request);
}

function repeatLater(request: Request): void {
  repeats += 1;
  setTimeout(() => toRepeat.push(request), REPEAT_MS);
}

function send(request: Request, connection: Connection): void {
  connection.request = request;
  connection.sentAt = performance.now();
  connection.socket.write(request.bytes);
}

function freeConnection(): Connection | undefined {
  return idle.pop() ?? (connections < MAX_CONNECTIONS ? open() : undefined);
}

/** While it warms up the rate rises evenly. */
function secondsAtFullRate(): number {
  const seconds = (performance.now() - began) / SECOND;
  return seconds < warmUpSeconds ? seconds ** 2 / (2 * warmUpSeconds) : seconds - warmUpSeconds / 2;
}

function tick(crowd: Crowd): void {
  if (!ended) due = Math.floor(secondsAtFullRate() * requestsPerSecond) * EVENTS_A_REQUEST;
  for (let request = toRepeat.at(-1); request !== undefined; request = toRepeat.at(-1)) {
    const connection = freeConnection();
    if (connection === undefined) break;
    toRepeat.pop();
    send(request, connection);
  }
  while (!ended && sent < due) {
    const request = ready[next];
    if (request === undefined) break;
    const connection = freeConnection();
    if (connection === undefined) break;
    next += 1;
    crowd.advance(request);
    send(request, connection);
    sent += EVENTS_A_REQUEST;
  }
  if (next > ready.length / 2) {
    ready = ready.slice(next);
    next = 0;
  }
}

function tell(): void {
  const { p50, p99 } = spread(answeredMs);
  answeredMs = [];
  const told: SenderTold = {
    due,
    sent,
    acknowledged,
    pageViews,
    repeats,
    answeredMs: { p50: hundredths(p50), p99: hundredths(p99) },
    done: ended && acknowledged === sent,
  };
  process.send?.(told);
}

process.on('message', ({ begin, end }: SenderAsked) => {
  if (begin !== undefined) {
    port = begin.port;
    requestsPerSecond = begin.eventsPerSecond / EVENTS_A_REQUEST;
    warmUpSeconds = begin.warmUpSeconds;
    const crowd = new Crowd(begin.communities, begin.divisions);
    ready = Array.from({ length: Math.ceil(requestsPerSecond * PAUSE_SECONDS) }, () => crowd.request());
    began = performance.now();
    setInterval(() => tick(crowd), TICK_MS);
    setInterval(tell, SECOND);
  }
  if (end) ended = true;
});
process.once('disconnect', () => process.exit());
