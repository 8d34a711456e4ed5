/**
 * What does an insert of events cost, and what do two choices save? Processor time an event of chDB in a process of its own, which gets
 * `UNITS` (40) inserts of 25,000 events, a second apart, of visitors who come for six events; merges and all.
 *
 * In turns, `ROUNDS` times (3): as it is; with a table of inserts that has the dictionaries of raw, so that they are added to value by value; and
 * with merges of five parts, as ClickHouse does on its own.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Inserted, Variant } from './inserts/messages.ts';
import { hundredths } from './ranges/statistics.ts';
import { keep, load, median } from './result.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 3);
const UNITS = Number(process.env.UNITS ?? 40);
const VARIANTS: readonly Variant[] = ['as it is', 'dictionaries by value', 'merges of five'];

const rounds: Record<Variant, (Inserted & { load: number })[]> = {
  'as it is': [],
  'dictionaries by value': [],
  'merges of five': [],
};
for (let round = 0; round < ROUNDS; round++) {
  for (const variant of round % 2 === 0 ? VARIANTS : VARIANTS.toReversed()) {
    const figures = { ...(await inserted(variant)), load: load() };
    console.log(JSON.stringify({ variant, ...figures }));
    rounds[variant].push(figures);
  }
}

const middle = (variant: Variant) => median(rounds[variant].map(({ microseconds }) => microseconds));
const saved = (variant: Variant) => hundredths(middle(variant) / middle('as it is'));
keep('inserts', {
  question: 'processor time of an event that is inserted',
  configuration: `chDB in a process of its own, ${UNITS} inserts of 25,000 events a second apart; microseconds an event`,
  ratios: {
    'dictionaries by value, to a block at a time': saved('dictionaries by value'),
    'merging of five parts at once, to sixteen': saved('merges of five'),
  },
  rounds,
});

async function inserted(variant: Variant): Promise<Inserted> {
  const child = fork(fileURLToPath(new URL('./inserts/inserting.child.ts', import.meta.url)), {
    execArgv: ['--import', 'tsx'],
    env: { ...process.env, UV_THREADPOOL_SIZE: '12' },
  });
  child.send({ variant, units: UNITS });
  const [answer] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`inserting ended with ${code}`);
    }),
  ]);
  await once(child, 'exit');
  return answer;
}
