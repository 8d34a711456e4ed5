/** Real embedded stores for a test file, and a look at what stands in them past the product's queries. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import { openAnalytics } from '../clickhouse/open.ts';
import type { AnalyticsStore } from '../clickhouse/port.ts';
import { lookInto } from '../postgres/embedded.fixture.ts';
import { openSessions } from '../postgres/open.ts';
import type { SessionStore } from '../postgres/port.ts';

export interface TestStores {
  /** Where logs may be kept; removed in the end. */
  folder: string;
  analytics: AnalyticsStore;
  sessions: SessionStore;
  /** Rows of raw in the order of the log. */
  raw(): Promise<RawRow[]>;
  /** Rows of derived tables that raw does not say, and rows that raw says and no table has; none when all is well. */
  viewsThatDiffer(): Promise<DifferentRow[]>;
  visitors(): Promise<SessionRow[]>;
  /** Empties the derived tables, as if every insert had ended between raw and its views. */
  loseViews(): Promise<void>;
  /** Empties every table. */
  empty(): Promise<void>;
  close(): Promise<void>;
}

export interface RawRow {
  /** partition:offset:line */
  place: string;
  type: string;
  event_id: string;
  visitor: string;
  day: string;
  page: string;
  user_id: string;
  community_id: string;
  division_type: string;
  relation: string;
  country: string;
}

interface DifferentRow {
  table: string;
  /** Of raw, or of the table. */
  only_of: string;
  row: string;
}

export interface SessionRow {
  fingerprint: string;
  userId: string | null;
  firstSeen: number;
  lastSeen: number;
  pageViews: number;
  convertedAt: number | null;
}

/** A derived table, its key columns, and what its other columns come to. */
interface View {
  target: string;
  derivation: string;
  keys: string;
  totals: string;
}

/** Dates are fixed, so nothing may expire. */
const RAW_DAYS = 36_500;

/** Once a process: chDB binds one directory for its life. */
export async function openStores(): Promise<TestStores> {
  const folder = await mkdtemp(join(tmpdir(), 'footfall-pipeline-'));
  const analytics = await openAnalytics(`chdb://${folder}/clickhouse`, { rawDays: RAW_DAYS });
  const sessions = await openSessions(`embedded-postgres://${folder}/postgres`, {
    sessionTimeoutMs: 86_400_000,
  });
  const { database, close: closeDatabase } = await lookInto(join(folder, 'postgres'));
  const chdb = new Session(join(folder, 'clickhouse'));

  async function sql<Row>(statement: string): Promise<Row[]> {
    const text = (await chdb.queryAsync(statement, { format: 'JSONEachRow' })).text();
    return text.split('\n').flatMap((line): Row[] => (line === '' ? [] : [JSON.parse(line)]));
  }

  // What is not a key is a sum, or a set whose size counts.
  const views = await sql<View>(
    `SELECT view.target_table AS target, view.as_select AS derivation, target.sorting_key AS keys, column.totals AS totals
     FROM system.tables AS view
     JOIN system.tables AS target ON target.database = 'footfall' AND target.name = view.target_table
     JOIN (
       SELECT table,
              arrayStringConcat(groupArray(if(startsWith(type, 'Simple'), 'sum', 'uniqExactMerge') || '(' || name || ')'), ', ') AS totals
       FROM system.columns WHERE database = 'footfall' AND type LIKE '%AggregateFunction%' GROUP BY table
     ) AS column ON column.table = view.target_table
     WHERE view.database = 'footfall' AND view.engine = 'MaterializedView' AND view.target_table != 'event'`,
  );
  if (views.length === 0) throw new Error('there are no views to compare');

  async function loseViews(): Promise<void> {
    for (const { target } of views) await sql(`TRUNCATE TABLE footfall.${target}`);
  }

  const finished = ({ target, keys, totals }: View, of: 'raw' | 'table', source: string) =>
    `SELECT '${target}' AS table, '${of}' AS of, toString((${keys}, ${totals})) AS row
     FROM ${source} GROUP BY ${keys}`;
  const differences = `SELECT table, any(of) AS only_of, row FROM (
    ${views
      .flatMap((view) => [
        finished(view, 'table', `footfall.${view.target}`),
        finished(view, 'raw', `(${view.derivation})`),
      ])
      .join(' UNION ALL ')}
  ) GROUP BY table, row HAVING count() = 1`;

  return {
    folder,
    analytics,
    sessions,
    raw: () =>
      sql<RawRow>(
        `SELECT concat(toString(log_partition), ':', toString(log_offset), ':', toString(log_index)) AS place,
                type, toString(event_id) AS event_id, toString(visitor) AS visitor, toString(day) AS day, page,
                user_id, toString(community_id) AS community_id, division_type, toString(relation) AS relation,
                country
         FROM footfall.event ORDER BY log_partition, log_offset, log_index`,
      ),
    viewsThatDiffer: () => sql<DifferentRow>(differences),
    async visitors() {
      const { rows } = await database.query<SessionRow>(
        `select fingerprint, user_id as "userId", page_views::int as "pageViews",
                (extract(epoch from first_seen) * 1000)::float8 as "firstSeen",
                (extract(epoch from last_seen) * 1000)::float8 as "lastSeen",
                (extract(epoch from converted_at) * 1000)::float8 as "convertedAt"
         from anonymous_session order by fingerprint`,
      );
      return rows;
    },
    loseViews,
    async empty() {
      await loseViews();
      await sql('TRUNCATE TABLE footfall.event');
      await sql('TRUNCATE TABLE footfall.presence_minute');
      await database.query(
        'truncate anonymous_session, visitor_alias, checkpoint, partition_owner, ledger, community, division, erasure',
      );
      await database.query('update last_erasure set number = 0');
    },
    async close() {
      await closeDatabase();
      chdb.close();
      await analytics.close();
      await sessions.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
