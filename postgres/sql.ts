/** Reads the statements of `sql/` by name. */
import { readFileSync } from 'node:fs';

/** Text of `sql/NAME.sql`; meant for module constants, so that a missing file shows at start. */
export function sql(name: string): string {
  return readFileSync(new URL(`./sql/${name}.sql`, import.meta.url), 'utf8').trim();
}
