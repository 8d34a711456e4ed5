/** Names for what the stores hold as ids and codes. */

/** Reference data changes by hand, now and then. */
const KEEP_MS = 60_000;

const names = new Intl.Collator('en');
const regions = new Intl.DisplayNames('en', { type: 'region' });

interface Named {
  id: string;
  name: string;
}

/** English name of an ISO 3166-1 alpha-2 code; the text itself where it is none. */
export function countryName(code: string): string {
  return /^[A-Za-z]{2}$/.test(code) ? (regions.of(code.toUpperCase()) ?? code) : code;
}

/** A list of the session store by id, in the order of names, read again when it is older than a minute. */
export function directory<Row extends Named>(
  read: () => Promise<Row[]>,
  now: () => number,
): () => Promise<ReadonlyMap<string, Row>> {
  let known: ReadonlyMap<string, Row> = new Map();
  let readAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (now() - readAt < KEEP_MS) return known;
    const rows = await read();
    known = new Map(rows.toSorted(byName).map((row) => [row.id.toLowerCase(), row]));
    readAt = now();
    return known;
  };
}

/** The first `limit` whose name has `search` in it, in whatever case. */
export function search<Row extends Named>(
  rows: Iterable<Row>,
  { search = '', limit = 200 }: { search?: string; limit?: number },
): Row[] {
  const sought = folded(search);
  const found: Row[] = [];
  for (const row of rows) {
    if (found.length === limit) break;
    if (folded(row.name).includes(sought)) found.push(row);
  }
  return found;
}

const folded = (text: string) => text.normalize('NFC').toLowerCase();

function byName(a: Named, b: Named): number {
  return names.compare(a.name, b.name) || (a.id < b.id ? -1 : 1);
}
