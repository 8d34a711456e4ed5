import { expect, it } from 'vitest';
import { arrayText } from './array-text.ts';

it('quotes every text, so that none is taken for null or for two', () => {
  expect(arrayText(['a-b_1', '', 'NULL', 'null', 'a b', 'a,b', '{}', 'é', null, -1.5, true])).toBe(
    '{"a-b_1","","NULL","null","a b","a,b","{}","é",null,-1.5,true}',
  );
});

it('escapes as PostgreSQL does where JSON would do it in its own way', () => {
  expect(arrayText(['"', '\\', '\n', '\ud800', 'a', null, -1.5, true])).toBe(
    '{"\\"","\\\\","\n","\ud800","a",NULL,-1.5,true}',
  );
});

it('has nothing of nothing', () => {
  expect(arrayText([])).toBe('{}');
});
