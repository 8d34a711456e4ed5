import { expect, it } from 'vitest';
import { countryName, directory, search } from './names.ts';

const row = (id: string, name: string) => ({ id, name });

it('names a country by its code, and leaves what is none', () => {
  expect(countryName('ca')).toBe('Canada');
  expect(countryName('Atlantis')).toBe('Atlantis');
});

it('orders by name, those of one name by id, whatever the order they come in', async () => {
  const rows = [row('2', 'Same'), row('9', 'éclair'), row('1', 'Same'), row('3', 'Zoo'), row('4', 'apple')];
  const known = await directory(
    async () => rows,
    () => 0,
  )();
  expect([...known.keys()]).toEqual(['4', '9', '1', '2', '3']);
});

it('reads a directory once a minute', async () => {
  let now = 0;
  let reads = 0;
  const known = directory(
    async () => [row('1', `read ${++reads}`)],
    () => now,
  );
  await known();
  now = 59_999;
  expect((await known()).get('1')?.name).toBe('read 1');
  now = 60_000;
  expect((await known()).get('1')?.name).toBe('read 2');
});

it('stops to search when it has found enough', () => {
  function* endless() {
    for (let n = 0; ; n++) yield row(`${n}`, `name ${n}`);
  }
  expect(search(endless(), { search: 'NAME', limit: 3 })).toHaveLength(3);
});
