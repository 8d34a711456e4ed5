/** The session store over PostgreSQL. */
import { randomBytes } from 'node:crypto';
import { holdAdvisoryLock } from './advisory-lock.ts';
import { arrayText } from './array-text.ts';
import type { Database } from './database.ts';
import { PostgresErasures } from './erasures.ts';
import {
  type Applied,
  type Batch,
  type Checkpoint,
  type Claim,
  type Community,
  type ConversionSummary,
  type Division,
  type KnownVisitor,
  type LedgerEntry,
  type LockName,
  type PartitionProgress,
  type SessionDelta,
  type SessionStore,
  SessionStoreError,
  type Snapshot,
  type VisitorNames,
} from './port.ts';
import { readProgress } from './progress.ts';
import { withSnapshot } from './snapshot.ts';
import { sql } from './sql.ts';

const SQL = {
  claimPartition: sql('claim_partition'),
  countHeldClaims: sql('count_held_claims'),
  advanceCheckpoints: sql('advance_checkpoints'),
  lastErasure: sql('last_erasure'),
  addToLedger: sql('add_to_ledger'),
  readLedger: sql('read_ledger'),
  forgetLedger: sql('forget_ledger'),
  upsertSessions: sql('upsert_sessions'),
  addAliases: sql('add_aliases'),
  hasAliases: sql('has_aliases'),
  lookUpVisitors: sql('look_up_visitors'),
  readCheckpoint: sql('read_checkpoint'),
  summariseConversions: sql('summarise_conversions'),
  reachRowsByKey: sql('reach_rows_by_key'),
  countSessionPages: sql('count_session_pages'),
  deleteIdleSessions: sql('delete_idle_sessions'),
  shareSalt: sql('share_salt'),
  listSalts: sql('list_salts'),
  destroySalts: sql('destroy_salts'),
  vacuumSalts: sql('vacuum_salts'),
  listDivisions: sql('list_divisions'),
  listCommunities: sql('list_communities'),
  saveDivisions: sql('save_divisions'),
  saveCommunities: sql('save_communities'),
};

/** Width of the columns session_id and user_id. */
const MAX_ID_CHARACTERS = 64;
const SALT_BYTES = 32;
const SESSIONS_PER_DELETE = 10_000;
/** Of each partition, at a time: some hundred thousand sessions are looked at. */
const PAGES_PER_LOOK = 1_000;

/** PostgreSQL's bigint and numeric arrive as text. */
type CheckpointRow = { first_offset: string; next_offset: string; log_identity: string | null };
type LedgerRow = Pick<LedgerEntry, 'partition' | 'name'> & { hour: string; amount: string };
type SummaryRow = {
  conversions: string;
  anonymous_sessions: string;
  mean_seconds: string;
  by_day: ConversionSummary['byDay'];
};
type ConvertedRow = { fingerprint: string; converted_at: string };
type KnownRow = { visitor: string; known_as: string | null } & (
  | { before_known_as: null }
  | { before_known_as: string; has_session: boolean; before_has_session: boolean }
);
type DivisionRow = Omit<Division, 'parentId'> & { parent_id: string | null };
type CommunityRow = Omit<Community, 'divisionId'> & { division_id: string | null };

export class PostgresSessionStore implements SessionStore {
  readonly #database: Database;
  readonly #sessionTimeoutMs: number;
  readonly erasures: PostgresErasures;

  constructor(database: Database, sessionTimeoutMs: number) {
    this.#database = database;
    this.erasures = new PostgresErasures(database);
    this.#sessionTimeoutMs = sessionTimeoutMs;
  }

  async claim({ partition, owner }: Claim): Promise<Checkpoint | undefined> {
    await this.#database.query(SQL.claimPartition, [partition, owner]);
    return await this.#checkpoint(partition);
  }

  async checkpoint(claim: Claim): Promise<Checkpoint | undefined> {
    await this.confirm([claim]);
    return await this.#checkpoint(claim.partition);
  }

