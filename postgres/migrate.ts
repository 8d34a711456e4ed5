/** Brings the schema up to date: numbered files of `migrations/`, all in one transaction, one process at a time. */
import { fileURLToPath } from 'node:url';
import Postgrator from 'postgrator';
import { LOCK_SPACE } from './advisory-lock.ts';
import { type Database, within } from './database.ts';
import { sql } from './sql.ts';

/** Beyond the numbers of `LOCKS`. */
const MIGRATION_LOCK = 1_000;
const LOCK_UNTIL_COMMIT = sql('lock_until_commit');
const LIFT_LIMITS = sql('lift_limits');
/** Moving every row of a large table takes its time, and so does waiting for another process that does so. */
const AS_LONG_AS_IT_TAKES_MS = 7 * 86_400_000;

const folder = fileURLToPath(new URL('./migrations', import.meta.url));

/** @throws SessionStoreError; then nothing has changed */
export async function migrate(database: Database): Promise<void> {
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
    await postgrator.migrate();
  });
}

/** A path as a glob pattern that matches only itself. */
function literally(path: string): string {
  return path.replaceAll('\\', '/').replace(/[*?()[\]{}!]/g, '[$&]');
}
