import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, test, vi } from 'vitest';
import { Turn } from './turn.ts';

let clock = 0;
let processor = 0;
let turn: Turn;

/** Answers how many pieces of work there was time for. */
function pieces(count: number, ms: number): number {
  let done = 0;
  for (; done < count && !turn.isOver; done++) {
    turn.use(() => {
      clock += ms;
      processor += ms;
    });
  }
  return done;
}

function standStill(ms: number): void {
  turn.use(() => {
    clock += ms;
  });
}

beforeEach(() => {
  clock = 0;
  processor = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => clock);
  vi.spyOn(process, 'cpuUsage').mockImplementation((since) => ({
    user: processor * 1_000 - (since?.user ?? 0),
    system: 0,
  }));
  turn = new Turn({ burst: 100, lasting: 20, patience: 200, calm: 1_000 });
});

test('a burst may take a long turn, and not more', () => {
  const done = pieces(1_000, 1);
  expect(done).toBeGreaterThan(100);
  expect(done).toBeLessThan(110);
});

test('the next turn begins anew', async () => {
  pieces(1_000, 1);
  await nextTurn();
  expect(turn.isOver).toBe(false);
});

test('when turns stay long they become short, until none was long for a while', async () => {
  for (let i = 0; i < 4; i++) {
    expect(pieces(70, 1)).toBe(70);
    await nextTurn();
  }
  expect(pieces(70, 1)).toBeLessThan(30);
  await nextTurn();
  for (let shortMs = 0; shortMs < 990; shortMs += 10) {
    expect(pieces(10, 1)).toBe(10);
    await nextTurn();
  }
  expect(pieces(70, 1)).toBeLessThan(30);
  await nextTurn();
  for (let shortMs = 0; shortMs < 1_010; shortMs += 10) {
    expect(pieces(10, 1)).toBe(10);
    await nextTurn();
  }
  expect(pieces(70, 1)).toBe(70);
});

test('a long turn now and then is a burst', async () => {
  for (let i = 0; i < 10; i++) {
    expect(pieces(70, 1)).toBe(70);
    await nextTurn();
    expect(pieces(10, 1)).toBe(10);
    await nextTurn();
  }
});

test('time in which the process stood still does not count', async () => {
  for (let i = 0; i < 10; i++) {
    standStill(300);
    expect(pieces(5, 1)).toBe(5);
    standStill(300);
    expect(pieces(5, 1)).toBe(5);
    await nextTurn();
  }
  standStill(300);
  expect(pieces(80, 1)).toBe(80);
  standStill(300);
  expect(pieces(80, 1)).toBeLessThan(20);
});

test('work that throws counts, too', () => {
  const fail = () => {
    clock += 10;
    processor += 10;
    throw new Error('a bug');
  };
  for (let i = 0; i < 15; i++) {
    expect(turn.isOver).toBe(i >= 12);
    expect(() => turn.use(fail)).toThrow('a bug');
  }
  expect(turn.isOver).toBe(true);
});
