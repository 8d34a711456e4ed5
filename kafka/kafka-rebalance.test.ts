/** A partition has one reader at a time, whoever comes and goes, and what was not finished comes again. */
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, type TestContext, test } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { eventually } from './eventually.fixture.ts';
import { ForkedLog } from './forked-log.fixture.ts';
import { SESSION_TIMEOUT_MS } from './kafka-member.ts';
import { kafkaLog, withAdmin } from './kafka-topic.fixture.ts';
import type { EventLog, LogBatch, LogConsumer, LogTrouble, Subscription } from './port.ts';

const GROUP = 'pipeline';
const BATCH_MS = 5;
/** Beside the session: until the group has agreed and the first frames are read, on a busy machine. */
const AGREEMENT_MS = 5_000;

/** What all members of a group see of the partitions together. */
class Watch {
  readonly violations: string[] = [];
  readonly #owners = new Map<number, Member>();
  /** The bodies of finished batches, by partition and offset. */
  readonly finished = new Map<number, Map<number, string>>();

  taken(partition: number, committed: number, by: Member): void {
    if (this.#owners.has(partition)) this.violations.push(`${partition} is taken before it was given back`);
    const done = this.finished.get(partition) ?? new Map();
    for (let offset = 0; offset < committed; offset += 1) {
      if (!done.has(offset))
        this.violations.push(`${partition}: ${offset} is committed and was not finished`);
    }
    this.#owners.set(partition, by);
  }

  given(partition: number, by: Member): void {
    if (this.#owners.get(partition) !== by) this.violations.push(`${partition} is given back by another`);
    this.#owners.delete(partition);
  }

  mustBeOf(partition: number, member: Member): void {
    if (this.#owners.get(partition) !== member) this.violations.push(`${partition} is read by another`);
  }
}

/** Takes what it gets, after a moment or when it is let, and looks whether it should have got it. */
class Member implements LogConsumer {
  readonly assignments: { partition: number; committed: number }[] = [];
  readonly revocations: number[] = [];
  readonly offered: { batch: LogBatch; signal: AbortSignal }[] = [];
  readonly #watch: Watch;
  readonly #work: (batch: LogBatch, signal: AbortSignal) => Promise<unknown>;
  readonly #expected = new Map<number, number>();
  readonly #running = new Set<number>();

  constructor(
    watch: Watch = new Watch(),
    work: (batch: LogBatch, signal: AbortSignal) => Promise<unknown> = () => delay(BATCH_MS),
  ) {
    this.#watch = watch;
    this.#work = work;
  }

  async assigned(partition: number, committed: number): Promise<number> {
    this.assignments.push({ partition, committed });
    this.#watch.taken(partition, committed, this);
    this.#expected.set(partition, committed);
    return committed;
  }

  async batch(batch: LogBatch, signal: AbortSignal): Promise<void> {
    const { partition, firstOffset, nextOffset, frames } = batch;
    const { violations } = this.#watch;
    this.#watch.mustBeOf(partition, this);
    if (this.#running.has(partition)) violations.push(`${partition} is read twice at once`);
    const offsets = frames.map(({ offset }) => offset);
    if (offsets.some((offset, i) => offset !== firstOffset + i))
      violations.push(`${partition} is out of order`);
    if (firstOffset !== this.#expected.get(partition)) violations.push(`${partition} is read with a gap`);
    this.offered.push({ batch, signal });
    this.#running.add(partition);
    await this.#work(batch, signal);
    this.#running.delete(partition);
    if (signal.aborted) return;
    this.#expected.set(partition, nextOffset);
    const finished = this.#watch.finished.get(partition) ?? new Map<number, string>();
    for (const { offset, body } of frames) finished.set(offset, body.toString());
    this.#watch.finished.set(partition, finished);
  }

  revoked(partition: number): void {
    if (this.#running.has(partition)) this.#watch.violations.push(`${partition} is revoked while it is read`);
    this.#watch.given(partition, this);
    this.revocations.push(partition);
  }
}

describeWithStack('members of a group on Kafka', 'STACK_KAFKA', (brokers) => {
  /** Members of one process as those of several: each has a log of its own. */
  async function group({ onTestFinished }: TestContext, partitions: number) {
    const topic = kafkaLog(brokers);
    const troubles: LogTrouble[] = [];
    const logs: EventLog[] = [];
    onTestFinished(async () => {
      await Promise.all(logs.map((log) => log.close()));
      await topic.remove();
    });
    const open = async () => {
      const log = await topic.open(partitions, (trouble) => troubles.push(trouble));
      logs.push(log);
      return log;
    };
    const log = await open();
    const join = async (member: Member): Promise<Subscription> => (await open()).subscribe(GROUP, member);
    const append = (partition: number, body: string) => log.append(partition, Buffer.from(body));
    /** Waits until the group has agreed on so many. */
    const hasMembers = (count: number) =>
      withAdmin(brokers, (admin) =>
        eventually(async () => {
          const { groups } = await admin.describeGroups([topic.groupId(GROUP)]);
          expect(groups[0]).toMatchObject({ state: 'Stable', members: { length: count } });
        }),
      );
    return { url: topic.url, log, join, append, hasMembers, troubles };
  }

  const hasRead = (member: Member, frames = 1) =>
    eventually(() => expect(member.offered.length).toBeGreaterThanOrEqual(frames));

  // Most of their time they wait, each for a group of its own.
  describe.concurrent('each', () => {
    test('who joins and leaves while frames flow gets every frame once at least, in order, alone', async (context) => {
      const partitions = 4;
      const { log, join, append, troubles } = await group(context, partitions);
      const watch = new Watch();
      let flowing = true;
      const appended = Array.from({ length: partitions }, () => new Map<number, string>());
      const flow = appended.map(async (frames, partition) => {
        for (let i = 0; flowing; i += 1) {
          const offset = await append(partition, `${partition}: ${i}`);
          frames.set(offset ?? -1, `${partition}: ${i}`);
        }
      });

      const [a, b, c, d] = [new Member(watch), new Member(watch), new Member(watch), new Member(watch)];
      const first = await join(a);
      await hasRead(a, 20);
      const second = await join(b);
      await hasRead(b, 20);
      await join(c);
      await hasRead(c, 20);
      await first.close();
      const read = a.offered.length;
      await join(d);
      await hasRead(d, 20);
      await second.close();
      flowing = false;
      await Promise.all(flow);
      await eventually(async () => {
        for (const { committed, end } of await log.lag(GROUP)) expect(committed).toBe(end);
      });

      expect(watch.violations).toEqual([]);
      expect([...watch.finished].sort(([p], [q]) => p - q).map(([, frames]) => frames)).toEqual(appended);
      expect(a.offered).toHaveLength(read);
      expect(beyondStoreFailures(troubles)).toEqual([]);
    });

    test('a batch that outlasts the session keeps its partition, and is committed', async (context) => {
      const { log, join, append, troubles } = await group(context, 2);
      const gate = newGate(context);
      const watch = new Watch();
      const member = new Member(watch, ({ partition }) => (partition === 0 ? gate.opened : delay(BATCH_MS)));
      await append(0, 'slow');
      await join(member);
      await hasRead(member);
      const since = performance.now();
      for (let i = 0; performance.now() - since < SESSION_TIMEOUT_MS + 2_000; i += 1) {
        await append(1, `fast ${i}`);
        await eventually(() => expect(watch.finished.get(1)?.get(i)).toBe(`fast ${i}`));
      }
      gate.open();
      await eventually(async () => expect((await log.lag(GROUP))[0]).toMatchObject({ committed: 1, end: 1 }));
      expect(member.assignments).toHaveLength(2);
      expect(member.revocations).toEqual([]);
      expect(watch.violations).toEqual([]);
      expect(beyondStoreFailures(troubles)).toEqual([]);
    });

    test('a batch that runs on when somebody joins is aborted, not committed, and comes again', async (context) => {
      const { log, join, append } = await group(context, 1);
      const watch = new Watch();
      // Ends well, though too late: only then it must not count.
      const slow = new Member(
        watch,
        (_, signal) => new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true })),
      );
      await append(0, 'x');
      const subscription = await join(slow);
      await hasRead(slow);
      const quick = new Member(watch);
      await join(quick);
      await eventually(() => expect(slow.revocations).toEqual([0]));
      expect((await log.lag(GROUP))[0]).toMatchObject({ committed: 0, end: 1 });
      // Whoever got the partition, it is the other one's in the end.
      void subscription.close();
      await eventually(() => expect(quick.assignments).toEqual([{ partition: 0, committed: 0 }]));
      await eventually(() => expect(watch.finished.get(0)?.get(0)).toBe('x'));
      expect(watch.violations).toEqual([]);
    });

    test('a call that does not stop holds up the group for a while only, and is revoked when it ends', async (context) => {
      const { log, join, append, hasMembers, troubles } = await group(context, 1);
      const gate = newGate(context);
      const stuck = new Member(new Watch(), (_, { aborted }) => (aborted ? delay(0) : gate.opened));
      await append(0, 'x');
      await join(stuck);
      await hasRead(stuck);
      // Each comes and goes; who has the partition meanwhile is for the group to say.
      for (let i = 0; i < 2; i += 1) {
        const passing = await join(new Member());
        await hasMembers(2);
        await passing.close();
        await hasMembers(1);
      }
      expect(troubles.map(({ message }) => message)).toContainEqual(expect.stringContaining('still runs'));
      expect(stuck.revocations).toEqual([]);
      expect(stuck.assignments).toHaveLength(1);
      gate.open();
      await eventually(() => expect(stuck.assignments).toHaveLength(2));
      // Not once more for each time that it was assigned and taken away meanwhile.
      await append(0, 'y');
      await eventually(async () => expect((await log.lag(GROUP))[0]).toMatchObject({ committed: 2, end: 2 }));
      expect(stuck.assignments).toHaveLength(2);
      expect(stuck.revocations).toEqual([0]);
    });

    test('a reader that is killed is replaced within the session timeout', async (context) => {
      const { url, join, append } = await group(context, 1);
      await append(0, 'x');
      const killed = new ForkedLog('subscribe', url, 1);
      try {
        await eventually(() => expect(killed.lines).toEqual(['ready']));
      } finally {
        await killed.kill();
      }
      const since = performance.now();
      const member = new Member();
      await join(member);
      await hasRead(member);
      expect(performance.now() - since).toBeLessThan(SESSION_TIMEOUT_MS + AGREEMENT_MS);
      expect(member.assignments).toEqual([{ partition: 0, committed: 0 }]);
    });
  });
});

/** Opened at the end in any case, since closing waits for what runs. */
function newGate({ onTestFinished }: TestContext) {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  onTestFinished(open);
  return { opened, open };
}

/** Brokers that have just come up may be asked too early for a group. */
function beyondStoreFailures(troubles: LogTrouble[]): LogTrouble[] {
  return troubles.filter(({ kind }) => kind !== 'store_failed');
}
