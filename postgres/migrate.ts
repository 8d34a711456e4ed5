/** Brings the schema up to date: numbered files of `migrations/`, all in one transaction, one process at a time. */
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import Postgrator from 'postgrator';
import { LOCK_SPACE } from './advisory-lock.ts';
import { type Database, within } from './database.ts';
import { SessionStoreError } from './port.ts';
import { sql } from './sql.ts';

/** Beyond the numbers of `LOCKS`. */
const MIGRATION_LOCK = 1_000;
const LOCK_UNTIL_COMMIT = sql('lock_until_commit');
const LIFT_LIMITS = sql('lift_limits');
/** Moving every row of a large table takes its time, and so does waiting for another process that does so. */
export const AS_LONG_AS_IT_TAKES_MS = 7 * 86_400_000;

const folder = fileURLToPath(new URL('./migrations', import.meta.url));

/**
 * @param version to stop at; without it: the newest
 * @throws SessionStoreError, `newer_schema` where this Footfall does not know the version; then nothing has changed
 */
export async function migrate(database: Database, version?: number): Promise<void> {
  await database.transaction(async (client) => {
    await client.query(LIFT_LIMITS);
    await client.query(within(AS_LONG_AS_IT_TAKES_MS, LOCK_UNTIL_COMMIT, [LOCK_SPACE, MIGRATION_LOCK]));
    const postgrator = new Postgrator({
      driver: 'pg',
      migrationPattern: `${literally(folder)}/*.sql`,
      schemaTable: 'schema_migration',
      newline: 'LF',
      execQuery: (query) => client.query(within(AS_LONG_AS_IT_TAKES_MS, query)),
    });
    // It would take a newer schema for one that there is nothing to do for.
    await requireKnown(Math.max(version ?? 0, await postgrator.getDatabaseVersion()));
    await postgrator.migrate(version === undefined ? 'max' : String(version));
  });
}

/** @throws SessionStoreError `newer_schema` where this Footfall does not know the version of the schema */
export async function requireKnown(version: number): Promise<void> {
  const newest = Math.max(...(await readdir(folder)).map((name) => Number.parseInt(name, 10)));
  if (version <= newest) return;
  throw new SessionStoreError(
    'newer_schema',
    `the session store was written by a newer version: its schema is ${version}, and this one knows schemas up to ${newest}`,
  );
}

/** A path as a glob pattern that matches only itself. */
function literally(path: string): string {
  return path.replaceAll('\\', '/').replace(/[*?()[\]{}!]/g, '[$&]');
}
