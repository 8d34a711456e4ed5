/** A process of Node that is looked into from outside: its memory and heap once garbage is collected. */
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { useOf } from '../processes.ts';

const MIB = 1024 ** 2;
const INSPECTOR = /Debugger listening on (ws:\/\/\S+)/g;

export interface Usage {
  residentMiB: number;
  heapMiB: number;
}

/** Node's own inspector, which SIGUSR1 opens. */
export class Inspector {
  readonly #pid: number;
  readonly #socket: WebSocket;
  readonly #answers = new Map<number, (result: Record<string, unknown>) => void>();
  #calls = 0;

  private constructor(pid: number, socket: WebSocket) {
    this.#pid = pid;
    this.#socket = socket;
    socket.on('message', (data) => {
      const { id, result } = JSON.parse(String(data));
      this.#answers.get(id)?.(result);
    });
  }

  /** @param output all that the process has printed; it runs with `--inspect-port=0` */
  static async open(pid: number, output: () => string): Promise<Inspector> {
    process.kill(pid, 'SIGUSR1');
    for (;;) {
      const url = [...output().matchAll(INSPECTOR)].at(-1)?.[1];
      if (url === undefined) {
        await pause(20);
        continue;
      }
      const socket = new WebSocket(url, { perMessageDeflate: false });
      await new Promise<void>((resolve, reject) => socket.once('open', resolve).once('error', reject));
      return new Inspector(pid, socket);
    }
  }

  async usage(): Promise<Usage> {
    // What is only weakly held goes with the second.
    for (let i = 0; i < 3; i++) {
      await this.call('HeapProfiler.collectGarbage');
      await pause(200);
    }
    const { usedSize } = await this.call('Runtime.getHeapUsage');
    return { residentMiB: useOf(this.#pid).residentMiB, heapMiB: Number(usedSize) / MIB };
  }

  call(method: string, params: object = {}): Promise<Record<string, unknown>> {
    const id = ++this.#calls;
    return new Promise((resolve) => {
      this.#answers.set(id, resolve);
      this.#socket.send(JSON.stringify({ id, method, params }));
    });
  }

  close(): void {
    this.#socket.terminate();
  }
}
