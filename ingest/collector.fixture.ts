/** A collector for tests: on a free port of 127.0.0.1, with no limits but of what waits, that says nothing. */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { type Collector, type CollectorOptions, startCollector } from './collector.ts';
import type { TurnBudget } from './turn.ts';

type Engines = Pick<CollectorOptions, 'log' | 'live'>;
type Changes = Partial<Omit<CollectorOptions, 'config'>> & { config?: Partial<CollectorOptions['config']> };

/** Where other tests keep the processor busy, a request more or less would be too many for a turn. */
const ALL_TIME: TurnBudget = {
  burst: Number.POSITIVE_INFINITY,
  lasting: Number.POSITIVE_INFINITY,
  patience: 0,
  calm: 0,
};

/** For a collector that has to refuse what it is sent. */
export const NO_TIME: TurnBudget = { burst: 0, lasting: 0, patience: 0, calm: 0 };

export function startTestCollector({ config, ...changes }: Engines & Changes): Promise<Collector> {
  return startCollector({
    fingerprintSecret: 'a secret of the test',
    script: { code: 'beacon();', etag: '"1"' },
    turnBudget: ALL_TIME,
    metrics: new Registry(),
    logger: pino({ level: 'silent' }),
    ...changes,
    config: {
      host: '127.0.0.1',
      ingestPort: 0,
      trustedProxies: [],
      respectDnt: true,
      ingestRateLimit: 0,
      ...config,
    },
  });
}
