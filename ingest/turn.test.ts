import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, test, vi } from 'vitest';
import { Turn } from './turn.ts';

let clock = 0;
let processor = 0;
let turn: Turn;
const stand = (ms: number) => () => {
  clock += ms;
};
const work = (ms: number) => () => {
  clock += ms;
  processor += ms;
};

beforeEach(() => {
  clock = 0;
  processor = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  vi.spyOn(process, 'cpuUsage').mockImplementation((since) => ({
    user: processor * 1_000 - (since?.user ?? 0),
    system: 0,
  }));
  turn = new Turn({ burst: 100, lasting: 20, patience: 200 });
});

test('a burst may take a long turn, and not more', () => {
  for (let i = 0; i < 10; i++) turn.use(work(10));
  expect(turn.isOver).toBe(false);
  turn.use(work(1));
  expect(turn.isOver).toBe(true);
});

test('the next turn begins anew', async () => {
  turn.use(work(101));
  await nextTurn();
  expect(turn.isOver).toBe(false);
});

test('when turns stay long they become short, until one is', async () => {
  for (let i = 0; i < 4; i++) {
    turn.use(work(70));
    expect(turn.isOver).toBe(false);
    await nextTurn();
  }
  turn.use(work(21));
  expect(turn.isOver).toBe(true);
  await nextTurn();
  turn.use(work(5));
  expect(turn.isOver).toBe(false);
  await nextTurn();
  turn.use(work(70));
  expect(turn.isOver).toBe(false);
});

test('time in which the process stood still does not count', async () => {
  for (let i = 0; i < 10; i++) {
    turn.use(stand(300));
    turn.use(work(10));
    expect(turn.isOver).toBe(false);
    await nextTurn();
  }
  turn.use(work(90));
  turn.use(stand(300));
  expect(turn.isOver).toBe(false);
  turn.use(work(11));
  expect(turn.isOver).toBe(true);
});

test('work that throws counts, too', () => {
  const fail = () => {
    work(101)();
    throw new Error('a bug');
  };
  expect(() => turn.use(fail)).toThrow('a bug');
  expect(turn.isOver).toBe(true);
});
