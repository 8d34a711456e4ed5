/** The query API as a page of Markdown, made of what stands beside the routes: `docs/api.md`. */
import type { TSchema } from 'typebox';
import type { Endpoint } from './endpoint.ts';
import { parametersOf } from './openapi.ts';
import { rule } from './schema-words.ts';

const WHO = {
  public: 'everybody',
  staff_or_moderator: 'staff and moderators',
  staff: 'staff',
} satisfies Record<Endpoint['access'], string>;

export function apiDocument(endpoints: readonly Endpoint[], basePath: string, head: string): string {
  return `${[head.trim(), ...endpoints.map((endpoint) => section(endpoint, basePath))].join('\n\n')}\n`;
}

function section(endpoint: Endpoint, basePath: string): string {
  const { method, path, summary, access, answers } = endpoint;
  const parameters = parametersOf(endpoint);
  return [
    `### \`${method.toUpperCase()} ${basePath}${path}\``,
    `${summary}. For ${WHO[access]}.`,
    ...(parameters.length === 0
      ? []
      : [
          table(
            ['parameter', 'in', 'rule'],
            parameters.map(({ name, in: where, required, schema }) => [
              `\`${name}\``,
              required && where === 'query' ? `${where}, required` : where,
              rule(schema),
            ]),
          ),
        ]),
    ...Object.entries(answers).map(([type, schema]) => answerOf(type, schema)),
  ].join('\n\n');
}

function answerOf(type: string, schema: TSchema | null): string {
  const fields = schema === null ? [] : fieldsOf(schema, '');
  if (fields.length === 0) return `Answers \`${type}\`.`;
  return `Answers \`${type}\`:\n\n${table(['field', 'what'], fields)}`;
}

/** A row a field, those of what is inside after it: `hours[].dropped`. */
function fieldsOf(schema: TSchema, path: string): string[][] {
  const inner = property(schema, 'items');
  if (inner !== undefined) return fieldsOf(inner, `${path}[]`);
  const properties = property(schema, 'properties');
  if (properties === undefined) return [];
  const always = 'required' in schema && Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(properties).flatMap(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`;
    const what = always.includes(name) ? rule(value) : `${rule(value)}; may be missing`;
    return [[`\`${at}\``, what], ...fieldsOf(value, at)];
  });
}

function property(schema: TSchema, name: string): TSchema | undefined {
  const value: unknown = Reflect.get(schema, name);
  return typeof value === 'object' && value !== null ? value : undefined;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
