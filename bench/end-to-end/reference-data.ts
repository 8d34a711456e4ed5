/** Divisions and communities, so that what is sent can name some that there are. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Installation } from '../../integrity/installation.ts';

/** Answers their ids. */
export async function loadReferenceData(
  installation: Pick<Installation, 'run'>,
  kind: 'divisions' | 'communities',
): Promise<string[]> {
  const file = fileURLToPath(new URL(`../../postgres/reference/canada-${kind}.csv`, import.meta.url));
  const { code, output } = await installation.run(kind, file);
  if (code !== 0) throw new Error(output);
  const [, ...rows] = readFileSync(file, 'utf8').trim().split('\n');
  return rows.map((row) => row.split(',', 1)[0] ?? '');
}
