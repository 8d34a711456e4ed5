/** What the query API counts about itself. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type Metrics = ReturnType<typeof apiMetrics>;

export function apiMetrics(registry: Registry) {
  const registers = [registry];
  return {
    requestSeconds: new Histogram({
      name: 'footfall_api_request_seconds',
      help: 'Time to answer a request, by endpoint and status',
      labelNames: ['endpoint', 'status'] as const,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
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
}
