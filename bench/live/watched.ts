/** A process that is measured from outside: its memory, its share of a core, its heap once garbage is collected. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';

const TICKS_A_SECOND = 100;
const MIB = 1024 ** 2;
const INSPECTOR = /Debugger listening on (ws:\/\/\S+)/g;

export interface Usage {
  residentMiB: number;
  heapMiB: number;
}

/** Seconds of processor time that it has used, of all its threads. */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name of the command, in brackets, may have spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

export const residentMiB = (pid: number) => statusMiB(pid, 'VmRSS');

/** Resident without the pages of files, which the system takes back when it wants them: an embedded log is such a file. */
export const anonymousMiB = (pid: number) => statusMiB(pid, 'RssAnon');

function statusMiB(pid: number, field: string): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status) ?? [];
  return Math.round(Number(kibibytes) / 1024);
}

/** A process and all that it has started. */
export function processTree(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => processTree(Number(child)))];
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
    return { residentMiB: residentMiB(this.#pid), heapMiB: Number(usedSize) / MIB };
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