  async confirm(claims: Claim[]): Promise<void> {
    const [row] = await this.#database.query<{ held: string }>(SQL.countHeldClaims, [
      column(claims, 'partition'),
      column(claims, 'owner'),
    ]);
    if (Number(row?.held) !== claims.length) throw fenced();
  }

  async applyBatch({ ranges, sessions, aliases = [], ledger, lastErasure }: Batch): Promise<Applied> {
    requireDistinct('partition', column(ranges, 'partition'));
    requireDistinct('fingerprint', column(sessions, 'fingerprint'));
    return await this.#database.transaction(async (client) => {
      const moved = await client.query(SQL.advanceCheckpoints, [
        column(ranges, 'partition'),
        column(ranges, 'firstOffset'),
        column(ranges, 'nextOffset'),
        column(ranges, 'receivedUntil'),
        column(ranges, 'owner'),
        lastErasure,
        ranges.map(({ logIdentity = null }) => logIdentity),
      ]);
      if (moved.rowCount !== ranges.length) {
        const { rows } = await client.query<{ number: string }>(SQL.lastErasure);
        throw Number(rows[0]?.number) === lastErasure ? fenced() : outdated();
      }
      if (ledger.length > 0) {
        await client.query(SQL.addToLedger, [
          column(ledger, 'hour'),
          column(ledger, 'partition'),
          column(ledger, 'name'),
          column(ledger, 'amount'),
        ]);
      }
      if (aliases.length > 0) {
        await client.query(SQL.addAliases, [column(aliases, 'visitor'), column(aliases, 'knownAs')]);
      }
      if (sessions.length === 0) return { conversions: 0 };
      const upserted = await client.query<ConvertedRow>(SQL.upsertSessions, [
        arrayText(column(sessions, 'fingerprint')),
        arrayText(sessions.map(({ sessionId }) => storable(sessionId))),
        arrayText(sessions.map(({ userId }) => (userId === null ? null : storable(userId)))),
        arrayText(column(sessions, 'firstSeen')),
        arrayText(column(sessions, 'lastSeen')),
        arrayText(column(sessions, 'pageViews')),
        arrayText(column(sessions, 'firstSignedInAt')),
        arrayText(column(sessions, 'beganAnonymous')),
        this.#sessionTimeoutMs,
        sessions.reduce((first, { firstSeen }) => Math.min(first, firstSeen), Number.MAX_SAFE_INTEGER),
      ]);
      return { conversions: conversionsOf(upserted.rows, sessions) };
    });
  }

  async #checkpoint(partition: number): Promise<Checkpoint | undefined> {
    const [row] = await this.#database.query<CheckpointRow>(SQL.readCheckpoint, [partition]);
    if (row === undefined) return undefined;
    return {
      partition,
      firstOffset: Number(row.first_offset),
      nextOffset: Number(row.next_offset),
      logIdentity: row.log_identity ?? undefined,
    };
  }

  async ledger(from: number, to: number): Promise<LedgerEntry[]> {
    const rows = await this.#database.query<LedgerRow>(SQL.readLedger, [from, to]);
    return rows.map((row) => ({ ...row, hour: Number(row.hour), amount: Number(row.amount) }));
  }

  async forgetLedgerBefore(instant: number): Promise<void> {
    await this.#database.query(SQL.forgetLedger, [instant]);
  }

  async progress(): Promise<PartitionProgress[]> {
    return await readProgress((text) => this.#database.query(text));
  }

  async withSnapshot<T>(work: (snapshot: Snapshot) => Promise<T>): Promise<T> {
    return await withSnapshot(this.#database, work);
  }

  async withLock<T>(lock: LockName, mode: 'shared' | 'exclusive', work: () => Promise<T>): Promise<T> {
    return await holdAdvisoryLock(this.#database, lock, mode, work);
  }

  async conversions(from: number, to: number, timeZone: string): Promise<ConversionSummary> {
    const [row] = await this.#database.query<SummaryRow>(SQL.summariseConversions, [from, to, timeZone]);
    return {
      conversions: Number(row?.conversions),
      anonymousSessions: Number(row?.anonymous_sessions),
      meanSecondsToConversion: Number(row?.mean_seconds),
      byDay: row?.by_day ?? [],
    };
  }

  async divisions(): Promise<Division[]> {
    const rows = await this.#database.query<DivisionRow>(SQL.listDivisions);
    return rows.map(({ parent_id, ...division }) => ({ ...division, parentId: parent_id }));
  }

  async communities(): Promise<Community[]> {
    const rows = await this.#database.query<CommunityRow>(SQL.listCommunities);
    return rows.map(({ division_id, ...community }) => ({ ...community, divisionId: division_id }));
  }

  async saveDivisions(rows: Division[]): Promise<void> {
    requireDistinct('division', column(rows, 'id'));
    await this.#database.query(SQL.saveDivisions, [
      column(rows, 'id'),
      column(rows, 'name'),
      column(rows, 'type'),
      column(rows, 'parentId'),
      column(rows, 'country'),
    ]);
  }

  async saveCommunities(rows: Community[]): Promise<void> {
    requireDistinct('community', column(rows, 'id'));
    await this.#database.query(SQL.saveCommunities, [
      column(rows, 'id'),
      column(rows, 'name'),
      column(rows, 'divisionId'),
    ]);
  }

  async hasAliases(): Promise<boolean> {
    const [row] = await this.#database.query<{ found: boolean }>(SQL.hasAliases);
    return row?.found === true;
  }

  async lookUp(names: VisitorNames[]): Promise<KnownVisitor[]> {
    const rows = await this.#database.query<KnownRow>(SQL.lookUpVisitors, [
      arrayText(column(names, 'visitor')),
      arrayText(column(names, 'before')),
    ]);
    return rows.map((row) => ({
      visitor: row.visitor,
      knownAs: row.known_as,
      either:
        row.before_known_as === null
          ? null
          : {
              hasSession: row.has_session,
              before: row.before_known_as,
              beforeHasSession: row.before_has_session,
            },
    }));
  }

  async deleteSessionsIdleSince(instant: number): Promise<number> {
    const [row] = await this.#database.query<{ pages: string }>(SQL.countSessionPages);
    const pages = Number(row?.pages);
    let total = 0;
    for (let page = 0; page < pages; page += PAGES_PER_LOOK) {
      for (let deleted = -1; deleted !== 0; total += deleted) {
        deleted = await this.#database.transaction(async (client) => {
          await client.query(SQL.reachRowsByKey);
          const { rowCount } = await client.query(SQL.deleteIdleSessions, [
            instant,
            SESSIONS_PER_DELETE,
            page,
            page + PAGES_PER_LOOK,
          ]);
          return rowCount ?? 0;
        });
      }
    }
    return total;
  }

  async visitorSalt(day: string): Promise<string> {
    const made = randomBytes(SALT_BYTES).toString('base64url');
    const [row] = await this.#database.query<{ salt: string }>(SQL.shareSalt, [day, made]);
    if (row === undefined) throw new Error('a salt that was shared is missing');
    return row.salt;
  }

  async visitorSalts(): Promise<string[]> {
    return (await this.#database.query<{ salt: string }>(SQL.listSalts)).map(({ salt }) => salt);
  }

  async destroySaltsBefore(day: string): Promise<number> {
    const destroyed = await this.#database.transaction((client) => client.query(SQL.destroySalts, [day]));
    // Rows that were deleted stay in their page until then.
    if ((destroyed.rowCount ?? 0) > 0) await this.#database.query(SQL.vacuumSalts);
    return destroyed.rowCount ?? 0;
  }

  async ping(): Promise<void> {
    await this.#database.query('select 1');
  }

  async close(): Promise<void> {
    await this.#database.close();
  }
}

