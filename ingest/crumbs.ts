/**
 * Bodies that come in crumbs, a byte at a time: each is a call of the system, of the engine and of ours, whatever it holds. So a
 * connection that sends them is not read for a while, and then all that has come meanwhile at once.
 */
import type { HttpResponse } from './uws.ts';

/** Packets have more, but for those where a head ends, and the last of a body. */
const CRUMB_BYTES = 512;
/** So many are no sign of anything. */
const FREE_CRUMBS = 4;
export const REST_MS = 500;
/** As uWebSockets.js has it for bodies that are read all the time. */
const BODY_TIMEOUT_MS = 10_000;

export class Crumbs {
  readonly #res: HttpResponse;
  readonly #isOver: () => boolean;
  readonly #began = performance.now();
  #seen = 0;
  #rest: NodeJS.Timeout | undefined;

  /** @param isOver the response is not to be touched any more */
  constructor(res: HttpResponse, isOver: () => boolean) {
    this.#res = res;
    this.#isOver = isOver;
  }

  /** A part of the body has come that is not the last. */
  seen(bytes: number): void {
    if (bytes >= CRUMB_BYTES) return;
    this.#seen += 1;
    if (this.#seen <= FREE_CRUMBS || this.#rest !== undefined) return;
    this.#res.pause();
    this.#rest = setTimeout(() => this.#goOn(), REST_MS);
  }

  /** The body is read: what comes next on the connection is another request. */
  end(): void {
    if (this.#rest === undefined) return;
    clearTimeout(this.#rest);
    this.#rest = undefined;
    this.#res.resume();
  }

  #goOn(): void {
    this.#rest = undefined;
    if (this.#isOver()) return;
    // The engine's own timeout begins anew when it resumes.
    if (performance.now() - this.#began >= BODY_TIMEOUT_MS) this.#res.close();
    else this.#res.resume();
  }
}
