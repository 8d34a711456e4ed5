/** Both APIs as a page of Markdown, made of what stands beside the routes and of the contract: `docs/api.md`. */
import type { TSchema } from 'typebox';
import { Beacon } from '../contract/beacon.ts';
import { type DropReason, REJECT_REASONS, REJECT_STATUS, type RejectReason } from '../contract/outcome.ts';
import type { Endpoint } from './endpoint.ts';
import { parametersOf } from './openapi.ts';
import { rule } from './schema-words.ts';

const WHO = {
  public: 'everybody',
  staff_or_moderator: 'staff and moderators',
  staff: 'staff',
} satisfies Record<Endpoint['access'], string>;

const REFUSED = {
  malformed_json: 'the body is no JSON in UTF-8',
  invalid_beacon: 'a beacon breaks a rule: `field`, `rule`, and `index`, its place in the array from 0',
  invalid_batch: 'the array is empty, or longer than it may be',
  body_too_large: 'the body is larger than 64 KiB',
  unsupported_media_type: 'another `Content-Type`, or none',
  rate_limited: 'more beacons a minute from one address than `INGEST_RATE_LIMIT`',
  log_unavailable: 'the log takes no beacons now; of an array some may have been taken',
  overloaded: 'more beacons come than can be taken',
  salt_unavailable: 'with `VISITOR_SALT=daily`: the salt of the day is not known yet',
} satisfies Record<RejectReason, string>;

const DROPPED = {
  bot: 'the `User-Agent` is that of a bot, or of a program such as curl',
  prefetch: 'a header says that the page is fetched or shown in advance',
  do_not_track: '`DNT: 1`, while `RESPECT_DNT` is true',
  global_privacy_control: '`Sec-GPC: 1`, while `RESPECT_DNT` is true',
} satisfies Record<DropReason, string>;

export function beaconTable(): string {
  return table(['field', 'what'], fieldsOf(Beacon, ''));
}

/** What `X-Footfall` says, by status. */
export function outcomeTable(): string {
  return table(
    ['status', '`X-Footfall`', 'when'],
    [
      ['202', '`accepted`', 'every beacon is on disk, and will be counted'],
      ...Object.entries(DROPPED).map(([reason, when]) => ['202', `\`${reason}\``, `not counted: ${when}`]),
      ...REJECT_REASONS.map((reason) => [
        String(REJECT_STATUS[reason]),
        `\`${reason}\``,
        `refused: ${REFUSED[reason]}`,
      ]),
    ],
  );
}

export function apiDocument(endpoints: readonly Endpoint[], basePath: string, head: string): string {
  return `${[head.trim(), ...endpoints.map((endpoint) => section(endpoint, basePath))].join('\n\n')}\n`;
}

function section(endpoint: Endpoint, basePath: string): string {
  const { method, path, summary, access, answers } = endpoint;
  const answered = method === 'delete' ? 'Answers 202 with' : 'Answers';
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
    ...Object.entries(answers).map(([type, schema]) => answerOf(answered, type, schema)),
  ].join('\n\n');
}

function answerOf(answered: string, type: string, schema: TSchema | null): string {
  const fields = schema === null ? [] : fieldsOf(schema, '');
  if (fields.length === 0) return `${answered} \`${type}\`.`;
  return `${answered} \`${type}\`:\n\n${table(['field', 'what'], fields)}`;
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
