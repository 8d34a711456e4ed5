import { expect, it } from 'vitest';
import { Sampler } from './sampler.ts';

const many = (n: number) => Array.from({ length: n }, (_, i) => i);

it('lets everything through below the limit, and says nothing of sampling', () => {
  const sampler = new Sampler(50, () => 0);
  expect(sampler.take(many(30))).toEqual({ some: many(30), sampled: false });
  expect(sampler.take(many(20))).toEqual({ some: many(20), sampled: false });
});

it('leaves out what is above the limit of a second, and says so until a second is quiet', () => {
  let now = 0;
  const sampler = new Sampler(50, () => now);
  expect(sampler.take(many(200))).toEqual({ some: many(200).slice(-50), sampled: true });
  expect(sampler.take(many(5))).toEqual({ some: [], sampled: true });
  now = 1_000;
  expect(sampler.take(many(5))).toEqual({ some: many(5), sampled: true });
  now = 2_000;
  expect(sampler.take(many(5))).toEqual({ some: many(5), sampled: false });
});

it('takes the latest of many, no more than it is told at once', () => {
  const sampler = new Sampler(50, () => 0);
  expect(sampler.take(many(10), 3)).toEqual({ some: [7, 8, 9], sampled: true });
  expect(sampler.take([], 3)).toEqual({ some: [], sampled: true });
  expect(sampler.take(many(100), 90).some).toHaveLength(47);
});
