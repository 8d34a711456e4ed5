/** Query string to typed parameters, by the schemas of `contract/query.ts`. */
import Type, { type Static, type TObject } from 'typebox';
import Value from 'typebox/value';
import { invalidParameter } from './errors.ts';

/** Every value that was given for a name, as in `?a=1&a=2`. */
export type GivenParameters = Readonly<Record<string, readonly string[]>>;

/**
 * A name that the schema does not know is refused: with `start` instead of `start_date` the numbers would be of other days than were meant.
 * @throws ApiError `invalid_parameter` naming the field and the rule
 */
export function parseParameters<P extends TObject>(schema: P, given: GivenParameters): Static<P> {
  const known = Object.keys(schema.properties);
  const unknown = Object.keys(given).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const instead = known.length === 0 ? 'there are no parameters here' : `known are ${known.join(', ')}`;
    throw invalidParameter(unknown, 'unknown', `must not be given: ${instead}`);
  }
  const named: Record<string, unknown> = {};
  for (const [field, property] of Object.entries(schema.properties)) {
    const values = Object.hasOwn(given, field) ? given[field] : undefined;
    const [value, ...more] = values ?? [];
    if (value === undefined) continue;
    if (more.length > 0) throw invalidParameter(field, 'single_value', 'must be given once');
    // Not Value.Convert: it takes 1.5, 0x10 and the empty string for integers.
    named[field] = Type.IsInteger(property) && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
  }
  const parameters = Value.Default(schema, named);
  if (Value.Check(schema, parameters)) return parameters;

  const [first] = Value.Errors(schema, parameters);
  if (first === undefined) throw new Error('a schema refused parameters without saying why');
  const field =
    first.keyword === 'required' ? first.params.requiredProperties.join(', ') : first.instancePath.slice(1);
  throw invalidParameter(
    field,
    first.keyword,
    inWords(first.keyword, first.params, schema.properties[field]) ?? first.message,
  );
}

function inWords(keyword: string, params: object, property: unknown): string | undefined {
  if (keyword === 'enum' && 'allowedValues' in params && Array.isArray(params.allowedValues)) {
    return `must be one of ${params.allowedValues.join(', ')}`;
  }
  if (
    keyword === 'pattern' &&
    typeof property === 'object' &&
    property !== null &&
    'description' in property
  ) {
    return `must be a ${property.description}`;
  }
  return undefined;
}
