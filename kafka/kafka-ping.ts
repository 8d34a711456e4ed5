/** Whether the brokers would take a frame now, in words where not. */
import type { Cluster } from 'kafkajs';
import { brokerOf } from './kafka-cluster.ts';
import { protocolError, within, wordsOf } from './kafka-errors.ts';
import { LogError } from './port.ts';

const PING_TIMEOUT_MS = 2_000;

interface Asked {
  topic: string;
  brokers: string[];
  minInSync: number;
}

/** @throws LogError `unavailable` */
export async function ping(cluster: Cluster, { topic, brokers, minInSync }: Asked): Promise<void> {
  try {
    // Asks a broker that answers, and connects again where none does.
    await within(PING_TIMEOUT_MS, topic, cluster.refreshMetadata());
  } catch (cause) {
    const why =
      protocolError(cause) === 'LEADER_NOT_AVAILABLE'
        ? `${topic}: the broker that leads a partition is away`
        : `no broker of ${brokers.join()} answers: ${wordsOf(cause)}`;
    throw new LogError('unavailable', why, { cause });
  }
  const partitions = cluster.findTopicPartitionMetadata(topic);
  if (partitions.length === 0) throw new LogError('unavailable', `${topic} is not there: it was removed`);
  for (const { partitionId, leader, isr } of partitions) {
    if (leader < 0) {
      throw new LogError('unavailable', `${topic}: the broker that leads partition ${partitionId} is away`);
    }
    if (isr.length < minInSync) {
      const message = `${topic}: partition ${partitionId} has ${isr.length} in-sync replicas, and min.insync.replicas is ${minInSync}`;
      throw new LogError('unavailable', message);
    }
  }
  const leaders = new Set(partitions.map(({ leader }) => String(leader)));
  const reached = [...leaders].map((leader) =>
    within(PING_TIMEOUT_MS, `${topic}: broker ${leader}`, brokerOf(cluster, leader)),
  );
  await Promise.all(reached);
}
