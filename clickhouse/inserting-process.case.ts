/** A process that inserts batches of {@link batch} into a directory of chDB, to be killed. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { ChildNews } from './insert.child.ts';

export interface InsertingProcess {
  /** The next thing it says; undefined when it has ended. */
  news(): Promise<ChildNews | undefined>;
  /** Ends it without notice and answers what it had said until then. */
  kill(): Promise<ChildNews[]>;
}

export function startInserting(directory: string, firstBatch: number): InsertingProcess {
  const child: ChildProcess = fork(
    new URL('./insert.child.ts', import.meta.url),
    [directory, String(firstBatch)],
    {
      execArgv: ['--import', 'tsx'],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    },
  );
  const told: ChildNews[] = [];
  let waiting: ((news: ChildNews | undefined) => void) | undefined;
  child.on('message', (message) => {
    const news = message as ChildNews;
    if (waiting === undefined) told.push(news);
    else waiting(news);
    waiting = undefined;
  });
  const ended = once(child, 'close').then(() => waiting?.(undefined));

  return {
    news: () => {
      const known = told.shift();
      if (known !== undefined) return Promise.resolve(known);
      if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
      return told.splice(0);
    },
  };
}
