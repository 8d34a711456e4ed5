/**
 * Between a session store and its server: cuts the connection at a COMMIT, before the server has it or before the
 * answer is out; falls silent without closing, as a network does; or lets nobody through.
 */

import type { AddressInfo } from 'node:net';
import { createServer, type Server, Socket } from 'node:net';

/** A simple query, as the driver sends it in one piece. */
const COMMIT = Buffer.from('Q\0\0\0\x0bcommit\0', 'latin1');

export type Cut = 'before the commit' | 'before its answer';

export class CuttingProxy {
  /** Asked at each commit. */
  cut: () => Cut | undefined = () => undefined;
  /** While silent, nothing passes and nothing is closed. */
  silent = false;
  readonly #server: Server;
  readonly #target: () => { host: string; port: number };
  readonly #sockets = new Set<Socket>();

  private constructor(target: () => { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#connect(client));
  }

  /** @param address of the server, asked for again at each connection, since a restart may move it */
  static async to(address: () => string): Promise<CuttingProxy> {
    const proxy = new CuttingProxy(() => {
      const { hostname, port } = new URL(address());
      return { host: hostname, port: Number(port || 5432) };
    });
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The same database, through here. */
  url(direct: string): string {
    const url = new URL(direct);
    const { port } = this.#server.address() as AddressInfo;
    url.hostname = '127.0.0.1';
    url.port = String(port);
    return url.href;
  }

  get connections(): number {
    return this.#sockets.size / 2;
  }

  /** Cuts all connections at one moment: the server frees nothing before every client has lost its own. */
  sever(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    this.sever();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #connect(client: Socket): void {
    const server = new Socket();
    const end = () => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) {
      this.#sockets.add(socket);
      socket.on('error', end);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        if (!this.silent) end();
      });
    }
    let answerIsLost = false;
    client.on('data', (sent) => {
      if (this.silent) return;
      const cut = sent.includes(COMMIT) ? this.cut() : undefined;
      if (cut === 'before the commit') return end();
      answerIsLost = cut === 'before its answer';
      server.write(sent);
    });
    server.on('data', (answer) => {
      if (answerIsLost) return end();
      if (!this.silent) client.write(answer);
    });
    server.connect(this.#target());
  }
}
