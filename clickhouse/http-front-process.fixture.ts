/** Starts a {@link HttpFront} in a process of its own, which can be killed and started again on its directory. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { FrontNews, FrontOrder } from './http-front.child.ts';
import type { FrontOptions, SeenRequest, Strike } from './http-front.fixture.ts';

export interface FrontProcess {
  /** `http://127.0.0.1:port`; stays the same. */
  readonly url: string;
  /** What strikes from now on instead of what did; nothing without. */
  strike(...strikes: Strike[]): Promise<void>;
  /** Refuses connections, those that are open too, until told to `listen`. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
  /** Statements whose bodies have come, from the start on. */
  seen(): Promise<SeenRequest[]>;
  /** Ends the process without notice. */
  kill(): Promise<void>;
  /** After `kill`. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

export async function startFront(directory: string, options: FrontOptions = {}): Promise<FrontProcess> {
  let child: ChildProcess;
  let port = 0;

  async function start(): Promise<void> {
    child = fork(
      new URL('./http-front.child.ts', import.meta.url),
      [directory, String(port), JSON.stringify(options)],
      {
        execArgv: ['--import', 'tsx'],
        env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      },
    );
    port = (await news()).port ?? 0;
  }

  async function news(): Promise<FrontNews> {
    const over = new AbortController();
    const { signal } = over;
    const died = once(child, 'close', { signal }).then(() => {
      throw new Error('the front of ClickHouse has ended');
    });
    try {
      const [message] = await Promise.race([once(child, 'message', { signal }), died]);
      return message;
    } finally {
      over.abort();
    }
  }

  async function order(command: FrontOrder): Promise<FrontNews> {
    const answer = news();
    child.send(command);
    return answer;
  }

  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    strike: async (...strikes) => void (await order({ order: 'strike', strikes })),
    refuse: async () => void (await order({ order: 'refuse' })),
    listen: async () => void (await order({ order: 'listen' })),
    seen: async () => (await order({ order: 'seen' })).seen ?? [],
    async kill() {
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;
    },
    restart: start,
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const closed = once(child, 'close');
      child.send({ order: 'close' } satisfies FrontOrder);
      await closed;
    },
  };
}
