// Whether `dist/` has to be made. Every process asks this, so it loads nothing of what makes it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));
export const DIST = join(ROOT, 'dist');
/** Names of all that it was made of. */
export const INPUTS = join(DIST, 'inputs.json');

/** Whether `dist/` is younger than all that it was made of. */
export function isFresh() {
  if (!existsSync(INPUTS)) return false;
  const made = statSync(INPUTS).mtimeMs;
  const inputs = JSON.parse(readFileSync(INPUTS, 'utf8'));
  return inputs.every(
    (input) => existsSync(join(ROOT, input)) && statSync(join(ROOT, input)).mtimeMs <= made,
  );
}
