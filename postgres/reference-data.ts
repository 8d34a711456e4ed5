/** Reads the platform's divisions and communities from CSV; one bad row and nothing is taken. */
import { CsvError, parse } from 'csv-parse/sync';
import Type, { type Static, type TSchema } from 'typebox';
import Value from 'typebox/value';
import { Uuid } from '../contract/beacon.ts';
import type { Community, Division } from './port.ts';

const Name = Type.String({ minLength: 1, maxLength: 200 });
/** An empty cell: there is none. */
const OptionalUuid = Type.Union([Type.Literal(''), Uuid]);

const DivisionRow = Type.Object({
  id: Uuid,
  name: Name,
  type: Type.String({ pattern: '^[a-z][a-z0-9_]{0,63}$' }),
  parent_id: OptionalUuid,
  country: Type.String({ pattern: '^[A-Z]{2}$' }),
});
const CommunityRow = Type.Object({ id: Uuid, name: Name, division_id: OptionalUuid });

const RULES: Record<string, string> = {
  id: 'must be a UUID',
  name: 'must have 1 to 200 characters',
  type: 'must be lower-case letters, digits and _, at most 64, such as province',
  parent_id: 'must be empty or a UUID',
  division_id: 'must be empty or a UUID',
  country: 'must be two capital letters, ISO 3166-1 alpha-2',
};

export class ReferenceDataError extends Error {
  override readonly name = 'ReferenceDataError';
  readonly code = 'invalid';
  readonly retryable = false;
  /** In the file, counted from 1; the header is line 1. */
  readonly line: number;
  readonly field: string;
  readonly rule: string;

  constructor(line: number, field: string, rule: string, options?: ErrorOptions) {
    super(`line ${line}: ${field} ${rule}`, options);
    this.line = line;
    this.field = field;
    this.rule = rule;
  }
}

interface Line<Row> {
  line: number;
  row: Row;
}

/**
 * Columns `id,name,type,parent_id,country`, in any order, under a header.
 * @param known ids of divisions that are stored already; a parent is among them or in the same file
 * @throws ReferenceDataError
 */
export function parseDivisions(csv: string, known: Iterable<string> = []): Division[] {
  const lines = readRows(csv, DivisionRow);
  const ids = new Set([...lowered(known), ...lines.map(({ row }) => row.id.toLowerCase())]);
  for (const { line, row } of lines) requireKnown(ids, line, 'parent_id', row.parent_id);
  requireTree(lines);
  return lines.map(({ row: { id, name, type, parent_id, country } }) => ({
    id: id.toLowerCase(),
    name,
    type,
    parentId: parent_id.toLowerCase() || null,
    country,
  }));
}

/**
 * Columns `id,name,division_id`, in any order, under a header.
 * @param known ids of the divisions that are stored
 * @throws ReferenceDataError
 */
export function parseCommunities(csv: string, known: Iterable<string>): Community[] {
  const lines = readRows(csv, CommunityRow);
  const ids = lowered(known);
  for (const { line, row } of lines) requireKnown(ids, line, 'division_id', row.division_id);
  return lines.map(({ row: { id, name, division_id } }) => ({
    id: id.toLowerCase(),
    name,
    divisionId: division_id.toLowerCase() || null,
  }));
}

function readRows<Schema extends TSchema & { properties: Record<string, TSchema> }>(
  csv: string,
  schema: Schema,
): Line<Static<Schema>>[] {
  const columns = Object.keys(schema.properties);
  const seen = new Set<string>();
  return records(csv, columns).map(({ line, row }) => {
    if (!Value.Check(schema, row)) {
      const field = columns.find((name) => !Value.Check(schema.properties[name] ?? Type.Never(), row[name]));
      throw new ReferenceDataError(line, field ?? 'row', RULES[field ?? ''] ?? 'is not valid');
    }
    const id = String(row.id).toLowerCase();
    if (seen.has(id)) throw new ReferenceDataError(line, 'id', 'must not stand in the file twice');
    seen.add(id);
    return { line, row };
  });
}

function records(csv: string, columns: readonly string[]): Line<Record<string, string>>[] {
  let hasHeader = false;
  try {
    const parsed = parse<{ record: Record<string, string>; info: { lines: number } }>(csv, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      info: true,
      columns: (header: string[]) => {
        hasHeader = true;
        for (const name of columns) {
          if (!header.includes(name)) throw new ReferenceDataError(1, name, 'must be a column of the header');
        }
        for (const name of header) {
          if (!columns.includes(name))
            throw new ReferenceDataError(1, name || 'column', 'is not a known column');
        }
        return header;
      },
    });
    if (!hasHeader) throw new ReferenceDataError(1, 'row', `must be the header ${columns.join(',')}`);
    return parsed.map(({ record, info }) => ({ line: info.lines, row: record }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const line = typeof error.lines === 'number' ? error.lines : 1;
    throw new ReferenceDataError(line, 'row', `is not CSV: ${error.message}`, { cause: error });
  }
}

function requireKnown(ids: ReadonlySet<string>, line: number, field: string, id: string): void {
  if (id === '' || ids.has(id.toLowerCase())) return;
  throw new ReferenceDataError(line, field, `must name a division that is stored or in the file, not ${id}`);
}

/** Whoever walks up from a division arrives. */
function requireTree(lines: readonly Line<Static<typeof DivisionRow>>[]): void {
  const parents = new Map(lines.map(({ row }) => [row.id.toLowerCase(), row.parent_id.toLowerCase()]));
  const rooted = new Set<string>();
  for (const { line, row } of lines) {
    const path = new Set<string>();
    for (let id = row.id.toLowerCase(); id !== '' && !rooted.has(id); id = parents.get(id) ?? '') {
      if (path.has(id))
        throw new ReferenceDataError(line, 'parent_id', 'must not lead back to the division itself');
      path.add(id);
    }
    for (const id of path) rooted.add(id);
  }
}

function lowered(ids: Iterable<string>): Set<string> {
  return new Set([...ids].map((id) => id.toLowerCase()));
}
