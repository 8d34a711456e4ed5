/**
 * Results as an Arrow IPC stream: the same numbers as the JSON, in columns. The library is loaded when the first one is wanted:
 * it takes 20 MiB.
 */

export const ARROW_TYPE = 'application/vnd.apache.arrow.stream';

export interface Rows {
  /** The column that says what a row is of: Utf8. */
  text: string;
  /** Whole numbers: Int64. */
  counts: readonly string[];
  rows: readonly Readonly<Record<string, string | number>>[];
}

export async function arrowStream({ text, counts, rows }: Rows): Promise<Uint8Array<ArrayBuffer>> {
  const { Int64, Table, tableToIPC, Utf8, vectorFromArray } = await import('apache-arrow');
  const int64 = (values: bigint[]) => vectorFromArray(values, new Int64());
  const texts = rows.map((row) => `${row[text]}`);
  const table = new Table({
    [text]: vectorFromArray(texts, new Utf8()),
    ...Object.fromEntries(counts.map((name) => [name, int64(rows.map((row) => BigInt(row[name] ?? 0)))])),
  });
  return new Uint8Array(tableToIPC(table, 'stream'));
}
