/** Ways to misuse a server of HTTP: each is what one connection does, again when it is cut. */
import type { Socket } from 'node:net';

const BODY = JSON.stringify({ url: 'https://example.org/', fingerprint: 'who means no good' });
const HEAD = 'POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n';
const HEAD_OF_REQUEST = `${HEAD}Content-Length: ${BODY.length}\r\n\r\n`;
const REQUEST = HEAD_OF_REQUEST + BODY;
const SECOND = 1_000;
const ENDLESS_CHUNK = Buffer.alloc(4 * 1024, 'a');
const PIPELINED = 20;

interface Kind {
  readonly connections: number;
  /** Answers what ends it. */
  begin(socket: Socket): () => void;
}

const nothing = () => {};

function every(ms: number, act: () => void): () => void {
  const timer = setInterval(act, ms);
  return () => clearInterval(timer);
}

export const KINDS = {
  'slow heads': {
    connections: 5_000,
    begin(socket) {
      socket.write('POST /e HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ');
      return every(SECOND, () => socket.write('a'));
    },
  },
  'slow bodies': {
    connections: 5_000,
    begin(socket) {
      socket.write(`${HEAD}Content-Length: 60000\r\n\r\n`);
      return every(SECOND, () => socket.write('a'));
    },
  },
  'chunks of a byte': {
    connections: 500,
    begin(socket) {
      let at = 0;
      return every(20, () => {
        if (at === 0) socket.write(HEAD_OF_REQUEST);
        socket.write(BODY.charAt(at));
        at = (at + 1) % BODY.length;
      });
    },
  },
  'bodies without end': {
    connections: 200,
    begin(socket) {
      socket.write(`${HEAD}Transfer-Encoding: chunked\r\n\r\n`);
      return every(100, () => {
        if (socket.writableLength > 0) return;
        socket.write(`${ENDLESS_CHUNK.length.toString(16)}\r\n`);
        socket.write(ENDLESS_CHUNK);
        socket.write('\r\n');
      });
    },
  },
  'half-closed sockets': {
    connections: 1_000,
    begin(socket) {
      socket.write(REQUEST.slice(0, -10), () => socket.end());
      return nothing;
    },
  },
  pipelining: {
    connections: 200,
    begin(socket) {
      return every(SECOND, () => socket.write(REQUEST.repeat(PIPELINED)));
    },
  },
  'idle keep-alives': {
    connections: 10_000,
    begin(socket) {
      socket.write(REQUEST);
      return nothing;
    },
  },
} as const satisfies Record<string, Kind>;

export type KindName = keyof typeof KINDS;
