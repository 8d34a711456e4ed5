/** Completes erasures in the background: one instance at a time, within seconds of the request where counting keeps up. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { Counter, Gauge } from 'prom-client';
import { type ErasingOptions, eraseSettled } from './erasing.ts';

const LOOK_MS = 1_000;
const AFTER_FAILURE_MS = 10_000;

export interface Erasures {
  /** Breaks off what is under way: it is begun again by the next. */
  close(): Promise<void>;
}

export function startErasures(
  options: Omit<ErasingOptions, 'signal' | 'onLiveFailed'> & { metrics: Registry; logger: Logger },
): Erasures {
  const { logger } = options;
  const metrics = erasureMetrics(options.metrics);
  const stop = new AbortController();
  const { signal } = stop;

  async function run(): Promise<void> {
    while (!signal.aborted) {
      let pauseMs = LOOK_MS;
      try {
        const { completed, waiting } = await eraseSettled({
          ...options,
          signal,
          onLiveFailed: (err) =>
            logger.warn(
              { err },
              'the live store does not answer: erased visitors may be in its numbers of today',
            ),
        });
        metrics.completed.inc(completed);
        metrics.waiting.set(waiting);
        if (completed > 0) logger.info({ completed, waiting }, 'erased');
      } catch (error) {
        if (signal.aborted) return;
        pauseMs = AFTER_FAILURE_MS;
        metrics.failures.inc();
        logger.warn({ err: error }, 'an erasure is not complete: trying again');
      }
      await pause(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  const running = run();
  return {
    async close() {
      stop.abort();
      await running;
    },
  };
}

function erasureMetrics(registry: Registry) {
  const registers = [registry];
  return {
    completed: new Counter({
      name: 'footfall_erasures_completed_total',
      help: 'Erasures of which nothing is left to do',
      registers,
    }),
    waiting: new Gauge({
      name: 'footfall_erasures_waiting',
      help: 'Erasures that wait until what was counted before them is settled',
      registers,
    }),
    failures: new Counter({
      name: 'footfall_erasures_failures_total',
      help: 'Times that erasures could not be completed; they are tried again',
      registers,
    }),
  };
}
