/** Names for what the stores hold as ids and codes. */

/** Reference data changes by hand, now and then. */
const KEEP_MS = 60_000;

const regions = new Intl.DisplayNames('en', { type: 'region' });

/** English name of an ISO 3166-1 alpha-2 code; the text itself where it is none. */
export function countryName(code: string): string {
  return /^[A-Za-z]{2}$/.test(code) ? (regions.of(code.toUpperCase()) ?? code) : code;
}

/** A list of the session store by id, read again when it is older than a minute. */
export function directory<Row extends { id: string }>(
  read: () => Promise<Row[]>,
  now: () => number,
): () => Promise<ReadonlyMap<string, Row>> {
  let known: ReadonlyMap<string, Row> = new Map();
  let readAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (now() - readAt < KEEP_MS) return known;
    const rows = await read();
    known = new Map(rows.map((row) => [row.id.toLowerCase(), row]));
    readAt = now();
    return known;
  };
}
