/** Whether there is an installation: where there is none, commands that look at one would make it, and say that all is well. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type Config, ConfigError } from '../config.ts';
import { requireRestored } from './restoring.ts';
import { SECRETS_FILE } from './secrets.ts';

/** @throws ConfigError where the stores are in `DATA_DIR`, and nothing has been started there */
export function requireStores({ sessionsUrl, dataDir }: Pick<Config, 'sessionsUrl' | 'dataDir'>): void {
  if (sessionsUrl.startsWith('embedded-postgres:')) requireThere(dataDir, 'postgres');
}

/** @throws ConfigError where tokens are signed with the secret in `DATA_DIR`, and there is none */
export function requireSecret({ jwtSecret, dataDir }: Pick<Config, 'jwtSecret' | 'dataDir'>): void {
  if (jwtSecret === '') requireThere(dataDir, SECRETS_FILE);
}

function requireThere(dataDir: string, name: string): void {
  requireRestored(dataDir);
  if (existsSync(join(dataDir, name))) return;
  throw new ConfigError(`DATA_DIR=${dataDir}: there is no installation, or it has not been started yet`);
}
