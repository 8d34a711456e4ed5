/** The only broker is killed and comes back: what was acknowledged is read, in order, and nothing counts too early. */
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { eventually } from './eventually.fixture.ts';
import { GROUP, goesOn, ownBrokers, PARTITIONS, START_MS, underLoad } from './kafka-faults.fixture.ts';
import { SESSION_TIMEOUT_MS } from './kafka-member.ts';
import { kafkaLog } from './kafka-topic.fixture.ts';

describeWithStack('the only broker is killed', 'STACK_KAFKA', () => {
  const brokers = ownBrokers('kafka', 'STACK_KAFKA');
  beforeAll(() => brokers.up(), START_MS);
  afterAll(() => brokers.down());

  test('appends are refused meanwhile, and go on with everything that was acknowledged', async () => {
    await underLoad(kafkaLog(brokers.addresses), async ({ log, writers }) => {
      await brokers.kill('kafka');
      await eventually(() => expect(writers.refusals.length).toBeGreaterThanOrEqual(PARTITIONS));
      expect(writers.refusals[0]).toMatchObject({ code: 'unavailable', retryable: true });
      await expect(log.ping()).rejects.toMatchObject({ code: 'unavailable' });
      await brokers.start('kafka');
      await goesOn(writers);
      await eventually(() => expect(log.ping()).resolves.toBeUndefined());
    });
  });

  test('a batch that runs meanwhile is aborted before its session ends, and comes again', async () => {
    const log = await kafkaLog(brokers.addresses).open(1, () => {});
    const offered: { offset: number; signal: AbortSignal }[] = [];
    let kept = 0;
    await log.subscribe(GROUP, {
      assigned: async (_, committed) => committed,
      async batch({ firstOffset, nextOffset }, signal) {
        offered.push({ offset: firstOffset, signal });
        // Ends well, though too late: it must not count.
        if (offered.length === 1) await once(signal, 'abort');
        else kept = nextOffset;
      },
      revoked: () => undefined,
    });
    try {
      await log.append(0, Buffer.from('x'));
      await eventually(() => expect(offered).toHaveLength(1));
      await brokers.kill('kafka');
      const since = performance.now();
      await eventually(() => expect(offered[0]?.signal.aborted).toBe(true));
      expect(performance.now() - since).toBeLessThan(SESSION_TIMEOUT_MS);
      await brokers.start('kafka');
      await eventually(() => expect(kept).toBe(1));
      expect(offered.map(({ offset }) => offset)).toEqual([0, 0]);
      await eventually(async () => expect(await log.lag(GROUP)).toMatchObject([{ committed: 1, end: 1 }]));
    } finally {
      await log.close();
    }
  });
});
