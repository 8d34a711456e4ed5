/** One broker of a cluster is killed and comes back: appends and reading go on, and nothing acknowledged is missing. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { eventually } from './eventually.fixture.ts';
import { coordinatorOf, kafkaClient, newConnection } from './kafka-cluster.ts';
import { GROUP, goesOn, ownBrokers, START_MS, underLoad } from './kafka-faults.fixture.ts';
import { kafkaLog } from './kafka-topic.fixture.ts';

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
    const topic = kafkaLog(brokers.addresses);
    await underLoad(topic, async ({ recorder, writers }) => {
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
    });
  });
});
