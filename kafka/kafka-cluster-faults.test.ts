/** One broker of a cluster is killed and comes back: appends and reading go on, and nothing acknowledged is missing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { eventually } from './eventually.fixture.ts';
import { coordinatorOf, kafkaClient, newConnection } from './kafka-cluster.ts';
import {
  expectAllRead,
  GROUP,
  goesOn,
  ownBrokers,
  PARTITIONS,
  START_MS,
  Writers,
} from './kafka-faults.fixture.ts';
import { kafkaLog } from './kafka-topic.fixture.ts';
import type { LogTrouble } from './port.ts';
import { Recorder } from './recorder.fixture.ts';

describeWithStack('the broker of three that the group asks is killed', 'STACK_KAFKA_CLUSTER', () => {
  const brokers = ownBrokers('kafka-cluster', 'STACK_KAFKA_CLUSTER');
  beforeAll(() => brokers.up(), START_MS);
  afterAll(() => brokers.down());

  const coordinatorName = async (topic: ReturnType<typeof kafkaLog>) => {
    const { cluster } = newConnection(kafkaClient(brokers.addresses.split(',')));
    await cluster.connect();
    const { nodeId } = await coordinatorOf(cluster, topic.groupId(GROUP));
    await cluster.disconnect();
    return `kafka-${nodeId}`;
  };

  test('appends and reading go on without it, and nothing that was acknowledged is missing', async () => {
    const troubles: LogTrouble[] = [];
    const topic = kafkaLog(brokers.addresses);
    const log = await topic.open(PARTITIONS, (trouble) => troubles.push(trouble));
    const recorder = new Recorder();
    await log.subscribe(GROUP, recorder);
    const writers = new Writers(log);
    try {
      await goesOn(writers);
      await eventually(() => expect(recorder.batches).not.toEqual([]));
      const name = await coordinatorName(topic);
      await brokers.kill(name);
      const read = recorder.batches.length;
      for (const acknowledged of writers.acknowledged) {
        const before = acknowledged.size;
        await eventually(() => expect(acknowledged.size).toBeGreaterThan(before + 5));
      }
      await eventually(() => expect(recorder.batches.length).toBeGreaterThan(read));
      await brokers.start(name);
      await goesOn(writers);
      await writers.stop();
      await expectAllRead(log, writers, recorder);
      expect(troubles.filter(({ kind }) => kind !== 'store_failed')).toEqual([]);
    } finally {
      await writers.stop();
      await log.close();
    }
  });
});
