/** The two secrets of an installation: from the environment, else made at the first start and kept in `DATA_DIR`. */
import { randomBytes, randomUUID } from 'node:crypto';
import { existsSync, linkSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { type Config, ConfigError, MIN_KEY_BYTES } from '../config.ts';
import { makeDataDir, writeInDataDir } from './data-dir.ts';
import { requireRestored } from './restoring.ts';

const Secret = (description: string) => Type.String({ minLength: MIN_KEY_BYTES, description });
const Secrets = Type.Object({
  jwtSecret: Secret('signs and verifies tokens'),
  fingerprintSecret: Secret('hashes fingerprints: with another one every visitor is new'),
});
export type Secrets = Static<typeof Secrets>;
/** One may be missing that the environment has: it may have been removed because it was seen. */
const KeptSecrets = Type.Partial(Secrets);
type KeptSecrets = Static<typeof KeptSecrets>;

const VARIABLES = { jwtSecret: 'JWT_SECRET', fingerprintSecret: 'FINGERPRINT_SECRET' } as const;

export const SECRETS_FILE = 'secrets.json';

/** @throws ConfigError when the file is there and cannot be used, or cannot be made */
export function readSecrets(config: Pick<Config, 'dataDir' | 'jwtSecret' | 'fingerprintSecret'>): Secrets {
  const { jwtSecret, fingerprintSecret } = config;
  if (jwtSecret !== '' && fingerprintSecret !== '') return { jwtSecret, fingerprintSecret };
  const kept = keptSecrets(config.dataDir);
  const secret = (name: keyof Secrets) => {
    const found = config[name] || kept[name];
    if (found !== undefined) return found;
    const file = join(config.dataDir, SECRETS_FILE);
    throw new ConfigError(`${file} has no ${name}; restore it, or set ${VARIABLES[name]}`);
  };
  return { jwtSecret: secret('jwtSecret'), fingerprintSecret: secret('fingerprintSecret') };
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

function keptSecrets(dataDir: string): KeptSecrets {
  requireRestored(dataDir);
  const file = join(dataDir, SECRETS_FILE);
  makeDataDir(dataDir);
  const made = JSON.stringify({ jwtSecret: random(), fingerprintSecret: random() }, undefined, 2);
  if (!existsSync(file)) {
    // Of processes that start at once, one links its whole file to the name, and all read that.
    const draft = `${file}.${randomUUID()}`;
    writeInDataDir(draft, `${made}\n`);
    try {
      linkSync(draft, file);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    } finally {
      unlinkSync(draft);
    }
  }
  try {
    return Value.Parse(KeptSecrets, JSON.parse(readFileSync(file, 'utf8')));
  } catch (cause) {
    if (cause instanceof Error && 'syscall' in cause) {
      throw new ConfigError(`${file} cannot be read: ${cause.message}. Run Footfall as who owns DATA_DIR`, {
        cause,
      });
    }
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