function column<Row, Name extends keyof Row>(rows: readonly Row[], name: Name): Row[Name][] {
  return rows.map((row) => row[name]);
}

/** Of those who have converted by now, how many did so by what this batch says of them. */
function conversionsOf(converted: ConvertedRow[], sessions: SessionDelta[]): number {
  if (converted.length === 0) return 0;
  const instants = new Map(
    sessions.map(({ fingerprint, beganAnonymous, firstSeen, firstSignedInAt }) => [
      fingerprint,
      beganAnonymous || firstSignedInAt === null ? firstSignedInAt : firstSeen,
    ]),
  );
  return converted.filter((row) => instants.get(row.fingerprint) === Number(row.converted_at)).length;
}

function fenced(): SessionStoreError {
  return new SessionStoreError('fenced', 'somebody else counts these partitions, or has counted this range');
}

function outdated(): SessionStoreError {
  return new SessionStoreError('outdated', 'something was erased since the batch was made');
}

/** A statement would apply only one of two rows with the same key. */
function requireDistinct(what: string, keys: readonly unknown[]): void {
  if (new Set(keys).size === keys.length) return;
  throw new SessionStoreError('invalid', `the same ${what} stands twice in one call`);
}

/** What PostgreSQL would refuse (NUL, too long) must not hold up a partition of the log for ever. */
function storable(id: string): string {
  if (id.length <= MAX_ID_CHARACTERS && !id.includes('\0')) return id;
  return [...id.replaceAll('\0', '')].slice(0, MAX_ID_CHARACTERS).join('');
}
