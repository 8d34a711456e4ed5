/** The conformance suite on chDB. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import { expect, test } from 'vitest';
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

test('merges make way for what else the process does', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'footfall-chdb-'));
  const store = await openAnalytics(`chdb://${directory}`, { rawDays: 400 });
  try {
    const session = new Session(directory);
    const value = session.query(
      "SELECT value FROM system.server_settings WHERE name = 'os_threads_nice_value_merge_mutate'",
      'TSV',
    );
    session.close();
    expect(value.trim()).toBe('10');
  } finally {
    await store.close();
    await rm(directory, { recursive: true, force: true });
  }
});
