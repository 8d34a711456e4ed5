/** Load at a fixed rate, from a process of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { onCore } from './cores.ts';

export interface OpenLoad {
  port: number;
  requestsFile: string;
  requestsASecond: number;
  seconds: number;
  /** At most. */
  connections: number;
}

export interface OpenLoadSeen {
  sent: number;
  /** That were due, and found no connection. */
  unsent: number;
  answered: number;
  /** Not answered: connections that ended, or answers that did not come within 5 s of the end. */
  failed: number;
  byStatus: Record<string, number>;
  /** Other answers than 202. */
  withoutRetryAfter: number;
  seconds: number;
  /** ms from when a request was due to its 202. */
  accepted: { p50: number; p99: number; p999: number; max: number };
  /** The same of the 202 that came in each second, and the longest that the sender itself stood still then: what it adds to them. */
  bySecond: { p50: number; p99: number; max: number; senderStoodMs: number }[];
}

export async function openLoad(load: OpenLoad, core: number): Promise<OpenLoadSeen> {
  const child = fileURLToPath(new URL('./open-loop.child.ts', import.meta.url));
  const [command = '', ...args] = onCore(core, [process.execPath, '--import', 'tsx', child]);
  const sender = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  try {
    sender.send(load);
    const [seen] = await Promise.race([
      once(sender, 'message'),
      once(sender, 'exit').then(([code]) => {
        throw new Error(`the sender has ended with ${code}`);
      }),
    ]);
    return seen;
  } finally {
    sender.kill();
  }
}
