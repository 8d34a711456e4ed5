/** `k6/websockets`. */
import { WebSocket as Socket } from 'ws';

const open = new Set<WebSocket>();

export class WebSocket {
  onopen = () => {};
  onclose = () => {};
  onpong = () => {};
  onmessage: (event: { data: unknown }) => void = () => {};
  onerror: (event: { error: string }) => void = () => {};
  readonly #socket: Socket;

  constructor(url: string, _protocols?: null, params: { headers?: Record<string, string> } = {}) {
    this.#socket = new Socket(url, { headers: params.headers ?? {} });
    open.add(this);
    this.#socket.on('open', () => this.onopen());
    this.#socket.on('pong', () => this.onpong());
    this.#socket.on('message', (data) => this.onmessage({ data: String(data) }));
    this.#socket.on('error', (error) => this.onerror({ error: error.message }));
    this.#socket.on('close', () => {
      open.delete(this);
      this.onclose();
    });
  }

  send(text: string): void {
    this.#socket.send(text);
  }

  ping(): void {
    this.#socket.ping();
  }

  close(): void {
    this.#socket.close();
  }
}

export async function allClosed(): Promise<void> {
  while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
}
