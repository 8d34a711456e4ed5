/** Stores over HTTP for the conformance suite. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import type { Opened } from './conformance.case.ts';
import type { FrontOptions } from './http-front.fixture.ts';
import { startFront } from './http-front-process.fixture.ts';
import { openAnalytics } from './open.ts';

export async function openOverHttp({ cluster = '' }: Pick<FrontOptions, 'cluster'> = {}): Promise<Opened> {
  const directory = await mkdtemp(join(tmpdir(), 'footfall-http-'));
  const front = await startFront(join(directory, 'data'), { cluster });
  const open = () => openAnalytics(front.url, { rawDays: 36_500, cluster });
  let store = await open();
  const client = createClient({ url: front.url });
  return {
    store,
    sql: async (statement) => {
      const { stream } = await client.exec({
        query: statement,
        clickhouse_settings: { default_format: 'JSONEachRow' },
      });
      const text = Buffer.concat(await stream.toArray()).toString();
      return text
        .split('\n')
        .flatMap((line): Record<string, unknown>[] => (line === '' ? [] : [JSON.parse(line)]));
    },
    local: (table) => (cluster === '' ? table : `${table}_local`),
    reopen: async () => {
      await store.close();
      store = await open();
      return store;
    },
    dispose: async () => {
      await client.close();
      await store.close();
      await front.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
