/**
 * Makes sure that inserts on a server have ended: asks it to kill them, and to say that none is left.
 *
 * Why an insert that is not under way here cannot begin later: whoever gave it up reset its connection, so no byte leaves
 * that machine any more (`resettable-agent.ts`); after a plain close a kernel was seen to deliver a whole body of 1 MB. A
 * server runs an insert as soon as its head has come, so from then on it is among the processes; and one whose body
 * stays short of its Content-Length stores nothing, since its only block is made when the body is complete. What may
 * still come is what the network carries, or the server's kernel has and nobody has read: hence two looks, a pause apart.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Layout } from './layout.ts';
import { AnalyticsStoreError } from './port.ts';
import { select } from './statement.ts';

const TRIES = 8;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;
const LOOKS = 2;

/**
 * @param condition on `initial_query_id`, which parts of a statement on other servers of a cluster share
 * @throws AnalyticsStoreError `unavailable` when the server did not say so in time
 */
export async function waitUntilEnded(
  client: ClickHouseClient,
  condition: string,
  layout: Layout,
): Promise<void> {
  let clear = 0;
  let cause: unknown;
  for (let n = 0; n < TRIES && clear < LOOKS; n++) {
    if (n > 0) await delay(Math.min(FIRST_PAUSE_MS * 2 ** (n - 1), LONGEST_PAUSE_MS));
    try {
      await client.command({ query: `KILL QUERY${layout.onCluster} WHERE ${condition} SYNC` });
      const [left] = await select<{ running: number }>(
        client,
        `SELECT count() AS running FROM ${layout.everywhere('system.processes')} WHERE ${condition}`,
      );
      clear = left?.running === 0 ? clear + 1 : 0;
    } catch (error) {
      cause = error;
      clear = 0;
    }
  }
  if (clear < LOOKS) {
    throw new AnalyticsStoreError('unavailable', 'ClickHouse does not say whether an insert has ended', {
      cause,
    });
  }
}
