/**
 * Many sockets in one process, as cheap as can be, since they share the machine with what is measured: bare TCP
 * connections that read the headers of frames, and of a text no more than its type and visitor.
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { type Arrived, instant, type SocketsAsked, type SocketsTold } from './messages.ts';

const AT_ONCE = 100;
const TYPE_AT = '{"type":"visitor_'.length;
const ID_AT = '{"type":"visitor_joined","visitor":{"id":"'.length;
const [COUNT, JOINED, LEFT] = ['c', 'j', 'l'].map((letter) => letter.charCodeAt(0));
const QUOTE = '"'.charCodeAt(0);
const TEXT = 1;
const PING = 9;
const PONG_FRAME = Buffer.from([0x8a, 0x80, 0, 0, 0, 0]);

class Listener {
  readonly socket: Socket;
  readonly #number: number;
  #rest: Buffer | undefined;
  #messages = 0;

  constructor(socket: Socket, number: number) {
    this.socket = socket;
    this.#number = number;
  }

  begin(): void {
    this.#messages = 0;
  }

  read(chunk: Buffer): void {
    const now = instant();
    const data = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    arrived.bytes += chunk.length;
    let at = 0;
    while (at + 2 <= data.length) {
      const short = (data[at + 1] ?? 0) & 0x7f;
      const head = short === 126 ? 4 : 2;
      if (at + head > data.length) break;
      const length = short === 126 ? data.readUInt16BE(at + 2) : short;
      if (at + head + length > data.length) break;
      this.#frame((data[at] ?? 0) & 0x0f, data, at + head, length, now);
      at += head + length;
    }
    this.#rest = at === data.length ? undefined : data.subarray(at);
  }

  #frame(opcode: number, data: Buffer, at: number, length: number, now: number): void {
    if (opcode === PING) this.socket.write(PONG_FRAME);
    if (opcode !== TEXT || !noting) return;
    arrived.messages += 1;
    if (this.#number === 0)
      arrived.recorded.push({ at: now, text: data.toString('latin1', at, at + length) });
    const nth = this.#messages++;
    let times = arrived.nth[nth];
    if (times === undefined) arrived.nth[nth] = times = new Float64Array(listeners.length);
    times[this.#number] = now;

    const letter = data[at + TYPE_AT];
    if (letter === COUNT) {
      count('visitor_count');
    } else if (letter === JOINED) {
      count('visitor_joined');
      const id = data.toString('latin1', at + ID_AT, data.indexOf(QUOTE, at + ID_AT));
      let joined = joins.get(id);
      if (joined === undefined) {
        joined = { id, at: new Float64Array(listeners.length) };
        joins.set(id, joined);
      }
      joined.at[this.#number] = now;
    } else count(letter === LEFT ? 'visitor_left' : 'other');
  }
}

const listeners: Listener[] = [];
const joins = new Map<string, Arrived['joined'][number]>();
let arrived = nothing();
let noting = false;
let closing = false;

function nothing(): Arrived {
  return { joined: [], nth: [], recorded: [], messages: 0, bytes: 0, lost: 0, byType: {} };
}

function count(type: string): void {
  arrived.byType[type] = (arrived.byType[type] ?? 0) + 1;
}

function open(to: NonNullable<SocketsAsked['open']>, number: number): Promise<void> {
  const { hostname, port } = new URL(to.url);
  const address = Math.floor(number / to.perAddress);
  const token = to.tokens[number % to.tokens.length] ?? '';
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname,
      port: Number(port),
      localAddress: `127.0.${1 + Math.floor(address / 250)}.${1 + (address % 250)}`,
      noDelay: true,
    });
    const listener = new Listener(socket, number);
    listeners[number] = listener;
    socket.write(
      `GET ${to.path}?token=${token} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`,
    );
    let head = '';
    const handshake = (chunk: Buffer) => {
      head += chunk.toString('latin1');
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!head.startsWith('HTTP/1.1 101')) {
        reject(new Error(`socket ${number}: ${head.slice(0, head.indexOf('\r\n'))}`));
        return;
      }
      socket.off('data', handshake);
      socket.on('data', (data) => listener.read(data));
      const rest = head.slice(end + 4);
      if (rest !== '') listener.read(Buffer.from(rest, 'latin1'));
      resolve();
    };
    socket.on('data', handshake);
    socket.on('error', reject);
    socket.on('close', () => {
      if (!closing) arrived.lost += 1;
    });
  });
}

async function openAll(to: NonNullable<SocketsAsked['open']>): Promise<void> {
  for (let from = 0; from < to.sockets; from += AT_ONCE) {
    const some = Math.min(AT_ONCE, to.sockets - from);
    await Promise.all(Array.from({ length: some }, (_, i) => open(to, from + i)));
  }
}

const tell = (told: SocketsTold) => process.send?.(told);

process.on('message', async (asked: SocketsAsked) => {
  if (asked.open !== undefined) {
    await openAll(asked.open);
    tell({ opened: listeners.length });
  }
  if (asked.begin) {
    arrived = { ...nothing(), lost: arrived.lost };
    joins.clear();
    for (const listener of listeners) listener.begin();
    noting = true;
  }
  if (asked.end) {
    noting = false;
    tell({ arrived: { ...arrived, joined: [...joins.values()] } });
  }
  if (asked.close) {
    closing = true;
    const ended = listeners
      .splice(0)
      .map(({ socket }) => new Promise<void>((resolve) => socket.destroy().once('close', () => resolve())));
    await Promise.all(ended);
    closing = false;
    tell({ closed: true });
  }
});
process.once('disconnect', () => process.exit());
