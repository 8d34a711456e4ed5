/** Named queries, each with the time that it took. */
import type { AnalyticsStore } from '../clickhouse/port.ts';
import type { QueryName } from '../clickhouse/queries.ts';

export type Reads = Pick<AnalyticsStore, 'read' | 'readArrow'>;

/** @param onRead is told of queries that fail as well */
export function timedReads(reads: Reads, onRead: (query: QueryName, seconds: number) => void): Reads {
  async function timed<Result>(query: QueryName, ask: () => Promise<Result>): Promise<Result> {
    const began = performance.now();
    try {
      return await ask();
    } finally {
      onRead(query, (performance.now() - began) / 1_000);
    }
  }

  return {
    read: (query, params) => timed(query, () => reads.read(query, params)),
    readArrow: (query, params) => timed(query, () => reads.readArrow(query, params)),
  };
}
