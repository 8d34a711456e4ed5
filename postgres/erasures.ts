/** Erasures over PostgreSQL: sessions go at once; what else is to go stands here until it is gone. */
import type { Database } from './database.ts';
import type {
  Erased,
  Erasure,
  ErasureRequest,
  ErasureStore,
  Found,
  KnownErasures,
  Receipt,
  Subjects,
  UnfinishedErasure,
  VisitorSession,
} from './port.ts';
import { sql } from './sql.ts';

const SQL = {
  number: sql('number_erasure'),
  begin: sql('begin_erasure'),
  read: sql('read_erasures'),
  readUnfinished: sql('read_unfinished_erasures'),
  readErased: sql('read_erased'),
  noteFound: sql('note_erased_events'),
  addToLedger: sql('add_to_ledger'),
  complete: sql('complete_erasure'),
  forget: sql('forget_erased'),
  listSessions: sql('list_sessions'),
};

/** PostgreSQL's bigint and numeric arrive as text. */
interface ErasureRow {
  number: string;
  id: string;
  kind: Erasure['kind'];
  requested_by: string;
  requested_at: string;
  sessions: string;
  receipt: Receipt | null;
  completed_at: string | null;
}
interface ErasedRow {
  visitors: string[];
  user_id: string | null;
  counted: Record<string, number>;
  requested_at: string;
}
type KnownRow = { last: string } & (({ number: string } & ErasedRow) | { number: null });
type UnfinishedRow = ErasureRow & ErasedRow & { found: Found | null };
interface SessionRow {
  fingerprint: string;
  session_id: string;
  user_id: string | null;
  page_views: string;
  first_seen: string;
  last_seen: string;
  converted_at: string | null;
}

export class PostgresErasures implements ErasureStore {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async begin(request: ErasureRequest): Promise<Erasure> {
    const { id, kind, requestedBy, requestedAt, visitors, userId } = request;
    return await this.#database.transaction(async (client) => {
      const [numbered] = (await client.query<{ number: string }>(SQL.number)).rows;
      if (numbered === undefined) throw new Error('the number of the last erasure is missing');
      await client.query(SQL.begin, [numbered.number, id, kind, requestedBy, requestedAt, visitors, userId]);
      const [row] = (await client.query<ErasureRow>(SQL.read, [id, 1])).rows;
      if (row === undefined) throw new Error('an erasure that was begun is missing');
      return erasureOf(row);
    });
  }

  async known(): Promise<KnownErasures> {
    const rows = await this.#database.query<KnownRow>(SQL.readErased);
    return {
      last: Number(rows[0]?.last ?? 0),
      erased: rows.flatMap((row) => (row.number === null ? [] : [erasedOf(row)])),
    };
  }

  async unfinished(): Promise<UnfinishedErasure[]> {
    const rows = await this.#database.query<UnfinishedRow>(SQL.readUnfinished);
    return rows.map((row) => ({ ...erasureOf(row), ...erasedOf(row), found: row.found }));
  }

  async noteFound(id: string, found: Found): Promise<void> {
    await this.#database.transaction(async (client) => {
      const { rowCount } = await client.query(SQL.noteFound, [id, JSON.stringify(found)]);
      if (rowCount === 0 || found.hours.length === 0) return;
      await client.query(SQL.addToLedger, [
        found.hours.map(({ hour }) => hour),
        found.hours.map(({ partition }) => partition),
        found.hours.map(() => 'erased'),
        found.hours.map(({ events }) => events),
      ]);
    });
  }

  async complete(id: string, receipt: Receipt, at: number): Promise<void> {
    await this.#database.query(SQL.complete, [id, JSON.stringify(receipt), at]);
  }

  async forgetSubjectsBefore(instant: number): Promise<void> {
    await this.#database.query(SQL.forget, [instant]);
  }

  async get(id: string): Promise<Erasure | undefined> {
    const [row] = await this.#database.query<ErasureRow>(SQL.read, [id, 1]);
    return row && erasureOf(row);
  }

  async list(limit: number): Promise<Erasure[]> {
    return (await this.#database.query<ErasureRow>(SQL.read, [null, limit])).map(erasureOf);
  }

  async sessionsOf({ visitors, userId }: Subjects): Promise<VisitorSession[]> {
    const rows = await this.#database.query<SessionRow>(SQL.listSessions, [visitors, userId]);
    return rows.map((row) => ({
      fingerprint: row.fingerprint,
      sessionId: row.session_id,
      userId: row.user_id,
      pageViews: Number(row.page_views),
      firstSeen: Number(row.first_seen),
      lastSeen: Number(row.last_seen),
      convertedAt: instantOf(row.converted_at),
    }));
  }
}

function erasureOf(row: ErasureRow): Erasure {
  return {
    number: Number(row.number),
    id: row.id,
    kind: row.kind,
    requestedBy: row.requested_by,
    requestedAt: Number(row.requested_at),
    sessions: Number(row.sessions),
    receipt: row.receipt,
    completedAt: instantOf(row.completed_at),
  };
}

function erasedOf({ visitors, user_id, counted, requested_at }: ErasedRow): Erased {
  return {
    visitors,
    userId: user_id,
    requestedAt: Number(requested_at),
    counted: new Map(Object.entries(counted).map(([partition, offset]) => [Number(partition), offset])),
  };
}

function instantOf(value: string | null): number | null {
  return value === null ? null : Number(value);
}
