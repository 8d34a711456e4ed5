/** Statements of `queries/NAME.sql`, and the rows they answer. */
import { readFileSync } from 'node:fs';
import type { ClickHouseClient } from '@clickhouse/client';
import { bind } from './bind.ts';
import { AnalyticsStoreError } from './port.ts';

type Columns = Record<string, unknown[]>;

const texts = new Map<string, string>();

/** Runs `queries/NAME.sql`. `Row` is what its SELECT answers: strings and numbers, the latter checked to be exact. */
export async function selectNamed<Row>(
  client: ClickHouseClient,
  name: string,
  params: object,
): Promise<Row[]> {
  return select<Row>(client, statementText(name), params);
}

export async function select<Row>(
  client: ClickHouseClient,
  query: string,
  params: object = {},
): Promise<Row[]> {
  const result = await client.query({
    query,
    // Of the formats that JSON.parse takes at once, the one with the least to parse.
    format: 'JSONColumnsWithMetadata',
    clickhouse_settings: { ...bind(params), output_format_json_quote_64bit_integers: 0 },
  });
  const { data }: { data: Columns } = JSON.parse(await result.text());
  return rowsOf<Row>(data);
}

/** The same as {@link selectNamed} as one Arrow IPC stream. */
export async function selectArrow(client: ClickHouseClient, name: string, params: object): Promise<Buffer> {
  const { stream } = await client.exec({
    query: `${statementText(name)}\nFORMAT ArrowStream`,
    clickhouse_settings: bind(params),
  });
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

function statementText(name: string): string {
  const known = texts.get(name);
  if (known !== undefined) return known;
  const text = readFileSync(new URL(`./queries/${name}.sql`, import.meta.url), 'utf8').trim();
  texts.set(name, text);
  return text;
}

function rowsOf<Row>(columns: Columns): Row[] {
  const names = Object.keys(columns);
  for (const name of names) checkValues(name, columns[name]);
  const [first = []] = Object.values(columns);
  return first.map((_, n) => {
    const row: Record<string, unknown> = {};
    for (const name of names) row[name] = columns[name]?.[n];
    return row as Row;
  });
}

function checkValues(column: string, values: readonly unknown[] = []): void {
  for (const value of values) {
    if (typeof value === 'string' || Number.isSafeInteger(value)) continue;
    throw new AnalyticsStoreError('failed', `column ${column} is neither text nor an exact integer`);
  }
}
