/**
 * TLS to a PostgreSQL server, as the parameters of its URL say.
 *
 * `sslmode` has the names of libpq. What they mean is fixed here and not left to the driver, which reads some of them
 * in more than one way: whoever asks for TLS gets a server that was verified, its name included, or none.
 *
 *     disable, or no parameter of TLS     no TLS
 *     require, verify-full                TLS; the certificate has to be of an authority that is trusted, and of that host
 *     no-verify                           TLS with whoever answers
 */
import { readFileSync } from 'node:fs';
import type { SecureContextOptions } from 'node:tls';
import type { ClientConfig } from 'pg';
import { EngineUrlError } from '../engine.ts';
import { type Trust, trusting } from '../trust.ts';

const MODES = ['disable', 'require', 'verify-full', 'no-verify'];
const NEGOTIATIONS = ['postgres', 'direct'] as const;
/** Paths of PEM files: who alone is trusted, and the certificate and key of ours. */
const FILES = { sslrootcert: 'ca', sslcert: 'cert', sslkey: 'key' } as const;

export const TLS_PARAMETERS: readonly string[] = ['sslmode', 'sslnegotiation', ...Object.keys(FILES)];

/**
 * @param ca PEM of authorities to trust beside those that come with Node
 * @returns the URL without these parameters, and what they say
 * @throws EngineUrlError
 */
export function tlsOf(url: string, ca: string | undefined): ClientConfig {
  const plain = new URL(url);
  const given = Object.fromEntries(plain.searchParams);
  for (const name of TLS_PARAMETERS) plain.searchParams.delete(name);
  const isWanted = TLS_PARAMETERS.some((name) => given[name] !== undefined);
  const { sslmode = isWanted ? 'verify-full' : 'disable', sslnegotiation = 'postgres' } = given;
  const negotiation = NEGOTIATIONS.find((name) => name === sslnegotiation);
  if (!MODES.includes(sslmode)) throw unknownValue('sslmode', MODES);
  if (negotiation === undefined) throw unknownValue('sslnegotiation', NEGOTIATIONS);
  if (sslmode === 'disable') return { connectionString: plain.href, ssl: false };
  const secureContext = contextOf(given, ca);
  return {
    connectionString: plain.href,
    sslnegotiation: negotiation,
    ssl: {
      rejectUnauthorized: sslmode !== 'no-verify',
      ...(secureContext !== undefined && { secureContext }),
    },
  };
}

function contextOf(given: Record<string, string>, ca: string | undefined): Trust {
  const own: SecureContextOptions = {};
  for (const [parameter, part] of Object.entries(FILES)) {
    const path = given[parameter];
    if (path !== undefined) own[part] = textOf(parameter, path);
  }
  try {
    return trusting(ca, own);
  } catch (cause) {
    const message =
      'the URL of PostgreSQL: a file of sslrootcert, sslcert or sslkey is not PEM, or key and certificate differ';
    throw new EngineUrlError(message, { cause });
  }
}

function textOf(parameter: string, path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new EngineUrlError(`the URL of PostgreSQL: ${parameter}=${path} cannot be read`, {
      cause,
    });
  }
}

function unknownValue(parameter: string, known: readonly string[]): EngineUrlError {
  return new EngineUrlError(`the URL of PostgreSQL: ${parameter} is one of ${known.join(', ')}`);
}
