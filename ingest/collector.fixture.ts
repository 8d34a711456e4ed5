/** A collector for tests: on a free port of 127.0.0.1, with no limits, that says nothing. */
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { type Collector, type CollectorOptions, startCollector } from './collector.ts';

type Engines = Pick<CollectorOptions, 'log' | 'live'>;
type Changes = Partial<Omit<CollectorOptions, 'config'>> & { config?: Partial<CollectorOptions['config']> };

export function startTestCollector({ config, ...changes }: Engines & Changes): Promise<Collector> {
  return startCollector({
    fingerprintSecret: 'a secret of the test',
    script: { code: 'beacon();', etag: '"1"' },
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
