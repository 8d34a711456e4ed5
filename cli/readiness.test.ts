import { expect, test } from 'vitest';
import { type ReadinessSources, readinessOf } from './readiness.ts';

const well = { ping: async () => {} };
const away = { ping: () => Promise.reject(new Error('connection refused')) };
const silent = { ping: () => new Promise<void>(() => {}) };

const ask = (changes: Partial<ReadinessSources>) =>
  readinessOf({ required: { log: well }, optional: { live: well }, problems: [], degraded: [], ...changes });

test('a process whose engines answer is ready, and nothing is missing', async () => {
  expect(await ask({})).toEqual({ ready: true, problems: [], degraded: [] });
});

test('it is not ready without an engine that it needs, by name and reason', async () => {
  expect(await ask({ required: { analytics: away, sessions: well, log: away } })).toEqual({
    ready: false,
    problems: ['analytics: connection refused', 'log: connection refused'],
    degraded: [],
  });
});

test('without one that it can do without it is ready, and says what is missing', async () => {
  expect(await ask({ optional: { live: away } })).toEqual({
    ready: true,
    problems: [],
    degraded: ['live: connection refused'],
  });
});

test('an engine that hangs is named, too, while whoever asks still waits', async () => {
  expect(await ask({ required: { analytics: silent, log: well }, optional: { live: silent } })).toEqual({
    ready: false,
    problems: ['analytics: has not answered for 2500 ms'],
    degraded: ['live: has not answered for 2500 ms'],
  });
});

test('what stages tell of themselves is among the problems, or among what is missing', async () => {
  const told = await ask({
    problems: [() => ['sessions: fenced']],
    degraded: [() => ['lag: 45 s'], () => []],
  });
  expect(told).toEqual({ ready: false, problems: ['sessions: fenced'], degraded: ['lag: 45 s'] });
});
