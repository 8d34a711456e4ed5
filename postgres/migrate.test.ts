/** The schema is brought up to date once, and one of a newer version is left alone. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EmbeddedServer } from './embedded.ts';
import { openSessions } from './open.ts';

let folder: string;
let server: EmbeddedServer;
let client: pg.Client;

const open = () => openSessions(`embedded-postgres://${folder}`, { sessionTimeoutMs: 1 });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-migrate-'));
  server = await EmbeddedServer.open(folder, () => {});
  client = new pg.Client(await server.connection());
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function versions(): Promise<number[]> {
  const { rows } = await client.query<{ version: string }>('select version from schema_migration order by 1');
  return rows.map(({ version }) => Number(version));
}

test('those who open an empty store at the same time migrate it once', async () => {
  const stores = await Promise.all([open(), open(), open(), open()]);
  for (const store of stores) await store.close();
  const applied = await versions();
  expect(applied.length).toBeGreaterThan(5);
  expect(applied).toEqual(applied.map((_, n) => n));
});

test('a schema of a newer version is refused with both versions named, and stays as it is', async () => {
  const before = await versions();
  await client.query('insert into schema_migration (version) values (999)');
  await expect(open()).rejects.toMatchObject({
    code: 'newer_schema',
    retryable: false,
    message: expect.stringContaining(`its schema is 999, and this one knows schemas up to ${before.at(-1)}`),
  });
  expect(await versions()).toEqual([...before, 999]);
  await client.query('delete from schema_migration where version = 999');
  await (await open()).close();
});
