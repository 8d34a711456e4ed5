/** Topics of their own for tests, removed afterwards. */
import { randomUUID } from 'node:crypto';
import kafkajs, { type Admin, type ITopicConfig } from 'kafkajs';
import { eventually } from './eventually.fixture.ts';
import { openLog } from './open.ts';
import type { EventLog, LogOptions, LogTrouble } from './port.ts';

/** A new log on the brokers; `open` may be called again and again. */
export function kafkaLog(brokers: string) {
  const prefix = `test-${randomUUID()}`;
  const url = `kafka://${brokers}?prefix=${prefix}`;
  return {
    url,
    eventsTopic: `${prefix}-events`,
    deadLettersTopic: `${prefix}-dead-letters`,
    groupId: (group: string) => `${prefix}.${group}`,
    open(
      partitions: number,
      onTrouble: (trouble: LogTrouble) => void,
      options: Partial<LogOptions> = {},
    ): Promise<EventLog> {
      const limits = { retentionMs: 3_600_000, retentionBytes: 1024 ** 3, maxBytes: 2 * 1024 ** 3 };
      return openLog(url, { partitions, ...limits, onTrouble, ...options });
    },
    async remove(): Promise<void> {
      await withAdmin(brokers, async (admin) => {
        const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(prefix));
        if (topics.length > 0) await admin.deleteTopics({ topics });
      });
    },
  };
}

export async function withAdmin<T>(brokers: string, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Waits until the topic has its leaders. kafkajs' own wait fails where it asks a broker that does not know the topic yet. */
export async function makeTopic(admin: Admin, topic: ITopicConfig): Promise<void> {
  await admin.createTopics({ topics: [topic], waitForLeaders: false });
  await eventually(() => admin.fetchTopicMetadata({ topics: [topic.topic] }));
}
