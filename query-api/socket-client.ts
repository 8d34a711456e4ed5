/** One open socket: never buffers without end, is closed when its token ends or its peer is dead. */
import type { Writable } from 'node:stream';
import { WebSocket } from 'ws';
import { TOKEN_EXPIRED_CODE } from '../contract/socket-protocol.ts';

/** What a slow reader may leave unread in this process. */
const MAX_BUFFERED_BYTES = 256 * 1024;

const CLOSE = {
  goingAway: { code: 1001, reason: 'the server is going away' },
  slowReader: { code: 1013, reason: 'reading too slowly' },
  failed: { code: 1011, reason: 'the count cannot be read' },
  tokenExpired: { code: TOKEN_EXPIRED_CODE, reason: 'the token has expired' },
} as const;
type CloseReason = keyof typeof CLOSE;

/** Why the server ends a socket; `dead`: without a word, since nobody would hear it. */
export type EndReason = CloseReason | 'dead';
export const END_REASONS = [...Object.keys(CLOSE), 'dead'] as EndReason[];

export class SocketClient {
  readonly #socket: WebSocket;
  readonly #wire: Writable;
  readonly #expiresAt: number;
  readonly #onServerClose: (reason: EndReason) => void;
  #isAlive = true;
  #closing = false;

  /**
   * @param wire what the socket writes its frames to, each at once and whole, so that others may stand in between
   * @param expiresAt ms since the epoch
   */
  constructor(
    socket: WebSocket,
    wire: Writable,
    expiresAt: number,
    onServerClose: (reason: EndReason) => void,
  ) {
    this.#socket = socket;
    this.#wire = wire;
    this.#expiresAt = expiresAt;
    this.#onServerClose = onServerClose;
    socket.on('pong', () => this.heard());
  }

  /** The peer has given a sign of life. */
  heard(): void {
    this.#isAlive = true;
  }

  /** Whole frames, as they go over the wire. */
  write(frames: Uint8Array): void {
    if (this.#closing || this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#wire.writableLength > MAX_BUFFERED_BYTES) this.close('slowReader');
    else this.#wire.write(frames);
  }

  /** Call it every second. */
  checkExpiry(now: number): void {
    // Whoever does not read does not read our close frame either.
    if (this.#closing && this.#socket.bufferedAmount > 0) this.#socket.terminate();
    else if (now >= this.#expiresAt) this.close('tokenExpired');
  }

  /** Terminates a peer that has neither answered the ping before nor said anything since. */
  ping(): void {
    if (this.#closing || this.#socket.readyState !== WebSocket.OPEN) return;
    if (!this.#isAlive) {
      this.#closing = true;
      this.#onServerClose('dead');
      this.#socket.terminate();
      return;
    }
    this.#isAlive = false;
    this.#socket.ping();
  }

  close(reason: CloseReason): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#onServerClose(reason);
    this.#socket.close(CLOSE[reason].code, CLOSE[reason].reason);
  }

  terminate(): void {
    this.#closing = true;
    this.#socket.terminate();
  }
}
