/** Sends beacons at a steady rate, a request each: visitors who come, and go some seconds later. Half of them are in a community. */
import { createHmac, randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { type BeaconsAsked, type BeaconsTold, instant } from './messages.ts';

const TICK_MS = 5;
const SECOND = 1_000;
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36';

interface Connection {
  socket: Socket;
  /** Called with the status of the answer. */
  onAnswer: (status: number) => void;
}

let options: NonNullable<BeaconsAsked['send']>;
const idle: Connection[] = [];
let [ids, acknowledgedAt, answeredMs]: [string[], number[], number[]] = [[], [], []];
let [beacons, refused, beganAt] = [0, 0, 0];

function send(beacon: object, onAcknowledged?: (at: number) => void): void {
  const body = JSON.stringify(beacon);
  const connection = idle.pop() ?? open();
  const sentAt = instant();
  connection.onAnswer = (status) => {
    const at = instant();
    if (status > 0) idle.push(connection);
    if (status !== 202) {
      refused += 1;
      return;
    }
    beacons += 1;
    answeredMs.push(at - sentAt);
    onAcknowledged?.(at);
  };
  connection.socket.write(
    `POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: ${USER_AGENT}\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

function open(): Connection {
  const connection: Connection = {
    socket: connect({ host: '127.0.0.1', port: options.port, noDelay: true }),
    onAnswer: () => {},
  };
  // An answer has no body to speak of, and one request is on its way at a time.
  connection.socket.on('error', () => {});
  // The collector closes those that were idle for a while.
  connection.socket.on('close', () => {
    const at = idle.indexOf(connection);
    if (at >= 0) idle.splice(at, 1);
    else connection.onAnswer(0);
  });
  connection.socket.on('data', (data) => connection.onAnswer(Number(data.toString('latin1', 9, 12))));
  return connection;
}

function visit(): void {
  const fingerprint = randomUUID();
  const hmac = createHmac('sha256', options.fingerprintSecret).update(fingerprint).digest('hex');
  const id = BigInt(`0x${hmac.slice(0, 16)}`).toString();
  const community_id =
    Math.random() < 0.5
      ? options.communities[Math.floor(Math.random() * options.communities.length)]
      : undefined;
  const page = { url: 'https://example.org/live', fingerprint, community_id };
  send(page, (at) => {
    ids.push(id);
    acknowledgedAt.push(at);
  });
  setTimeout(() => send({ ...page, type: 'leave' }), options.staySeconds * SECOND);
}

function run(): void {
  const began = performance.now();
  let visits = 0;
  setInterval(() => {
    // A visit is two beacons.
    const due = ((performance.now() - began) / SECOND) * (options.perSecond / 2);
    for (; visits < due; visits++) visit();
  }, TICK_MS);
}

process.on('message', (asked: BeaconsAsked) => {
  if (asked.send !== undefined) {
    options = asked.send;
    run();
  }
  if (asked.begin) {
    [ids, acknowledgedAt, answeredMs] = [[], [], []];
    [beacons, refused, beganAt] = [0, 0, performance.now()];
  }
  if (asked.end) {
    const told: BeaconsTold = {
      sent: {
        ids,
        acknowledgedAt: Float64Array.from(acknowledgedAt),
        answeredMs: Float64Array.from(answeredMs),
        beacons,
        refused,
        seconds: (performance.now() - beganAt) / SECOND,
      },
    };
    process.send?.(told);
  }
});
process.once('disconnect', () => process.exit());
