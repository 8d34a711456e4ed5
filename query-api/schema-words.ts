/** A schema in words, without its structure: `integer, at least 1, default 10`. */
import type { TSchema } from 'typebox';

const LIMITS = [
  ['minimum', (n: number) => `at least ${n}`],
  ['maximum', (n: number) => `at most ${n}`],
  ['minLength', (n: number) => `at least ${n} characters`],
  ['maxLength', (n: number) => `at most ${n} characters`],
] as const;

export function rule(schema: TSchema): string {
  const words: string[] = [];
  const choices: unknown = Reflect.get(schema, 'enum');
  const either: unknown = Reflect.get(schema, 'anyOf');
  const said: unknown = Reflect.get(schema, 'description');
  const type: unknown = Reflect.get(schema, 'type');
  if (Array.isArray(choices)) words.push(`one of ${choices.join(', ')}`);
  else if (Array.isArray(either)) words.push([...new Set(either.map((each) => rule(each)))].join(' or '));
  else if (typeof type === 'string') words.push(type);
  if (typeof said === 'string') words.push(said);
  for (const name of ['pattern', 'format']) {
    const form: unknown = Reflect.get(schema, name);
    if (typeof form === 'string') words.push(`${name} ${form}`);
  }
  for (const [name, inWords] of LIMITS) {
    const limit: unknown = Reflect.get(schema, name);
    if (typeof limit === 'number') words.push(inWords(limit));
  }
  const assumed: unknown = Reflect.get(schema, 'default');
  if (assumed !== undefined) words.push(`default ${String(assumed)}`);
  return words.join(', ');
}
