/** Topics are made so that nothing is lost, and what somebody else has set up otherwise is told, by name. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import kafkajs from 'kafkajs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { eventually } from './eventually.fixture.ts';
import { kafkaLog, makeTopic, withAdmin } from './kafka-topic.fixture.ts';
import { openLogWithSpool } from './open.ts';
import { type EventLog, type LogTrouble, MAX_FRAME_BYTES, NO_BACKLOG } from './port.ts';
import { Recorder } from './recorder.fixture.ts';

const GROUP = 'pipeline';
const ONE_DAY_MS = 86_400_000;

function describeTopics(brokers: string, copies: number): void {
  let topic: ReturnType<typeof kafkaLog>;
  let troubles: LogTrouble[];
  let opened: EventLog[];

  beforeEach(() => {
    topic = kafkaLog(brokers);
    troubles = [];
    opened = [];
  });

  afterEach(async () => {
    await Promise.all(opened.map((log) => log.close()));
    await topic.remove();
  });

  const open = async (partitions: number, retentionMs = ONE_DAY_MS) => {
    const log = await topic.open(partitions, (trouble) => troubles.push(trouble), { retentionMs });
    opened.push(log);
    return log;
  };

  const make = (name: string, numPartitions: number, settings: Record<string, string> = {}) =>
    withAdmin(brokers, (admin) => {
      const configEntries = Object.entries(settings).map(([entry, value]) => ({ name: entry, value }));
      const wanted = { topic: name, numPartitions, replicationFactor: copies, configEntries };
      return makeTopic(admin, wanted);
    });

  const lookAt = (name: string) =>
    withAdmin(brokers, async (admin) => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
      const { resources } = await admin.describeConfigs({
        includeSynonyms: false,
        resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name }],
      });
      const entries = resources[0]?.configEntries ?? [];
      return {
        copies: topics[0]?.partitions.map(({ replicas }) => replicas.length),
        settings: Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue])),
      };
    });

  const removeBefore = (partition: number, offset: number) =>
    withAdmin(brokers, async (admin) => {
      // Otherwise the next call does not know who leads the partition.
      await admin.fetchTopicOffsets(topic.eventsTopic);
      const partitions = [{ partition, offset: String(offset) }];
      await admin.deleteTopicRecords({ topic: topic.eventsTopic, partitions });
    });

  const problems = () => troubles.filter(({ kind }) => kind === 'topic_config').map(({ message }) => message);

  test('a topic that is made again is another log, also for who had it open before', async () => {
    const log = await open(1);
    const identity = await log.identity();
    expect(identity).toMatch(/^[\w-]{22}$/);
    await withAdmin(brokers, (admin) => admin.deleteTopics({ topics: [topic.eventsTopic] }));
    await eventually(() => expect(log.identity()).rejects.toMatchObject({ code: 'unavailable' }));
    await eventually(() => make(topic.eventsTopic, 1));
    await eventually(async () => expect(await log.identity()).toMatch(/^[\w-]{22}$/));
    expect(await log.identity()).not.toBe(identity);
    expect(await (await open(1)).identity()).toBe(await log.identity());
  });

  test('topics that are missing are made so that frames are safe, and give nothing to warn of', async () => {
    await open(3);
    const inSync = copies === 3 ? '2' : '1';
    expect(await lookAt(topic.eventsTopic)).toMatchObject({
      copies: [copies, copies, copies],
      settings: {
        'cleanup.policy': 'delete',
        'retention.ms': String(7 * ONE_DAY_MS),
        'retention.bytes': '-1',
        'min.insync.replicas': inSync,
        'unclean.leader.election.enable': 'false',
      },
    });
    expect(await lookAt(topic.deadLettersTopic)).toMatchObject({
      copies: [copies],
      settings: {
        'cleanup.policy': 'compact,delete',
        'retention.ms': String(14 * ONE_DAY_MS),
        'max.compaction.lag.ms': String(ONE_DAY_MS),
        'min.insync.replicas': inSync,
      },
    });
    await open(3);
    expect(troubles).toEqual([]);
  });

  test('a longer retention is taken as it is asked for', async () => {
    await open(1, 30 * ONE_DAY_MS);
    const { settings } = await lookAt(topic.eventsTopic);
    expect(settings['retention.ms']).toBe(String(30 * ONE_DAY_MS));
  });

  test('several that start at once make one topic', async () => {
    const logs = await Promise.all([open(2), open(2), open(2)]);
    expect(logs.map(({ partitions }) => partitions)).toEqual([2, 2, 2]);
    expect(await lookAt(topic.eventsTopic)).toMatchObject({ copies: [copies, copies] });
  });

  test.each([
    ['retention.ms', '1000'],
    ['retention.bytes', '1000000'],
    ['cleanup.policy', 'compact'],
    ['max.message.bytes', '100000'],
    ['unclean.leader.election.enable', 'true'],
    ...(copies === 3 ? [['min.insync.replicas', '1'] as const, ['min.insync.replicas', '3'] as const] : []),
  ] as const)('a topic of events with %s=%s is told of, with what to do', async (setting, value) => {
    const safe = copies === 3 ? { 'min.insync.replicas': '2' } : {};
    await make(topic.eventsTopic, 2, {
      'retention.ms': '-1',
      'max.message.bytes': '2097152',
      ...safe,
      [setting]: value,
    });
    await open(2);
    expect(problems()).toEqual([expect.stringContaining(`${topic.eventsTopic}: ${setting}=${value}`)]);
    expect(problems()).toEqual([expect.stringContaining('set it to')]);
  });

  test.each([
    ['cleanup.policy', 'delete', 'compact,delete'],
    ['cleanup.policy', 'compact', 'kept for good'],
    ['retention.ms', '-1', 'kept for good'],
    ['retention.ms', '1000', 'set it to 1209600000'],
  ])('a topic of dead letters with %s=%s is told of, with what to do', async (setting, value, advice) => {
    const safe = copies === 3 ? { 'min.insync.replicas': '2' } : {};
    await make(topic.deadLettersTopic, 1, {
      'cleanup.policy': 'compact,delete',
      'retention.ms': String(14 * ONE_DAY_MS),
      'max.message.bytes': '2097152',
      ...safe,
      [setting]: value,
    });
    await open(2);
    expect(problems()).toEqual([expect.stringContaining(`${setting}=${value}`)]);
    expect(problems()).toEqual([expect.stringContaining(advice)]);
  });

  test('a topic of fewer partitions is refused', async () => {
    await open(2);
    await expect(open(4)).rejects.toMatchObject({
      code: 'wrong_partitions',
      retryable: false,
      message: expect.stringContaining('PARTITIONS=2'),
    });
  });

  test('a topic of more partitions is read whole, and told of', async () => {
    await (await open(4)).append(3, Buffer.from('of 3'));
    const log = await open(2);
    expect(log.partitions).toBe(4);
    expect(problems()).toEqual([expect.stringContaining('PARTITIONS=4')]);
    const recorder = new Recorder();
    await log.subscribe(GROUP, recorder);
    await eventually(() => expect(recorder.bodies(3)).toEqual(['of 3']));
  });

  test('behind a spool, a topic of more partitions takes frames for as many as were asked for', async () => {
    const all = await open(4);
    const folder = await mkdtemp(join(tmpdir(), 'footfall-spool-'));
    try {
      const limits = { retentionMs: ONE_DAY_MS, retentionBytes: 0, maxBytes: 1024 ** 3 };
      const onTrouble = (trouble: LogTrouble) => troubles.push(trouble);
      const place = { folder, maxBytes: 1024 ** 3 };
      const log = await openLogWithSpool(topic.url, { partitions: 2, ...limits, onTrouble }, place);
      opened.push(log);
      expect(log.partitions).toBe(2);
      expect(await log.append(1, Buffer.from('of 1'))).toBe(0);
      await expect(log.append(2, Buffer.from('x'))).rejects.toThrow(RangeError);
      const recorder = new Recorder();
      await log.subscribe(GROUP, recorder);
      await all.append(3, Buffer.from('of 3'));
      await eventually(() => expect([recorder.bodies(1), recorder.bodies(3)]).toEqual([['of 1'], ['of 3']]));
      await Promise.all(opened.splice(0).map((one) => one.close()));
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test('what retention removed before it was read is told of as a gap', async () => {
    const log = await open(2);
    for (let i = 0; i < 5; i += 1) await log.append(1, Buffer.from(`frame ${i}`));
    const first = new Recorder();
    await (await log.subscribe(GROUP, first)).close();
    await removeBefore(1, 3);

    const recorder = new Recorder();
    recorder.startAt.set(1, 1);
    await log.subscribe('other', recorder);
    await eventually(() => expect(recorder.bodies(1)).toEqual(['frame 3', 'frame 4']));
    expect(recorder.assignments).toContainEqual({ partition: 1, committed: 3 });
    const gap = {
      kind: 'gap',
      group: 'other',
      partition: 1,
      message: expect.stringContaining('offset 1 was'),
    };
    expect(troubles).toContainEqual(expect.objectContaining(gap));
  });

  test('what retention removes under a reader is told of as a gap', async () => {
    const log = await open(1);
    const recorder = new Recorder();
    await log.subscribe(GROUP, recorder);
    await log.append(0, Buffer.from('read'));
    await eventually(() => expect(recorder.bodies(0)).toEqual(['read']));
    recorder.rejections = Number.POSITIVE_INFINITY;
    await log.append(0, Buffer.from('held'));
    await eventually(() => expect(recorder.offered.length).toBeGreaterThan(1));
    // More than is fetched ahead.
    for (let i = 2; i < 7; i += 1) await log.append(0, randomBytes(MAX_FRAME_BYTES));
    await log.append(0, Buffer.from('last'));
    await removeBefore(0, 7);
    recorder.rejections = 0;
    await eventually(() => expect(recorder.bodies(0).at(-1)).toBe('last'));
    const gaps = troubles.filter(({ kind }) => kind === 'gap');
    expect(gaps).toEqual([expect.objectContaining({ group: GROUP, partition: 0 })]);
    expect(gaps[0]?.message).toContain('reading from 7');
  });

  test('an offset that was never written is told of, and its partition is not read', async () => {
    const log = await open(2);
    await log.append(0, Buffer.from('a'));
    const recorder = new Recorder();
    recorder.startAt.set(0, 100);
    const subscription = await log.subscribe(GROUP, recorder);
    await eventually(() =>
      expect(troubles).toContainEqual(expect.objectContaining({ kind: 'beyond_end', partition: 0 })),
    );
    await log.append(0, Buffer.from('b'));
    await log.append(1, Buffer.from('c'));
    await eventually(() => expect(recorder.bodies(1)).toEqual(['c']));
    expect(recorder.bodies(0)).toEqual([]);
    await subscription.close();
    expect((await log.lag(GROUP))[0]).toEqual({ partition: 0, committed: 0, end: 2 });
  });

  test('nothing waits in a log without a spool', async () => {
    const log = await open(1);
    await log.append(0, Buffer.from('a'));
    expect(log.backlog()).toEqual(NO_BACKLOG);
  });
}

describeWithStack('topics on one broker', 'STACK_KAFKA', (brokers) => describeTopics(brokers, 1));

describeWithStack('topics on a cluster', 'STACK_KAFKA_CLUSTER', (brokers) => {
  describeTopics(brokers, 3);

  describe('of one copy', () => {
    test('a topic with one copy on several brokers is told of', async () => {
      const topic = kafkaLog(brokers);
      const messages: string[] = [];
      await withAdmin(brokers, (admin) =>
        makeTopic(admin, { topic: topic.eventsTopic, numPartitions: 1, replicationFactor: 1 }),
      );
      const log = await topic.open(1, ({ message }) => messages.push(message));
      await log.close();
      await topic.remove();
      expect(messages).toContainEqual(expect.stringContaining('replication factor 1 with 3 brokers'));
    });
  });
});
