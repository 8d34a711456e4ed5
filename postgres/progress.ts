/** How far each partition has been counted, whoever asks on which connection. */
import type { PartitionProgress } from './port.ts';
import { sql } from './sql.ts';

/** PostgreSQL's bigint and numeric arrive as text. */
interface ProgressRow {
  partition: number;
  next_offset: string;
  received_until: string | null;
  log_identity: string | null;
}

const READ_PROGRESS = sql('read_progress');

export async function readProgress(
  query: (text: string) => Promise<ProgressRow[]>,
): Promise<PartitionProgress[]> {
  const rows = await query(READ_PROGRESS);
  return rows.map(({ partition, next_offset, received_until, log_identity }) => ({
    partition,
    nextOffset: Number(next_offset),
    receivedUntil: received_until === null ? null : Number(received_until),
    logIdentity: log_identity ?? undefined,
  }));
}
