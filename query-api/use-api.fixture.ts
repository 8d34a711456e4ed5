/** The query API of a test file. Apart from `api.fixture.ts`, which benches use as well, where there is no Vitest. */
import { afterAll, afterEach, beforeAll } from 'vitest';
import { type Changes, openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';

/**
 * To be called once, at the top of a test file: an API for all its tests, on stores without events. `start` starts another one on the same
 * stores, until the test ends.
 */
export function useApi(): { api: () => TestApi; start: (changes?: Changes) => Promise<TestApi> } {
  let running: { stores: Stores; api: TestApi } | undefined;
  const others: TestApi[] = [];
  const both = () => {
    if (running === undefined) throw new Error('only within a test');
    return running;
  };

  beforeAll(async () => {
    const stores = await openStores();
    running = { stores, api: await startApi(stores) };
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
  });
  afterAll(async () => {
    await running?.api.close();
    await running?.stores.close();
  });

  return {
    api: () => both().api,
    async start(changes) {
      const other = await startApi(both().stores, changes);
      others.push(other);
      return other;
    },
  };
}
