/** Sessions stand in partitions: moved there with all they had, and each is reached in the one that has it. */
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import Postgrator from 'postgrator';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { ScratchDatabase } from './networked.fixture.ts';
import type { SessionStore } from './port.ts';
import { at, count, delta, visitor } from './session.fixture.ts';
import { sql } from './sql.ts';

const BEFORE_PARTITIONS = '2';
const PARTITIONS = 16;
const SESSIONS = 20_000;
const BATCH = 200;

describeWithStack('the partitions of sessions', 'STACK_POSTGRES', (address) => {
  let scratch: ScratchDatabase;
  let store: SessionStore;
  let before: unknown[];

  const sessions = async () =>
    (await scratch.pool.query('select * from anonymous_session order by fingerprint')).rows;

  beforeAll(async () => {
    scratch = await ScratchDatabase.create(address);
    const folder = fileURLToPath(new URL('./migrations', import.meta.url));
    await new Postgrator({
      driver: 'pg',
      migrationPattern: `${folder}/*.sql`,
      schemaTable: 'schema_migration',
      newline: 'LF',
      execQuery: (query) => scratch.pool.query(query),
    }).migrate(BEFORE_PARTITIONS);
    await scratch.pool.query(
      `insert into anonymous_session
       select encode(sha256(n::text::bytea), 'hex'), 'tab', case when n % 3 = 0 then 'user ' || n end,
              timestamptz 'epoch' + n * interval '1 minute', timestamptz 'epoch' + n * interval '2 minutes', n,
              case when n % 6 = 0 then timestamptz 'epoch' + n * interval '90 seconds' end
       from generate_series(1, ${SESSIONS}) as n`,
    );
    before = await sessions();
    store = await scratch.open();
    await scratch.pool.query('analyze');
  });
  afterAll(() => scratch.drop());

  it('have every session that was there before them, spread evenly', async () => {
    expect(before).toHaveLength(SESSIONS);
    expect(await sessions()).toEqual(before);
    const { rows } = await scratch.pool.query<{ sessions: number }>(
      'select count(*)::integer as sessions from anonymous_session group by tableoid',
    );
    expect(rows).toHaveLength(PARTITIONS);
    for (const row of rows) expect(row.sessions).toBeGreaterThan((SESSIONS / PARTITIONS) * 0.8);
  });

  it('have indexes on what is looked for, and none on what changes with each event', async () => {
    const { rows } = await scratch.pool.query<{ indexdef: string }>(
      "select indexdef from pg_indexes where tablename = 'anonymous_session_07'",
    );
    const columns = rows.map(({ indexdef }) => /\(.*$/.exec(indexdef)?.[0]).sort();
    expect(columns).toEqual([
      '(converted_at) WHERE (converted_at IS NOT NULL)',
      '(fingerprint)',
      '(first_seen)',
      '(user_id) WHERE (user_id IS NOT NULL)',
    ]);
  });

  it('are inserted or met by key, one for each visitor of a batch', async () => {
    const known = (await sessions()).slice(0, BATCH / 2).map(({ fingerprint }) => String(fingerprint));
    const fingerprints = [...known, ...Array.from({ length: BATCH / 2 }, visitor)];
    const of = <T>(value: T) => fingerprints.map(() => value);
    const upserted = await explain('upsert_sessions', [
      fingerprints,
      ...[of('tab'), of(null), of(at(0)), of(at(0)), of(1), of(null), of(true), 1_000, at(0)],
    ]);
    expect(upserted).not.toMatch(/Scan (on|using) anonymous_session/);
    const rows = (what: string) => Number(new RegExp(`${what}: (\\d+)`).exec(upserted)?.[1]);
    expect([rows('Tuples Inserted'), rows('Conflicting Tuples')]).toEqual([BATCH / 2, BATCH / 2]);
  });

  it('are looked up by key, one for each session that is deleted', async () => {
    const plan = await explain(
      'delete_idle_sessions',
      [10 * 120_000, 1_000, 0, 1_000],
      sql('reach_rows_by_key'),
    );
    expect(plan).not.toMatch(/Seq Scan/);
    expect(lookups(plan)).toBeGreaterThanOrEqual(9);
    expect(lookups(plan)).toBeLessThanOrEqual(2 * 9);
  });

  it('are found by index for a visitor and a user, who are shown their data or erased', async () => {
    const [known] = await sessions();
    const people = [[String(known?.fingerprint).slice(0, 16)], 'user 3'];
    const begin = [2, randomUUID(), 'user', 'somebody', at(0), ...people];
    // Tables as small as these are quicker to read than to search.
    const asIfLarge = 'set local enable_seqscan = off';
    const shown = await explain('list_sessions', people, asIfLarge);
    const erased = await explain('begin_erasure', begin, asIfLarge);
    for (const plan of [shown, erased]) {
      expect(plan).not.toMatch(/Seq Scan on anonymous_session|Rows Removed by Filter/);
    }
  });

  it('lose what is idle and nothing else', async () => {
    const kept = visitor();
    await count(store, [{ partition: 0, firstOffset: 0, nextOffset: 1 }], [delta(kept, 0)]);
    expect(await store.deleteSessionsIdleSince(at(0))).toBe(SESSIONS);
    expect((await sessions()).map(({ fingerprint }) => fingerprint)).toEqual([kept]);
  });

  /** What the statement does, which is then undone. */
  async function explain(name: string, values: unknown[], before = 'select 1'): Promise<string> {
    const client = await scratch.pool.connect();
    try {
      await client.query('begin');
      await client.query(before);
      const { rows } = await client.query<{ 'QUERY PLAN': string }>(
        `explain (analyze, costs off, timing off) ${sql(name)}`,
        values,
      );
      return rows.map((row) => row['QUERY PLAN']).join('\n');
    } finally {
      await client.query('rollback');
      client.release();
    }
  }
});

/** How often the primary key of some partition was looked into. */
function lookups(plan: string): number {
  const loops = [...plan.matchAll(/using anonymous_session_\d\d_pkey .*loops=(\d+)\)/g)];
  return loops.reduce((sum, [, times]) => sum + Number(times), 0);
}
