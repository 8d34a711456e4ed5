/** A virtual user who is an admin with an open page: one socket, until the end of the run. */
import { check } from 'k6';
import execution from 'k6/execution';
import { Counter, Rate, Trend } from 'k6/metrics';
import type { Scenario } from 'k6/options';
import { clearInterval, setInterval, setTimeout } from 'k6/timers';
import { WebSocket } from 'k6/websockets';
import type { ClientMessage, ServerMessage } from '../../contract/socket.ts';
import type { Options } from './options.ts';
import { place } from './site.ts';
import type { Platform } from './visitors.ts';

/** k6 has one, and its types have none. */
declare const console: { error(words: string): void };

const SECOND = 1_000;
/** For the handshake of the closing. */
const LAST_WORDS_S = 15;
const ASK_EVERY_MS = 5 * SECOND;
const REQUEST_COUNT: ClientMessage = { type: 'request_count' };

/** From the beginning of the handshake. */
const firstMessageMs = new Trend('socket_first_message', true);
const pongMs = new Trend('socket_pong', true);
/** By the clocks of both ends. */
const joinMs = new Trend('socket_join_delay', true);
const counts = new Counter('socket_counts');
const joins = new Counter('socket_joins');
const leaves = new Counter('socket_leaves');
const updates = new Counter('socket_dashboard_updates');
/** That ended before they were told to, or never opened. */
const lost = new Rate('sockets_lost');

const KINDS = ['visitors', 'dashboard'] as const;

/** Every socket at the beginning of the run. */
export function openPages(exec: string, { watchers, durationS }: Options): Scenario {
  return {
    executor: 'per-vu-iterations',
    exec,
    vus: watchers,
    iterations: 1,
    maxDuration: `${durationS + LAST_WORDS_S}s`,
  };
}

export function watchers(options: Options): (platform: Platform) => void {
  return (platform) => {
    // Of the scenario, so that every token has its share: virtual users of others have ids, too.
    const watcher = execution.scenario.iterationInTest;
    const token = options.tokens[watcher % options.tokens.length] ?? '';
    const kind = KINDS[watcher % KINDS.length] ?? 'visitors';
    // One in four looks at one community.
    const community = watcher % 4 === 0 ? place(platform.communities, Math.random()) : undefined;
    const start = Date.now();
    const socket = new WebSocket(
      `${options.apiUrl.replace(/^http/, 'ws')}/ws/analytics/${kind}/?token=${token}${
        community === undefined ? '' : `&community_id=${community}`
      }`,
      null,
      options.sendsAddresses ? { headers: { 'X-Forwarded-For': addressOf(watcher) } } : {},
    );
    let toldToEnd = false;
    let pingedAt = 0;
    let isFirst = true;
    let asking: ReturnType<typeof setInterval> | undefined;
    const stopAsking = () => {
      if (asking !== undefined) clearInterval(asking);
    };

    socket.onopen = () => {
      asking = setInterval(() => {
        socket.send(JSON.stringify(REQUEST_COUNT));
        pingedAt = Date.now();
        socket.ping();
      }, ASK_EVERY_MS);
      const leftMs = options.durationS * SECOND - (Date.now() - start);
      setTimeout(() => {
        toldToEnd = true;
        // What is sent while it closes is an error.
        stopAsking();
        socket.close();
      }, leftMs);
    };
    socket.onpong = () => pongMs.add(Date.now() - pingedAt);
    socket.onmessage = (event) => {
      const now = Date.now();
      if (isFirst) firstMessageMs.add(now - start);
      isFirst = false;
      hear(event?.data, now);
    };
    socket.onclose = () => {
      stopAsking();
      lost.add(!toldToEnd);
    };
    socket.onerror = (event) => console.error(`a socket failed: ${event?.error}`);
  };
}

function hear(data: unknown, now: number): void {
  const message: ServerMessage = JSON.parse(String(data));
  switch (message.type) {
    case 'visitor_count':
      counts.add(1);
      break;
    case 'visitor_joined':
      joins.add(1);
      joinMs.add(Math.max(0, now - Date.parse(message.visitor.timestamp)));
      break;
    case 'visitor_left':
      leaves.add(1);
      break;
    case 'dashboard_update':
      updates.add(1);
      break;
    default:
      check(message, { 'a message is one of the contract': () => false });
  }
}

/** Of the network that is for tests of networks. */
function addressOf(watcher: number): string {
  return `198.18.${Math.floor(watcher / 250) % 250}.${1 + (watcher % 250)}`;
}
