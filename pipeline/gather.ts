/**
 * Brings the portions of many partitions together into one unit of work, since the stores like few, large writes.
 *
 * One unit is under way at a time; what comes meanwhile waits for the next. A unit starts {@link LINGER_MS} after its
 * first portion came, or at once when it holds {@link UNIT_BYTES}. A partition offers its next portion only after
 * the last one was counted, so a unit has at most one portion of each and what waits is bounded by the log's batch
 * size times the partitions.
 */
import type { Portion } from './work.ts';

const LINGER_MS = 150;
const UNIT_BYTES = 16 * 1024 * 1024;

export interface Gatherer {
  /** Resolves once the portion is counted; rejects as its unit does. */
  add(portion: Portion): Promise<void>;
}

interface Waiting {
  portion: Portion;
  bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

export function gatherer(run: (portions: Portion[]) => Promise<void>): Gatherer {
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  let running = false;
  let timer: NodeJS.Timeout | undefined;

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    if (running || waiting.length === 0) return;
    running = true;
    const unit = waiting;
    waiting = [];
    waitingBytes = 0;
    run(unit.map(({ portion }) => portion))
      .then(
        () => {
          for (const { resolve } of unit) resolve();
        },
        (error: unknown) => {
          for (const { reject } of unit) reject(error);
        },
      )
      .finally(() => {
        running = false;
        schedule();
      });
  }

  function schedule(): void {
    if (running || waiting.length === 0) return;
    if (waitingBytes >= UNIT_BYTES) start();
    else timer ??= setTimeout(start, LINGER_MS);
  }

  return {
    add(portion) {
      return new Promise((resolve, reject) => {
        const bytes = portion.frames.reduce((sum, { body }) => sum + body.byteLength, 0);
        waiting.push({ portion, bytes, resolve, reject });
        waitingBytes += bytes;
        schedule();
      });
    },
  };
}
