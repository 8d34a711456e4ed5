/** From what ClickHouse or the transport throws to {@link AnalyticsStoreError}, by code, never by message. */
import { certificateFault } from '../trust.ts';
import { AnalyticsStoreError } from './port.ts';

/** ClickHouse's codes for "not now": a limit of time or memory, too much at once, no disk, no network. */
const NOT_NOW = new Set([159, 160, 202, 203, 209, 210, 241, 242, 243, 252, 279, 394, 425, 439, 999]);

/** Codes that an insert of one block can only end with before its rows are written: text that does not parse. */
const REFUSED = new Set([6, 16, 25, 26, 27, 38, 41, 62, 72, 117, 376, 691]);

/** Codes of a connection that was never made, so that no statement left. */
const NOT_SENT = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN']);

/** For statements that may be repeated. */
export function storeError(error: unknown): AnalyticsStoreError {
  if (error instanceof AnalyticsStoreError) return error;
  const code = engineCode(error);
  const failed = code !== undefined && !NOT_NOW.has(code);
  return new AnalyticsStoreError(failed ? 'failed' : 'unavailable', text(error), { cause: error });
}

/** For inserts: whatever does not prove that nothing was written is unclear. */
export function insertError(error: unknown): AnalyticsStoreError {
  if (error instanceof AnalyticsStoreError) return error;
  const code = engineCode(error);
  if (code !== undefined && REFUSED.has(code)) {
    return new AnalyticsStoreError('failed', text(error), { cause: error });
  }
  return new AnalyticsStoreError(wasSent(error) ? 'unclear' : 'unavailable', text(error), { cause: error });
}

/** ClickHouse's number of an error. The transports bring classes of their own, so the shape decides. */
function engineCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' && /^\d+$/.test(error.code) ? Number(error.code) : undefined;
}

function wasSent(error: unknown): boolean {
  return !(error instanceof Error && 'code' in error && NOT_SENT.has(String(error.code)));
}

/** Some errors of connections have no message, but then a code. */
function text(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const refused = certificateFault(error);
  if (refused !== undefined) return refused;
  if (error.message !== '') return error.message;
  return 'code' in error ? String(error.code) : error.name;
}
