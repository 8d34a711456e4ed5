import { describe, expect, it, vi } from 'vitest';
import { SessionStoreError } from '../postgres/port.ts';
import { persist } from './backoff.ts';

// The pauses are those of node:timers/promises, which fake timers do not reach.
const { pauses } = vi.hoisted(() => ({ pauses: [] as number[] }));
vi.mock('node:timers/promises', () => ({
  setTimeout: async (ms: number, _: undefined, { signal }: { signal: AbortSignal }) => {
    pauses.push(ms);
    signal.throwIfAborted();
  },
}));

const away = new SessionStoreError('unavailable', 'the store is away');
const never = new AbortController().signal;

function failing(times: number, error: unknown): () => Promise<string> {
  let left = times;
  return async () => {
    left -= 1;
    if (left >= 0) throw error;
    return 'done';
  };
}

describe('work that waits for a store', () => {
  it('is tried until it succeeds, with pauses that grow to five seconds', async () => {
    pauses.length = 0;
    const told: [Error, number][] = [];
    const answer = await persist(failing(9, away), never, (...retry) => told.push(retry));
    expect(answer).toBe('done');
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000, 5_000]);
    expect(told).toEqual(pauses.map((pause) => [away, pause]));
  });

  it.each([
    ['is of no use to repeat', new SessionStoreError('fenced', 'counted by somebody else')],
    ['says nothing of repeating', new TypeError('a bug')],
    ['is not even an error', 'text'],
  ])('fails at once with an error that %s', async (_, error) => {
    const onRetry = vi.fn();
    await expect(persist(failing(1, error), never, onRetry)).rejects.toBe(error);
    expect(onRetry).not.toHaveBeenCalled();
  });

  it('is given up in a pause when it is no longer wanted', async () => {
    const stop = new AbortController();
    const reason = new Error('shutting down');
    const work = persist(failing(9, away), stop.signal, () => stop.abort(reason));
    await expect(work).rejects.toBe(reason);
  });

  it('is not begun when it is no longer wanted', async () => {
    const work = vi.fn(async () => {});
    await expect(persist(work, AbortSignal.abort(), () => {})).rejects.toThrow('aborted');
    expect(work).not.toHaveBeenCalled();
  });
});
