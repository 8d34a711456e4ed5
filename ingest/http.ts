/**
 * The one way from a uWebSockets.js response to an answer: abort-safe, bounded, corked.
 *
 * A handler that answers later without `onAborted` ends the process when the client leaves, so an {@link Exchange} is
 * made first in every route. The request object lives only until the handler returns: read it before.
 */
import { Crumbs } from './crumbs.ts';
import type { HttpResponse } from './uws.ts';

/** Lines of headers as they go over the wire, each after a line break. Made once where they never change. */
export type HeaderLines = string;

export function headerLines(headers: Readonly<Record<string, string>>): HeaderLines {
  return Object.entries(headers)
    .map(([name, value]) => `\r\n${name}: ${value}`)
    .join('');
}

/** Of a body, which browsers are to take for what it is said to be. */
export function typeLines(type: string): HeaderLines {
  return headerLines({ 'Content-Type': type, 'X-Content-Type-Options': 'nosniff' });
}

export interface Answer {
  status: number;
  headers?: HeaderLines;
  body?: string | Buffer;
  /** Ends the connection after the answer. */
  close?: boolean;
  /** Of an answer that is given again and again: its head, by the headers of the route. */
  heads?: Map<HeaderLines, Uint8Array>;
}

/** An answer that is given again and again: its head is made once for each route. */
export function givenOften(answer: Answer): Answer {
  return { ...answer, heads: new Map() };
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

/** Bytes a client may send beyond the limit before the connection is cut without waiting for the rest. */
const PATIENCE_FACTOR = 16;

export class Exchange {
  readonly #res: HttpResponse;
  readonly #headers: HeaderLines;
  readonly #onEnd: (aborted: boolean) => void;
  #ended = false;

  /** @param headers of every answer of the route; `onEnd` is called once, when the client has its answer or has left */
  constructor(res: HttpResponse, headers: HeaderLines, onEnd: (aborted: boolean) => void) {
    this.#res = res;
    this.#headers = headers;
    this.#onEnd = onEnd;
    res.onAborted(() => this.#end(true));
  }

  /** Sends the answer, unless the client has left. Only the first call counts. */
  answer(answer: Answer): void {
    if (this.#ended) return;
    const res = this.#res;
    res.cork(() => {
      // The engine writes a status as it is, and a call for each header would cost as much as the answer itself.
      res.writeStatus(headOf(answer, this.#headers));
      res.end(answer.body, answer.close);
    });
    this.#end(false);
  }

  /**
   * Reads a body of at most `limit` bytes. Calls back once: with the body, or with undefined when it is larger.
   * The body is gone when the callback returns.
   */
  readBody(limit: number, done: (body: Buffer | undefined) => void): void {
    const res = this.#res;
    let received = 0;
    // Let go when it was called: the engine keeps this handler, and all that it holds, until the request has its answer.
    let callback: typeof done | undefined = done;
    let chunks: Buffer[] | undefined;
    let crumbs: Crumbs | undefined;
    const finish = (body: Buffer | undefined) => {
      const call = callback;
      callback = undefined;
      chunks = undefined;
      crumbs?.end();
      call?.(body);
    };
    res.onData((chunk, isLast) => {
      if (callback === undefined) return;
      received += chunk.byteLength;
      if (received > limit) {
        chunks = undefined;
        if (isLast || received > limit * PATIENCE_FACTOR) finish(undefined);
        else crumbs?.seen(chunk.byteLength);
        return;
      }
      if (!isLast) {
        // The engine takes the memory back when this callback returns.
        chunks ??= [];
        chunks.push(Buffer.from(Buffer.from(chunk)));
        crumbs ??= new Crumbs(res, () => this.#ended);
        crumbs.seen(chunk.byteLength);
        return;
      }
      const last = Buffer.from(chunk);
      finish(chunks === undefined ? last : Buffer.concat([...chunks, last]));
    });
  }

  #end(aborted: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd(aborted);
  }
}

function headOf({ status, headers = '', heads }: Answer, ofRoute: HeaderLines): Uint8Array | string {
  const known = heads?.get(ofRoute);
  if (known !== undefined) return known;
  const head = (REASONS[status] ?? String(status)) + ofRoute + headers;
  heads?.set(ofRoute, Buffer.from(head));
  return head;
}
