/** The conformance suite on chDB. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import { describeAnalyticsStore } from './conformance.case.ts';
import { openAnalytics } from './open.ts';

describeAnalyticsStore('chDB', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'footfall-chdb-'));
  const open = () => openAnalytics(`chdb://${directory}`, { rawDays: 36_500 });
  let store = await open();
  const session = new Session(directory);
  return {
    store,
    sql: async (statement) => {
      const text = (await session.queryAsync(statement, { format: 'JSONEachRow' })).text();
      return text
        .split('\n')
        .flatMap((line): Record<string, unknown>[] => (line === '' ? [] : [JSON.parse(line)]));
    },
    local: (table) => table,
    reopen: async () => {
      await store.close();
      store = await open();
      return store;
    },
    dispose: async () => {
      session.close();
      await store.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
});
