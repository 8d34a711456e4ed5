import { expect, it } from 'vitest';
import { SharedTexts } from './shared-texts.ts';

it('answers what it was given, whatever that is', () => {
  const texts = new SharedTexts();
  for (const value of ['', '/a', '/a', 'x'.repeat(1_000), 7, null, undefined, true])
    expect(texts.of(value)).toBe(value);
  const list = ['/a'];
  expect(texts.of(list)).toBe(list);
});

it('keeps an equal text once', () => {
  const texts = new SharedTexts();
  for (let n = 0; n < 100; n++) texts.of(`/pages/${n % 2}`);
  expect(texts.size).toBe(2);
});

it('keeps a bounded number of texts, none of them long', () => {
  const texts = new SharedTexts();
  for (let n = 0; n < 25_000; n++) texts.of(`/pages/${n}`);
  expect(texts.size).toBeLessThanOrEqual(10_000);
  const { size } = texts;
  texts.of('x'.repeat(129));
  expect(texts.size).toBe(size);
});
