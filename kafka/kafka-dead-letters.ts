/**
 * Dead letters: what the pipeline could not read, in a compacted topic of one partition.
 *
 * The key is the place, `partition/offset/index`, so that Kafka itself keeps the latest of a place. The value is the
 * body as it was and the reason is a header, so that `kcat` shows both.
 */
import type { Cluster, KafkaMessage } from 'kafkajs';
import { boundsOf } from './kafka-cluster.ts';
import { unavailable, within } from './kafka-errors.ts';
import { Fetcher } from './kafka-fetch.ts';
import type { LogRecord } from './kafka-produce.ts';
import type { DeadLetter } from './port.ts';

const REASON = 'reason';
const CALL_TIMEOUT_MS = 5_000;
const READ_TIMEOUT_MS = 10_000;

export function recordOf({ partition, offset, index, reason, body }: DeadLetter): LogRecord {
  return { key: `${partition}/${offset}/${index}`, value: body, headers: { [REASON]: reason } };
}

/** All that are there now, ordered by their places. They are held in memory: dead letters are few, or something is wrong. */
export async function readLetters(cluster: Cluster, topic: string): Promise<DeadLetter[]> {
  const bounds = await within(
    CALL_TIMEOUT_MS,
    `${topic}: looking for its end`,
    boundsOf(cluster, topic, [0]),
  );
  const { start = 0, end = 0 } = bounds.get(0) ?? {};
  const byKey = new Map<string, DeadLetter>();
  let failure: unknown;
  const fetcher = new Fetcher(cluster, topic, (cause) => {
    failure = cause;
  });
  try {
    for (let position = start; position < end; ) {
      const what = `${topic}: reading`;
      const fetched = await within(READ_TIMEOUT_MS, what, fetcher.next(0, position)).catch((late) => {
        throw unavailable(what, failure ?? late);
      });
      if (fetched === undefined || fetched === 'out_of_range') break;
      for (const message of fetched) {
        const letter = letterOf(message);
        if (letter !== undefined) byKey.set(String(message.key), letter);
        position = Number(message.offset) + 1;
      }
    }
  } finally {
    await fetcher.close();
  }
  return [...byKey.values()].sort(
    (a, b) => a.partition - b.partition || a.offset - b.offset || a.index - b.index,
  );
}

/** Nothing where the message is not one of ours. */
function letterOf({ key, value, headers }: KafkaMessage): DeadLetter | undefined {
  const [, partition, offset, index] = /^(\d+)\/(\d+)\/(-?\d+)$/.exec(String(key)) ?? [];
  if (partition === undefined || value === null) return undefined;
  return {
    partition: Number(partition),
    offset: Number(offset),
    index: Number(index),
    reason: String(headers?.[REASON] ?? ''),
    body: value,
  };
}
