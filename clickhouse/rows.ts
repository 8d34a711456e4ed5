/** What an insert must be, checked before the engine sees it, and its text. */
import { AnalyticsStoreError, type EventRow, MAX_ROWS_PER_INSERT, type ScopePresence } from './port.ts';

/** A record and not a list, so that none can be missing. */
const COLUMN: { [Name in keyof EventRow]: Name } = {
  log_partition: 'log_partition',
  log_offset: 'log_offset',
  log_index: 'log_index',
  event_id: 'event_id',
  type: 'type',
  received_at: 'received_at',
  happened_at: 'happened_at',
  day: 'day',
  hour: 'hour',
  visitor: 'visitor',
  session_id: 'session_id',
  user_id: 'user_id',
  community_id: 'community_id',
  division_id: 'division_id',
  division_type: 'division_type',
  relation: 'relation',
  page: 'page',
  url: 'url',
  referrer: 'referrer',
  title: 'title',
  language: 'language',
  screen: 'screen',
  country: 'country',
  browser: 'browser',
  os: 'os',
  device: 'device',
};

export const COLUMNS = Object.values(COLUMN);

/** Rows in the format JSONCompactEachRow, in the order of {@link COLUMNS}. */
export function rowsText(rows: readonly EventRow[]): string {
  return rows.map((row) => JSON.stringify(COLUMNS.map((column) => row[column]))).join('\n');
}

/** @throws AnalyticsStoreError `failed` unless the rows are of one month and few enough for one block */
export function checkRows(rows: readonly EventRow[]): void {
  if (rows.length > MAX_ROWS_PER_INSERT) {
    throw new AnalyticsStoreError(
      'failed',
      `an insert of ${rows.length} rows, at most ${MAX_ROWS_PER_INSERT}`,
    );
  }
  const days = [...new Set(rows.map(({ day }) => day))];
  checkDays(days);
  const months = new Set(days.map((day) => day.slice(0, 7)));
  if (months.size > 1) {
    throw new AnalyticsStoreError('failed', `an insert of several months: ${[...months].join(', ')}`);
  }
}

/** @throws AnalyticsStoreError `failed` for what ClickHouse would read as another number: JSON has null for what is none */
export function checkPresence(online: readonly ScopePresence[]): void {
  for (const { scope, visitors } of online) {
    if (Number.isSafeInteger(visitors) && visitors >= 0 && visitors < 2 ** 32) continue;
    throw new AnalyticsStoreError('failed', `${visitors} visitors of ${JSON.stringify(scope)}: is no count`);
  }
}

/** @throws AnalyticsStoreError `failed` for what ClickHouse would read as another day: its dates end in 2149 */
export function checkDays(days: readonly string[]): void {
  for (const day of days) {
    const at = Date.parse(`${day}T00:00:00Z`);
    const valid = !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === day;
    if (!valid || day < '1970-01-01' || day > '2149-06-06') {
      throw new AnalyticsStoreError('failed', `${JSON.stringify(day)} is not a day`);
    }
  }
}
