/** What a restore leaves in `DATA_DIR` until it is complete. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../config.ts';

export const RESTORING = 'restoring';

/** @throws ConfigError where a restore is under way, or was broken off */
export function requireRestored(dataDir: string): void {
  if (!existsSync(join(dataDir, RESTORING))) return;
  throw new ConfigError(
    `DATA_DIR=${dataDir} is being restored, or a restore of it was broken off: then empty it, and restore it again`,
  );
}
