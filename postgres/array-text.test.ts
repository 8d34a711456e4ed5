import { expect, it } from 'vitest';
import { arrayText } from './array-text.ts';

it('leaves plain words alone and quotes all others, so that none is taken for null or for two', () => {
  expect(arrayText(['a-b_1', '', 'NULL', 'null', 'a b', 'a,b', '{}', 'é', '"', '\\', null, -1.5, true])).toBe(
    '{a-b_1,"","NULL","null","a b","a,b","{}","é","\\"","\\\\",NULL,-1.5,true}',
  );
});

it('has nothing of nothing', () => {
  expect(arrayText([])).toBe('{}');
});
