/**
 * A whole store of chDB as it is at one moment, beside the one that goes on: hard links of the parts of every table, which the
 * engine itself makes (`ALTER TABLE ... FREEZE`), and copies of the few small files that say which tables there are.
 *
 *     DIRECTORY/shadow/backup/   a directory that chDB opens, once it is copied to another place
 *       metadata/footfall.sql    the database
 *       store/AAA/UUID/          of the database: the definition of every table; of a table: its parts, and files about them
 *
 * `BACKUP` would be the other way: chDB refuses it, since only a server's configuration can allow it a place to write to.
 */
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ClickHouseClient } from '@clickhouse/client';
import { appliedMigrations } from './migrate.ts';
import type { FrozenStore } from './port.ts';
import { select } from './statement.ts';

const SHADOW = 'shadow';
const NAME = 'backup';
const DATABASE = 'metadata/footfall.sql';
/** Of tables (`NAME.sql`), and of those with parts (`format_version.txt`, `mutation_N.txt`). */
const DEFINITION = /^[^.]+\.(sql|txt)$/;

/** The caller keeps inserts and changes of tables away. What was frozen before is removed. */
export async function freeze(client: ClickHouseClient, directory: string): Promise<FrozenStore> {
  await thaw(directory);
  const tables = await select<{ name: string }>(
    client,
    "SELECT name FROM system.tables WHERE database = 'footfall' AND engine LIKE '%MergeTree' ORDER BY name",
  );
  for (const { name } of tables)
    await client.command({ query: `ALTER TABLE footfall.${name} FREEZE WITH NAME '${NAME}'` });
  const frozen = join(directory, SHADOW, NAME);
  for (const path of [DATABASE, ...(await definitions(directory))]) {
    await mkdir(dirname(join(frozen, path)), { recursive: true });
    await copyFile(join(directory, path), join(frozen, path));
  }
  return { folder: frozen, migrations: await appliedMigrations(client) };
}

/** Removes what {@link freeze} has made: until then no part of it gives its space back. */
export async function thaw(directory: string): Promise<void> {
  await rm(join(directory, SHADOW), { recursive: true, force: true });
}

async function definitions(directory: string): Promise<string[]> {
  const found: string[] = [];
  for (const prefix of await readdir(join(directory, 'store'))) {
    for (const uuid of await readdir(join(directory, 'store', prefix))) {
      const names = await readdir(join(directory, 'store', prefix, uuid), { withFileTypes: true });
      for (const file of names)
        if (file.isFile() && DEFINITION.test(file.name)) found.push(join('store', prefix, uuid, file.name));
    }
  }
  return found;
}
