import { expect, it } from 'vitest';
import { keyOf } from './keys.fixture.ts';
import { LastKeys } from './last-keys.ts';

it('tells the last so many different keys from new ones', () => {
  const count = 1_000;
  const keys = new LastKeys(count);
  for (let n = 0; n < 5 * count; n++) {
    expect(keys.add(keyOf(n))).toBe(true);
    for (const back of [0, 1, count / 2, count - 1])
      if (back <= n) expect(keys.add(keyOf(n - back))).toBe(false);
  }
});

it('lets go of what is older than twice as many', () => {
  const count = 1_000;
  const keys = new LastKeys(count);
  for (let n = 0; n <= 2 * count; n++) keys.add(keyOf(n));
  expect(keys.add(keyOf(0))).toBe(true);
});
