/** Tokens that this installation's query API takes, from its own secret. */
import type { Config } from '../config.ts';
import { signToken, type TokenOptions } from '../query-api/auth.ts';
import { readSecrets } from './secrets.ts';

type Keys = Pick<Config, 'dataDir' | 'jwtSecret' | 'fingerprintSecret' | 'jwtAudience' | 'jwtIssuer'>;

/** @throws ConfigError where the secret cannot be read */
export function ownToken(config: Keys, claims: TokenOptions): Promise<string> {
  const scope = { audience: config.jwtAudience, issuer: config.jwtIssuer };
  return signToken({ ...claims, ...scope }, readSecrets(config).jwtSecret);
}
