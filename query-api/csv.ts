/**
 * Lines of CSV (RFC 4180) that a spreadsheet opens without running anything.
 *
 * A text that begins like a formula is one to a spreadsheet, also in quotes, and texts may come from visitors. It gets an
 * apostrophe before it, as OWASP advises, which makes it a text. Numbers stay numbers, whatever their sign.
 */

/** And what spreadsheets take for these: their wide forms, and blanks before them. */
const FORMULA = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/u;
const TO_BE_QUOTED = /[",\r\n]/;

export function csvLine(cells: readonly (string | number)[]): string {
  return `${cells.map(cell).join(',')}\n`;
}

function cell(value: string | number): string {
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return TO_BE_QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
