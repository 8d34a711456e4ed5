/**
 * PostgreSQL's text of an array. The driver's own looks at each element as if it were anything, which takes a third of a core at
 * 25,000 sessions a second. Where JSON escapes nothing it has the same text, but for the brackets, and writes it at once.
 *
 * @param values numbers are finite
 */
export function arrayText(values: readonly (string | number | boolean | null)[]): string {
  const json = JSON.stringify(values);
  return `{${json.includes('\\') ? values.map(elementText).join(',') : json.slice(1, -1)}}`;
}

function elementText(value: string | number | boolean | null): string {
  if (value === null) return 'NULL';
  if (typeof value !== 'string') return String(value);
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}
