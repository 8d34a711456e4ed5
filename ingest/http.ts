/**
 * The one way from a uWebSockets.js response to an answer: abort-safe, bounded, corked.
 *
 * A handler that answers later without `onAborted` ends the process when the client leaves, so {@link exchange} is
 * called first in every route. The request object lives only until the handler returns: read it before.
 */
import type { HttpResponse } from './uws.ts';

export interface Answer {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
  /** Ends the connection after the answer. */
  close?: boolean;
}

export interface Exchange {
  readonly aborted: boolean;
  /** Sends the answer, unless the client has left. Only the first call counts. */
  answer(answer: Answer): void;
}

const REASONS: Readonly<Record<number, string>> = {
  200: '200 OK',
  202: '202 Accepted',
  204: '204 No Content',
  304: '304 Not Modified',
  400: '400 Bad Request',
  404: '404 Not Found',
  405: '405 Method Not Allowed',
  413: '413 Payload Too Large',
  415: '415 Unsupported Media Type',
  429: '429 Too Many Requests',
  500: '500 Internal Server Error',
  503: '503 Service Unavailable',
};

export function exchange(res: HttpResponse, onEnd: (aborted: boolean) => void): Exchange {
  let ended = false;
  let aborted = false;
  res.onAborted(() => {
    aborted = true;
    if (ended) return;
    ended = true;
    onEnd(true);
  });
  return {
    get aborted() {
      return aborted;
    },
    answer({ status, headers, body, close }) {
      if (ended) return;
      ended = true;
      res.cork(() => {
        res.writeStatus(REASONS[status] ?? String(status));
        for (const name in headers) res.writeHeader(name, headers[name] ?? '');
        res.end(body, close);
      });
      onEnd(false);
    },
  };
}

/** Bytes a client may send beyond the limit before the connection is cut without waiting for the rest. */
const PATIENCE_FACTOR = 16;

/**
 * Reads a request body of at most `limit` bytes. Calls back once: with the body, or with undefined when it is larger.
 * The callback may run before the handler returns.
 */
export function readBody(res: HttpResponse, limit: number, done: (body: Buffer | undefined) => void): void {
  let received = 0;
  let finished = false;
  let chunks: Buffer[] = [];
  res.onData((chunk, isLast) => {
    if (finished) return;
    received += chunk.byteLength;
    if (received > limit) {
      chunks = [];
      if (!isLast && received <= limit * PATIENCE_FACTOR) return;
      finished = true;
      done(undefined);
      return;
    }
    if (!isLast) {
      // The engine takes the memory back when this callback returns.
      chunks.push(Buffer.from(Buffer.from(chunk)));
      return;
    }
    finished = true;
    const last = Buffer.from(chunk);
    done(chunks.length === 0 ? last : Buffer.concat([...chunks, last]));
  });
}
