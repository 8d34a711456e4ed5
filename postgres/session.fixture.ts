/** Visitors, what batches say of them, and what the table then says. */
import { randomBytes } from 'node:crypto';
import type { Pool } from 'pg';
import type { Applied, OffsetRange, SessionDelta, SessionStore } from './port.ts';

const EPOCH = Date.UTC(2025, 0, 1);
const MINUTE = 60_000;

/** What the parts of the conformance suite share. */
export interface ConformanceSetting {
  store: SessionStore;
  database: Pool;
  /** Of a partition that no other test uses. */
  nextRange: () => OffsetRange;
  sessionTimeoutMs: number;
}

export function checkpoint(
  store: SessionStore,
  { partition }: OffsetRange,
): Promise<OffsetRange | undefined> {
  return store.claim({ partition, owner: 'test' });
}

/** Claims the partitions of these ranges and counts them. */
export async function count(
  store: SessionStore,
  ranges: OffsetRange[],
  sessions: SessionDelta[] = [],
  owner = 'test',
): Promise<Applied> {
  for (const { partition } of ranges) await store.claim({ partition, owner });
  const counted = ranges.map((range) => ({ ...range, owner, receivedUntil: null }));
  const { last: lastErasure } = await store.erasures.known();
  return await store.applyBatch({ ranges: counted, sessions, ledger: [], lastErasure });
}

/** Minutes after an arbitrary instant. */
export function at(minutes: number): number {
  return EPOCH + minutes * MINUTE;
}

export function visitor(): string {
  return randomBytes(32).toString('hex');
}

/** One anonymous page view at a minute, unless `says` differs. */
export function delta(fingerprint: string, minute: number, says: Partial<SessionDelta> = {}): SessionDelta {
  return {
    fingerprint,
    firstSeen: at(minute),
    lastSeen: says.firstSeen ?? at(minute),
    pageViews: 1,
    sessionId: '',
    userId: null,
    firstSignedInAt: null,
    beganAnonymous: true,
    ...says,
  };
}

export interface Session {
  fingerprint: string;
  sessionId: string;
  userId: string | null;
  firstSeen: number;
  lastSeen: number;
  pageViews: number;
  convertedAt: number | null;
}

type Row = {
  session_id: string;
  user_id: string | null;
  first_seen: Date;
  last_seen: Date;
  page_views: string;
  converted_at: Date | null;
};

export async function readSession(database: Pool, fingerprint: string): Promise<Session | undefined> {
  const { rows } = await database.query<Row>('select * from anonymous_session where fingerprint = $1', [
    fingerprint,
  ]);
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    fingerprint,
    sessionId: row.session_id,
    userId: row.user_id,
    firstSeen: row.first_seen.getTime(),
    lastSeen: row.last_seen.getTime(),
    pageViews: Number(row.page_views),
    convertedAt: row.converted_at?.getTime() ?? null,
  };
}
