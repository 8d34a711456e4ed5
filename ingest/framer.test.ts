import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Event } from '../contract/event.ts';
import { useLogFolder } from '../kafka/lmdb-folder.fixture.ts';
import { type EventLog, LogError } from '../kafka/port.ts';
import { type Framer, framer } from './framer.ts';

const LINGER_MS = 5;
const MANY = 100;

const folder = useLogFolder();
let log: EventLog;
/** Appends that the log was asked for and that wait for this test. */
let held: { go(): void; refuse(): void }[];
let frames: Framer;
let settled: (unknown | undefined)[];

beforeEach(async () => {
  log = await folder.open({ partitions: 1 });
  held = [];
  settled = [];
  frames = framer({
    partitions: log.partitions,
    append: (partition, frame) =>
      new Promise((resolve, reject) => {
        held.push({
          go: () => resolve(log.append(partition, frame)),
          refuse: () => reject(new LogError('unavailable', 'the log is away in a test')),
        });
      }),
  });
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});

afterEach(() => void vi.useRealTimers());

/** Without the clock, which stands still here. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resume) => setImmediate(resume));
}

function add(times: number): void {
  for (let n = 0; n < times; n++) frames.add([EVENT], true, (error) => settled.push(error));
}

const EVENT: Event = {
  type: 'page_view',
  received_at: 1_760_000_000_000,
  visitor: 'a1'.repeat(32),
  url: '/',
};

test('few wait for others to come, until the first has waited for the linger', () => {
  add(1);
  vi.advanceTimersByTime(LINGER_MS - 1);
  add(MANY - 2);
  expect(held).toHaveLength(0);
  vi.advanceTimersByTime(1);
  expect(held).toHaveLength(1);
});

test('many do not wait where the log has nothing to do', async () => {
  add(MANY - 1);
  expect(held).toHaveLength(0);
  add(1);
  expect(held).toHaveLength(1);
  held[0]?.go();
  await until(() => settled.length === MANY);
  expect(settled).toEqual(Array(MANY).fill(undefined));
  vi.advanceTimersByTime(LINGER_MS);
  expect(held).toHaveLength(1);
});

test.each(['go', 'refuse'] as const)(
  'many wait while the log has something to do, until it lets it %s',
  async (end) => {
    add(MANY);
    add(MANY);
    expect(held).toHaveLength(1);
    held[0]?.[end]();
    await until(() => settled.length === MANY);
    expect(held).toHaveLength(2);
  },
);

test('nobody waits for longer than the linger while the log has something to do', () => {
  add(MANY);
  add(1);
  vi.advanceTimersByTime(LINGER_MS);
  expect(held).toHaveLength(2);
});
