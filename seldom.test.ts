import { expect, it } from 'vitest';
import { seldom } from './seldom.ts';

it('says the first at once, then one in ten seconds with how many were not said', () => {
  let clock = 0;
  const said: unknown[][] = [];
  const tell = seldom(
    (...line) => said.push(line),
    () => clock,
  );
  for (const error of ['a', 'b', 'c']) tell(error);
  clock = 9_999;
  tell('d');
  clock = 10_000;
  tell('e');
  clock = 20_000;
  tell('f');
  expect(said).toEqual([
    ['a', 0],
    ['e', 3],
    ['f', 0],
  ]);
});
