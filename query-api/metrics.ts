/** What the query API counts about itself. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { SOCKET_KINDS } from './audience-section.ts';
import { END_REASONS } from './socket-client.ts';

export type Metrics = ReturnType<typeof apiMetrics>;

const OUTCOMES = ['hit', 'miss'] as const;
const USES = ['cache', 'rate_limit'] as const;

export function apiMetrics(registry: Registry) {
  const registers = [registry];
  const metrics = {
    requestSeconds: new Histogram({
      name: 'footfall_api_request_seconds',
      help: 'Time to answer a request, by endpoint and status',
      labelNames: ['endpoint', 'status'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    querySeconds: new Histogram({
      name: 'footfall_api_query_seconds',
      help: 'Time that the analytics store took for a named query of the API, waiting for its turn included',
      labelNames: ['query'] as const,
      buckets: [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers,
    }),
    cachedResults: new Counter({
      name: 'footfall_api_cached_results_total',
      help: 'Results of closed ranges asked of the cache, by outcome',
      labelNames: ['outcome'] as const,
      registers,
    }),
    liveStoreFailures: new Counter({
      name: 'footfall_api_live_store_failures_total',
      help: 'Times the live store failed and the API went on without it, by use',
      labelNames: ['use'] as const,
      registers,
    }),
    sockets: new Gauge({
      name: 'footfall_api_sockets',
      help: 'Open sockets, by kind',
      labelNames: ['kind'] as const,
      registers,
    }),
    socketsClosed: new Counter({
      name: 'footfall_api_sockets_closed_total',
      help: 'Sockets that the server closed, by reason',
      labelNames: ['reason'] as const,
      registers,
    }),
    messagesIgnored: new Counter({
      name: 'footfall_api_socket_messages_ignored_total',
      help: 'Messages of clients that are not in the contract',
      registers,
    }),
  };
  // So that a rate sees the first of each.
  for (const outcome of OUTCOMES) metrics.cachedResults.inc({ outcome }, 0);
  for (const use of USES) metrics.liveStoreFailures.inc({ use }, 0);
  for (const kind of SOCKET_KINDS) metrics.sockets.set({ kind }, 0);
  for (const reason of END_REASONS) metrics.socketsClosed.inc({ reason }, 0);
  return metrics;
}
