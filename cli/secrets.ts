/** The two secrets of an installation: from the environment, else made at the first start and kept in `DATA_DIR`. */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { type Config, ConfigError } from '../config.ts';
import { requireRestored } from './restoring.ts';

const Secrets = Type.Object({
  jwtSecret: Type.String({ minLength: 32, description: 'signs and verifies tokens' }),
  fingerprintSecret: Type.String({
    minLength: 32,
    description: 'hashes fingerprints: with another one every visitor is new',
  }),
});
export type Secrets = Static<typeof Secrets>;

export const SECRETS_FILE = 'secrets.json';

/** @throws ConfigError when the file is there and cannot be used */
export function readSecrets(config: Pick<Config, 'dataDir' | 'jwtSecret' | 'fingerprintSecret'>): Secrets {
  const given = { jwtSecret: config.jwtSecret, fingerprintSecret: config.fingerprintSecret };
  if (given.jwtSecret !== '' && given.fingerprintSecret !== '') return given;
  const kept = keptSecrets(config.dataDir);
  return {
    jwtSecret: given.jwtSecret || kept.jwtSecret,
    fingerprintSecret: given.fingerprintSecret || kept.fingerprintSecret,
  };
}

/**
 * What fingerprints are hashed with, then what they were until lately, where that is known.
 *
 * @throws ConfigError as {@link readSecrets}, and when the two are the same
 */
export function fingerprintSecrets(
  config: Pick<Config, 'dataDir' | 'jwtSecret' | 'fingerprintSecret' | 'previousFingerprintSecret'>,
): [current: string] | [current: string, previous: string] {
  const { fingerprintSecret } = readSecrets(config);
  const { previousFingerprintSecret } = config;
  if (previousFingerprintSecret === undefined) return [fingerprintSecret];
  if (previousFingerprintSecret === fingerprintSecret)
    throw new ConfigError('FINGERPRINT_SECRET_PREVIOUS: is what FINGERPRINT_SECRET is now');
  return [fingerprintSecret, previousFingerprintSecret];
}

function keptSecrets(dataDir: string): Secrets {
  requireRestored(dataDir);
  const file = join(dataDir, SECRETS_FILE);
  mkdirSync(dataDir, { recursive: true });
  const made = JSON.stringify({ jwtSecret: random(), fingerprintSecret: random() }, undefined, 2);
  if (!existsSync(file)) {
    // Of processes that start at once, one links its whole file to the name, and all read that.
    const draft = `${file}.${randomUUID()}`;
    writeFileSync(draft, `${made}\n`, { mode: 0o600 });
    try {
      linkSync(draft, file);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    } finally {
      unlinkSync(draft);
    }
  }
  try {
    return Value.Parse(Secrets, JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    throw new ConfigError(
      `${file} is not what Footfall wrote there; restore it, or set JWT_SECRET and FINGERPRINT_SECRET`,
      {
        cause,
      },
    );
  }
}

function random(): string {
  return randomBytes(32).toString('base64url');
}
