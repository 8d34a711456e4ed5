/**
 * Connections that run one statement each at a time; who finds none free waits in line.
 *
 * The line is kept here and not in the engine, where each waiting statement would hold a thread of libuv's pool.
 * A full line refuses: the reader is told to come back instead of waiting for minutes.
 */
import { AnalyticsStoreError } from './port.ts';

const MAX_WAITING = 1_000;

interface Waiting<Client> {
  start(client: Client): void;
  refuse(error: AnalyticsStoreError): void;
}

export class Pool<Client extends { close(): Promise<void> }> {
  readonly #clients: readonly Client[];
  readonly #free: Client[];
  readonly #running = new Set<Promise<void>>();
  #waiting: Waiting<Client>[] = [];
  #closed = false;

  constructor(clients: readonly Client[]) {
    this.#clients = clients;
    this.#free = [...clients];
  }

  /** @throws AnalyticsStoreError `unavailable`, before anything ran, when closed or when too many wait */
  run<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const running = this.#perform(work);
    const ended = running.then(
      () => {},
      () => {},
    );
    this.#running.add(ended);
    void ended.then(() => this.#running.delete(ended));
    return running;
  }

  /** Refuses who waits, lets running statements end, and closes the connections. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const { refuse } of this.#waiting) refuse(closedError());
    this.#waiting = [];
    await Promise.all(this.#running);
    for (const client of new Set(this.#clients)) await client.close();
  }

  async #perform<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = await this.#take();
    try {
      return await work(client);
    } finally {
      this.#release(client);
    }
  }

  #take(): Promise<Client> {
    if (this.#closed) return Promise.reject(closedError());
    const client = this.#free.pop();
    if (client !== undefined) return Promise.resolve(client);
    if (this.#waiting.length >= MAX_WAITING) {
      return Promise.reject(new AnalyticsStoreError('unavailable', 'too many statements wait'));
    }
    return new Promise((start, refuse) => this.#waiting.push({ start, refuse }));
  }

  #release(client: Client): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free.push(client);
    else next.start(client);
  }
}

function closedError(): AnalyticsStoreError {
  return new AnalyticsStoreError('unavailable', 'the analytics store is closed');
}
