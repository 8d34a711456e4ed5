/** What an insert must be, checked before the engine sees it, and its text. */
import { AnalyticsStoreError, type EventRow, MAX_ROWS_PER_INSERT, type ScopePresence } from './port.ts';

/** A record and not a list, so that none can be missing; functions and not names, since each of these reads one place of all rows. */
const COLUMN: { [Name in keyof EventRow]: (row: EventRow) => EventRow[Name] } = {
  log_partition: (row) => row.log_partition,
  log_offset: (row) => row.log_offset,
  log_index: (row) => row.log_index,
  event_id: (row) => row.event_id,
  type: (row) => row.type,
  received_at: (row) => row.received_at,
  happened_at: (row) => row.happened_at,
  day: (row) => row.day,
  hour: (row) => row.hour,
  visitor: (row) => row.visitor,
  session_id: (row) => row.session_id,
  user_id: (row) => row.user_id,
  community_id: (row) => row.community_id,
  division_id: (row) => row.division_id,
  division_type: (row) => row.division_type,
  relation: (row) => row.relation,
  page: (row) => row.page,
  url: (row) => row.url,
  referrer: (row) => row.referrer,
  title: (row) => row.title,
  language: (row) => row.language,
  screen: (row) => row.screen,
  country: (row) => row.country,
  browser: (row) => row.browser,
  os: (row) => row.os,
  device: (row) => row.device,
};

export const COLUMNS = Object.keys(COLUMN);

/**
 * Rows in the format JSONCompactColumns, in the order of {@link COLUMNS}: written and read a column at a time. In pieces, since the whole
 * has megabytes: whoever makes one text of them does so once.
 */
export function columnsText(rows: readonly EventRow[]): string[] {
  const columns = Object.values(COLUMN).map((read) => JSON.stringify(rows.map((row) => read(row))));
  return ['[', ...columns.flatMap((column, n) => (n === 0 ? [column] : [',', column])), ']'];
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
