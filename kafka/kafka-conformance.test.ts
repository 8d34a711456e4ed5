/** The log on Kafka does what every event log must do, on one broker and on a cluster of three. */
import { describeWithStack } from '../stack.fixture.ts';
import { describeEventLog } from './conformance.case.ts';
import { kafkaLog } from './kafka-topic.fixture.ts';

describeWithStack('one broker', 'STACK_KAFKA', (brokers) => {
  describeEventLog('the log on Kafka', async () => kafkaLog(brokers));
});

describeWithStack('a cluster of three', 'STACK_KAFKA_CLUSTER', (brokers) => {
  describeEventLog('the log on Kafka', async () => kafkaLog(brokers));
});
