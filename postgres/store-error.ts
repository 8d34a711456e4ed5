/** One table from what PostgreSQL, the driver or the network says to what a caller of the session store may do. */
import pg from 'pg';
import { certificateFault } from '../trust.ts';
import { SessionStoreError } from './port.ts';

type Code = SessionStoreError['code'];

/** SQLSTATEs, https://www.postgresql.org/docs/current/errcodes-appendix.html; a class is its first two characters. */
const LOCK_NOT_AVAILABLE = '55P03';
const BY_STATE: Record<string, Code> = {
  [LOCK_NOT_AVAILABLE]: 'conflict',
  '23505': 'conflict', // unique_violation: another instance inserted the same key first
  '57P01': 'unavailable', // admin_shutdown
  '57P02': 'unavailable', // crash_shutdown
  '57P03': 'unavailable', // cannot_connect_now: starting up or shutting down
  '57P05': 'unavailable', // idle_session_timeout
  '57014': 'unavailable', // query_canceled: it took longer than the statement timeout
  '25006': 'unavailable', // read_only_sql_transaction: the writer has moved
  '25P03': 'unavailable', // idle_in_transaction_session_timeout
};
const BY_CLASS: Record<string, Code> = {
  '08': 'unavailable', // connection exception
  '40': 'conflict', // serialization failure, deadlock
  '53': 'unavailable', // insufficient resources: disk full, too many connections
  '58': 'unavailable', // system error outside PostgreSQL
  '22': 'invalid', // data exception
  '23': 'invalid', // integrity constraint violation
};

/** The files of an embedded server: trying again does not help. */
const BY_ERRNO: Record<string, Code> = {
  EACCES: 'failed',
  EPERM: 'failed',
  EROFS: 'failed',
  ENOTDIR: 'failed',
};

export function toStoreError(error: unknown): SessionStoreError {
  if (error instanceof SessionStoreError) return error;
  return new SessionStoreError(codeOf(error), messageOf(error), { cause: error });
}

export function isLockTimeout(error: unknown): boolean {
  return (
    error instanceof SessionStoreError &&
    error.cause instanceof pg.DatabaseError &&
    error.cause.code === LOCK_NOT_AVAILABLE
  );
}

/** Where every address of a host refuses there is one error of many, which says nothing itself. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return certificateFault(error) ?? (error instanceof Error ? error.message : String(error));
}

function codeOf(error: unknown): Code {
  if (error instanceof pg.DatabaseError) {
    const state = error.code ?? '';
    return BY_STATE[state] ?? BY_CLASS[state.slice(0, 2)] ?? 'failed';
  }
  const isOurMistake =
    error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
  const errno = error instanceof Error && 'code' in error ? String(error.code) : '';
  const known = BY_ERRNO[errno];
  if (known !== undefined) return known;
  // The driver reports a lost connection as a bare Error without a code; all that the server says is a DatabaseError.
  return error instanceof Error && !isOurMistake ? 'unavailable' : 'failed';
}
