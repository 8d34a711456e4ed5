import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { type Figures, type Need, planFor, tableOf } from './plan.ts';

const FIGURES: Figures = {
  requestBytes: 1_000,
  lineBytes: 500,
  zippedLineBytes: 100,
  singlesACore: 10_000,
  ofArraysACore: 100_000,
  pipelineMicroseconds: 100,
  postgresMicroseconds: 20,
  rawBytes: 30,
  rangeBytesAVisitor: 300,
  changesACoreOfRedis: 50_000,
};

test('half of every core is used, and what is needed grows with the rate', () => {
  const needs = (rate: number) =>
    Object.fromEntries(Object.entries(planFor(rate, FIGURES)).map(([part, need]) => [part, need.needs]));
  expect(needs(100_000)).toMatchObject({
    collectors: '20 cores, 2 where all come in arrays of 50',
    'network to collectors': '0.8 Gbit/s without TLS',
    log: '32 partitions, 10 MB/s, 2.6 TB for 24 h on 3 brokers or more',
    pipelines: '9 processes of one core',
    PostgreSQL: '4 cores in one server',
    Redis: '2 nodes of a cluster',
  });
  expect(needs(200_000)).toMatchObject({ collectors: '40 cores, 4 where all come in arrays of 50' });
});

test('the plan that is documented follows from the results that are kept', () => {
  const kept: { measured: Figures; plan: Record<string, Need> } = JSON.parse(
    readFileSync(new URL('../results/sizing.json', import.meta.url), 'utf8'),
  );
  expect(kept.plan).toEqual(planFor(1_000_000, kept.measured));
  expect(readFileSync(new URL('../README.md', import.meta.url), 'utf8')).toContain(tableOf(kept.plan));
});
