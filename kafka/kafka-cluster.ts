/**
 * The part of kafkajs that the log stands on: connections, metadata and the protocol, without its producer and its
 * consumer.
 *
 * Why not those. Each was found to break what this log promises (read in the source of 2.2.4):
 * - The producer keeps the brokers that have answered, not the partitions: when one broker of a batch fails and the
 *   leadership moves to a broker that has answered, the batch resolves although those messages were never sent.
 * - The idempotent producer goes back to the sequence number of a batch that it gave up. The next one then looks to
 *   the broker like a repeat of it and is acknowledged without being written.
 * - The consumer joins a rebalanced group again at once, or after the slowest batch, however long that takes; one
 *   slow partition holds up all others of its broker; and an offset out of range commits -1 or -2 to the group.
 */
import type {
  Assigner,
  Broker,
  Cluster,
  GroupMember,
  GroupMemberAssignment,
  Kafka,
  KafkaMessage,
  SASLOptions,
} from 'kafkajs';
// The names of a CommonJS module are not all seen from here: Node finds them on its default export.
import kafkajs from 'kafkajs';
import { trusting } from '../trust.ts';
import { useFasterGzip } from './kafka-gzip.ts';
import { calmIdleConnections } from './kafka-idle.ts';
import { openSocket } from './kafka-socket.ts';
import type { BrokerAccess } from './port.ts';

const CONNECTION_TIMEOUT_MS = 1_000;
/** Of any request; those that wait by design add their own time. */
const REQUEST_TIMEOUT_MS = 3_000;
const RETRIES = 4;

/** What kafkajs' Broker has, and its types leave out or leave open. */
interface Calls {
  readonly nodeId: number;
  /** By number of the API; null before it is connected. */
  readonly versions: Record<number, { maxVersion: number }> | null;
  /** For what kafkajs has no call for. */
  readonly connectionPool: {
    send<Decoded extends { clientSideThrottleTime: number }, Answer>(call: {
      /** `buf` and `buffer` are the same, as in kafkajs' encoder; the tags of the header come first. */
      request: {
        apiKey: number;
        apiVersion: number;
        apiName: string;
        encode(): Promise<{ buf: Buffer; buffer: Buffer }>;
      };
      response: {
        /** @param payload from the tags of the header on */
        decode(payload: Buffer): Promise<Decoded>;
        parse(decoded: Decoded): Promise<Answer>;
      };
      logResponseError: boolean;
    }): Promise<Answer>;
  };
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    groupProtocols: { name: string; metadata: Buffer }[];
  }): Promise<{ generationId: number; leaderId: string; memberId: string; members: GroupMember[] }>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: GroupMemberAssignment[];
  }): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
  offsetFetch(request: {
    groupId: string;
    topics: { topic: string; partitions: { partition: number }[] }[];
  }): Promise<{ responses: { partitions: { partition: number; offset: string }[] }[] }>;
  fetch(request: Parameters<Broker['fetch']>[0]): Promise<{
    responses: { partitions: { partition: number; messages: KafkaMessage[] }[] }[];
  }>;
  produce(request: Parameters<Broker['produce']>[0]): Promise<{
    topics: { partitions: { partition: number; baseOffset: string }[] }[];
  }>;
}
export type KafkaBroker = Calls & Broker;

/** Connections of their own: a request that waits in a broker holds up what comes after it on the same connection. */
export interface KafkaConnection {
  cluster: Cluster;
  assigner: Assigner;
}

export function kafkaClient(brokers: string[], { tls = false, ca, login }: BrokerAccess = {}): Kafka {
  calmIdleConnections();
  useFasterGzip();
  const secureContext = tls ? trusting(ca) : undefined;
  return new kafkajs.Kafka({
    clientId: 'footfall',
    brokers,
    socketFactory: openSocket,
    ...(tls && { ssl: secureContext === undefined ? {} : { secureContext } }),
    ...(login !== undefined && { sasl: saslOf(login) }),
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    // What fails is reported by the log; kafkajs would print it as well.
    logLevel: kafkajs.logLevel.NOTHING,
    // At least once round the brokers.
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: Math.max(RETRIES, brokers.length) },
  });
}

/** A type for each mechanism is what kafkajs has. */
function saslOf({ mechanism, ...login }: NonNullable<BrokerAccess['login']>): SASLOptions {
  switch (mechanism) {
    case 'plain':
      return { mechanism, ...login };
    case 'scram-sha-256':
      return { mechanism, ...login };
    case 'scram-sha-512':
      return { mechanism, ...login };
  }
}

/** The cluster is handed to assigners only; so one is what it takes to get it without private imports. */
export function newConnection(client: Kafka): KafkaConnection {
  const made: KafkaConnection[] = [];
  client.consumer({
    groupId: 'none',
    allowAutoTopicCreation: false,
    partitionAssigners: [
      (context) => {
        const assigner = kafkajs.PartitionAssigners.roundRobin(context);
        made.push({ cluster: context.cluster, assigner });
        return assigner;
      },
    ],
  });
  const [connection] = made;
  if (connection === undefined) throw new TypeError('kafkajs no longer hands its cluster to assigners');
  return connection;
}

export async function brokerOf(cluster: Cluster, nodeId: string): Promise<KafkaBroker> {
  return (await cluster.findBroker({ nodeId })) as KafkaBroker;
}

export async function coordinatorOf(cluster: Cluster, groupId: string): Promise<KafkaBroker> {
  return (await cluster.findGroupCoordinator({ groupId })) as KafkaBroker;
}

/** Id of the broker that leads a partition; one that no broker has where there is none. */
export function leaderOf(cluster: Cluster, topic: string, partition: number): string {
  const found = cluster
    .findTopicPartitionMetadata(topic)
    .find(({ partitionId }) => partitionId === partition);
  return String(found?.leader ?? -1);
}

/** First offset that is there, and the one after the last, by partition. */
export async function boundsOf(
  cluster: Cluster,
  topic: string,
  partitions: number[],
): Promise<Map<number, { start: number; end: number }>> {
  const ask = async (fromBeginning: boolean) => {
    const wanted = partitions.map((partition) => ({ partition }));
    const [answer] = await cluster.fetchTopicsOffset([{ topic, partitions: wanted, fromBeginning }]);
    return new Map(answer?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  };
  const [starts, ends] = await Promise.all([ask(true), ask(false)]).catch(async (error: unknown) => {
    // Leaders may have moved: whoever tries again asks the new ones.
    await cluster.refreshMetadata();
    throw error;
  });
  const bounds = new Map<number, { start: number; end: number }>();
  for (const partition of partitions) {
    const start = starts.get(partition);
    const end = ends.get(partition);
    if (start === undefined || end === undefined) throw new Error(`partition ${partition} has no leader`);
    bounds.set(partition, { start, end });
  }
  return bounds;
}
