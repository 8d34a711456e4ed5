/** Makes an embedded session store of the rows of a {@link Snapshot}. */
import pg, { type PoolClient } from 'pg';
import { within } from './database.ts';
import { AS_LONG_AS_IT_TAKES_MS, migrate } from './migrate.ts';
import { openEmbedded } from './open.ts';
import { sql } from './sql.ts';

const ROWS_PER_INSERT = 5_000;

const SQL = { liftLimits: sql('lift_limits'), foreignKeys: sql('list_foreign_keys') };

export interface SavedSessions {
  /** Of their schema. Later ones are reached when the store is opened. */
  version: number;
  /** Rows as JSON, by table. */
  tables: Map<string, AsyncIterable<string>>;
}

/**
 * @param url of a folder without a store
 * @throws SessionStoreError `newer_schema`, or what is wrong with a row; then the folder is of no use
 */
export async function restoreSessions(url: string, { version, tables }: SavedSessions): Promise<void> {
  const database = await openEmbedded(url);
  try {
    await migrate(database, version);
    await database.transaction(async (client) => {
      await client.query(SQL.liftLimits);
      // Rows may come before those that they refer to.
      await alterKeys(client, 'deferrable initially deferred');
      for (const [table, rows] of tables) await load(client, table, rows);
      await client.query('set constraints all immediate');
      await alterKeys(client, 'not deferrable');
    });
  } finally {
    await database.close();
  }
}

async function alterKeys(client: PoolClient, to: string): Promise<void> {
  const { rows } = await client.query<{ name: string; table: string }>(SQL.foreignKeys);
  for (const { name, table } of rows)
    await client.query(`alter table ${table} alter constraint ${pg.escapeIdentifier(name)} ${to}`);
}

async function load(client: PoolClient, table: string, rows: AsyncIterable<string>): Promise<void> {
  const name = pg.escapeIdentifier(table);
  // A migration may have put rows there.
  await client.query(`delete from ${name}`);
  const insert = `insert into ${name} select * from json_populate_recordset(null::${name}, $1::json)`;
  let held: string[] = [];
  const flush = async () => {
    if (held.length > 0) await client.query(within(AS_LONG_AS_IT_TAKES_MS, insert, [`[${held.join(',')}]`]));
    held = [];
  };
  for await (const row of rows) {
    held.push(row);
    if (held.length === ROWS_PER_INSERT) await flush();
  }
  await flush();
}
