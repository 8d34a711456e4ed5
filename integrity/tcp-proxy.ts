/** A TCP proxy that does to connections what networks do: delay, cut, swallow, refuse. */
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';

interface Pair {
  client: Socket;
  server: Socket;
}

export class TcpProxy {
  #target: number;
  readonly #pairs = new Set<Pair>();
  readonly #listener: Server;
  #port = 0;
  #latencyMs = 0;
  #swallows = false;
  /** Connections that were cut, over the life of the proxy. */
  cuts = 0;

  private constructor(target: number) {
    this.#target = target;
    this.#listener = createServer({ pauseOnConnect: true }, (client) => this.#join(client));
  }

  /** @param target port of 127.0.0.1; may be told later */
  static async open(target = 0): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await proxy.#listen(0);
    return proxy;
  }

  set target(port: number) {
    this.#target = port;
  }

  get port(): number {
    return this.#port;
  }

  /** Bytes of either direction arrive so much later. */
  delay(ms: number): void {
    this.#latencyMs = ms;
  }

  /** Half-open: connections stay, and what is sent arrives nowhere, until {@link restore} cuts them. */
  swallow(): void {
    this.#swallows = true;
  }

  /** Ends every connection with a reset. */
  cut(): void {
    for (const { client, server } of this.#pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
    this.cuts += this.#pairs.size;
    this.#pairs.clear();
  }

  /** Cuts, and takes no connection until {@link restore}. */
  async refuse(): Promise<void> {
    this.cut();
    await new Promise<void>((done) => this.#listener.close(() => done()));
  }

  async restore(): Promise<void> {
    if (this.#swallows) this.cut();
    this.#swallows = false;
    this.#latencyMs = 0;
    if (!this.#listener.listening) await this.#listen(this.#port);
  }

  async close(): Promise<void> {
    this.cut();
    if (this.#listener.listening) await new Promise<void>((done) => this.#listener.close(() => done()));
  }

  async #listen(port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject);
      this.#listener.listen(port, '127.0.0.1', () => {
        this.#listener.off('error', reject);
        resolve();
      });
    });
    const address = this.#listener.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    this.#port = address.port;
  }

  #join(client: Socket): void {
    const server = dial({ host: '127.0.0.1', port: this.#target, noDelay: true });
    client.setNoDelay(true);
    const pair = { client, server };
    this.#pairs.add(pair);
    this.#carry(client, server);
    this.#carry(server, client);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      // A reset of one side is passed on as the end of the other.
      socket.on('error', end);
      socket.on('close', end);
    }
    client.resume();
  }

  /** In order, one chunk at a time, with the source paused meanwhile: so nothing piles up here. */
  #carry(from: Socket, to: Socket): void {
    from.on('data', (chunk) => {
      if (this.#swallows) return;
      if (this.#latencyMs === 0) {
        if (!to.write(chunk)) {
          from.pause();
          to.once('drain', () => from.resume());
        }
        return;
      }
      from.pause();
      void pause(this.#latencyMs).then(() => {
        if (!this.#swallows && to.writable) to.write(chunk);
        from.resume();
      });
    });
    from.on('end', () => to.end());
  }
}
