/**
 * Every row of every table as of one moment: one JSON a row, by column, so that it goes with whatever the schema of that version is.
 *
 * JSON and not COPY, since the driver has no COPY, and not files of the server, which nobody may log in to copy while it runs.
 */
import pg, { type PoolClient } from 'pg';
import type { Database } from './database.ts';
import type { PartitionProgress, Snapshot } from './port.ts';
import { readProgress } from './progress.ts';
import { sql } from './sql.ts';

const ROWS_PER_FETCH = 5_000;

const SQL = {
  liftLimits: sql('lift_limits_of_snapshot'),
  tables: sql('list_tables'),
  version: sql('read_schema_version'),
};

/** What {@link SessionStore.withSnapshot} says. */
export function withSnapshot<T>(database: Database, work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
  return database.transaction(async (client) => {
    await client.query(SQL.liftLimits);
    return await work(new TransactionSnapshot(client));
  }, 'repeatable read, read only');
}

class TransactionSnapshot implements Snapshot {
  readonly #client: PoolClient;

  constructor(client: PoolClient) {
    this.#client = client;
  }

  async take(): Promise<void> {
    await this.#client.query('select 1');
  }

  async version(): Promise<number> {
    const { rows } = await this.#client.query<{ version: number }>(SQL.version);
    return rows[0]?.version ?? 0;
  }

  async tables(): Promise<string[]> {
    const { rows } = await this.#client.query<{ name: string }>(SQL.tables);
    return rows.map(({ name }) => name);
  }

  async *rows(table: string): AsyncIterable<string> {
    const all = `select row_to_json(held)::text as text from ${pg.escapeIdentifier(table)} as held`;
    await this.#client.query(`declare held_rows no scroll cursor for ${all}`);
    for (;;) {
      const { rows } = await this.#client.query<{ text: string }>(`fetch ${ROWS_PER_FETCH} from held_rows`);
      for (const { text } of rows) yield text;
      if (rows.length < ROWS_PER_FETCH) break;
    }
    await this.#client.query('close held_rows');
  }

  progress(): Promise<PartitionProgress[]> {
    return readProgress(async (text) => (await this.#client.query(text)).rows);
  }
}
