import { expect, it, vi } from 'vitest';
import type { Community, Division } from '../postgres/port.ts';
import { placesCache } from './places.ts';

const MINUTE = 60_000;
const city: Division = { id: 'city', name: 'Laval', type: 'city', parentId: null, country: 'CA' };
const cyclists: Community = { id: 'cyclists', name: 'Cyclists', divisionId: 'city' };

function reading(divisions: Division[], communities: Community[]) {
  return { divisions: vi.fn(async () => divisions), communities: vi.fn(async () => communities) };
}

it('knows nothing before the first reading, and then what the store has', async () => {
  const places = placesCache(reading([city], [cyclists]));
  expect(places.division('city')).toBeUndefined();
  await places.refresh(0);
  expect(places.division('city')).toEqual(city);
  expect(places.community('cyclists')).toEqual(cyclists);
  expect(places.community('nobody')).toBeUndefined();
});

it('reads again after a minute and not sooner, and forgets what is gone', async () => {
  const store = reading([city], [cyclists]);
  const places = placesCache(store);
  await places.refresh(0);
  store.divisions.mockResolvedValue([]);
  await places.refresh(MINUTE - 1);
  expect(store.divisions).toHaveBeenCalledTimes(1);
  expect(places.division('city')).toEqual(city);
  await places.refresh(MINUTE);
  expect(places.division('city')).toBeUndefined();
});

it('reads again at the next call when a reading failed', async () => {
  const store = reading([city], []);
  store.communities.mockRejectedValueOnce(new Error('away'));
  const places = placesCache(store);
  await expect(places.refresh(0)).rejects.toThrow('away');
  expect(places.division('city')).toBeUndefined();
  await places.refresh(1);
  expect(places.division('city')).toEqual(city);
});

it('reads again within seconds after an id that it did not know', async () => {
  const store = reading([], []);
  const places = placesCache(store);
  await places.refresh(0);
  expect(places.division('city')).toBeUndefined();
  store.divisions.mockResolvedValue([city]);
  await places.refresh(4_999);
  expect(store.divisions).toHaveBeenCalledTimes(1);
  await places.refresh(5_000);
  expect(places.division('city')).toEqual(city);
  await places.refresh(10_000);
  expect(store.divisions).toHaveBeenCalledTimes(2);
});
