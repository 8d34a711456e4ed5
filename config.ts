/** The only reader of the environment: variables in, one frozen, typed {@link Config} out. Every default stands here. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import Type, { type Static } from 'typebox';
import Value from 'typebox/value';
import { trustedProxies } from './contract/client-address.ts';
import { VISITOR_SALTS, type VisitorSalt } from './contract/visitor-key.ts';

const SECOND = 1_000;
const Port = (value: number) => Type.Integer({ minimum: 0, maximum: 65_535, default: value });
const Positive = (value: number) => Type.Integer({ minimum: 1, default: value });
const NotNegative = (value: number) => Type.Integer({ minimum: 0, default: value });
const Text = (value = '') => Type.String({ default: value });

const Environment = Type.Object({
  DATA_DIR: Text('./data'),
  HOST: Text('127.0.0.1'),
  INGEST_PORT: Port(8080),
  INGEST_PROCESSES: Type.Integer({ minimum: 1, maximum: 64, default: 1 }),
  API_PORT: Port(8000),
  PIPELINE_PORT: Port(8001),
  LOG_LEVEL: Type.Enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], { default: 'info' }),

  KAFKA_BROKERS: Text(),
  KAFKA_TLS: Type.Boolean({ default: false }),
  KAFKA_USERNAME: Text(),
  KAFKA_PASSWORD: Text(),
  KAFKA_SASL_MECHANISM: Type.Enum(['scram-sha-512', 'scram-sha-256', 'plain'], { default: 'scram-sha-512' }),
  CLICKHOUSE_URL: Text(),
  CLICKHOUSE_CLUSTER: Type.String({ default: '', pattern: '^[A-Za-z0-9_-]*$' }),
  DATABASE_URL: Text(),
  REDIS_URL: Text(),
  TLS_CA_FILE: Text(),

  PARTITIONS: Type.Integer({ minimum: 1, maximum: 1024, default: 8 }),
  LOG_RETENTION_HOURS: Positive(24),
  LOG_RETENTION_BYTES: Positive(1024 ** 3),
  LOG_MAX_BYTES: Positive(8 * 1024 ** 3),
  SPOOL_MAX_BYTES: Positive(8 * 1024 ** 3),

  JWT_SECRET: Text(),
  JWT_JWKS_URL: Text(),
  JWT_AUDIENCE: Text(),
  JWT_ISSUER: Text(),
  FINGERPRINT_SECRET: Text(),
  FINGERPRINT_SECRET_PREVIOUS: Text(),
  VISITOR_SALT: Type.Enum([...VISITOR_SALTS], { default: 'none' }),
  CORS_ALLOWED_ORIGINS: Text(),
  TRUSTED_PROXIES: Text(),
  RESPECT_DNT: Type.Boolean({ default: true }),

  ANALYTICS_TIMEZONE: Text('UTC'),
  ANALYTICS_REALTIME_TTL: Positive(3_600),
  ANALYTICS_SESSION_TIMEOUT: Positive(86_400),
  ANALYTICS_CLEANUP_DAYS: Positive(90),
  ANALYTICS_RAW_DAYS: Positive(400),

  RATE_LIMIT_ANON: NotNegative(100),
  RATE_LIMIT_USER: NotNegative(1_000),
  INGEST_RATE_LIMIT: NotNegative(600),
});
type Environment = Static<typeof Environment>;

/** Each may be given as the path of a file that holds it, in the variable of this name with `_FILE` at its end. */
const SECRETS: readonly string[] = [
  'JWT_SECRET',
  'FINGERPRINT_SECRET',
  'FINGERPRINT_SECRET_PREVIOUS',
  'DATABASE_URL',
  'CLICKHOUSE_URL',
  'REDIS_URL',
  'KAFKA_PASSWORD',
] satisfies (keyof Environment)[];
/** Of HMAC-SHA256, by RFC 7518, 3.2 for tokens: a key that is shorter is found by trying. */
export const MIN_KEY_BYTES = 32;
const fileVariable = (name: string) => `${name}_FILE`;

/** Names of all that is read. */
export const VARIABLES: readonly string[] = [
  ...Object.keys(Environment.properties),
  ...SECRETS.map(fileVariable),
];

export interface Config {
  readonly dataDir: string;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly ingestPort: number;
  /** Collectors that share `ingestPort` on this machine. */
  readonly ingestProcesses: number;
  readonly apiPort: number;
  /** Of a pipeline in a process without the query API. */
  readonly pipelinePort: number;
  readonly logLevel: Environment['LOG_LEVEL'];

  /** Where each engine is; the scheme picks the engine. */
  readonly logUrl: string;
  readonly analyticsUrl: string;
  /** Cluster of ClickHouse servers; empty: one server. */
  readonly clickhouseCluster: string;
  readonly sessionsUrl: string;
  readonly liveUrl: string;
  readonly kafkaTls: boolean;
  /** Whom Kafka is told that we are. */
  readonly kafkaLogin: KafkaLogin | undefined;
  /** PEM of the authorities that are trusted, beside those that come with Node, by all connections over TLS. */
  readonly tlsCa: string | undefined;

  readonly partitions: number;
  readonly logRetentionMs: number;
  readonly logRetentionBytes: number;
  readonly logMaxBytes: number;
  /** Of the frames that wait on local disk while Kafka takes none. */
  readonly spoolMaxBytes: number;

  /** Empty: made at the first start and kept in `dataDir`. */
  readonly jwtSecret: string;
  readonly jwksUrl: string;
  /** What the claims `aud` and `iss` of each token have to be; undefined: anything. */
  readonly jwtAudience: string | undefined;
  readonly jwtIssuer: string | undefined;
  readonly fingerprintSecret: string;
  /** What was `fingerprintSecret` until lately. */
  readonly previousFingerprintSecret: string | undefined;
  readonly visitorSalt: VisitorSalt;
  readonly corsAllowedOrigins: readonly string[];
  /** Addresses or CIDR ranges. */
  readonly trustedProxies: readonly string[];
  readonly respectDnt: boolean;

  readonly timeZone: string;
  readonly realtimeTtlMs: number;
  readonly sessionTimeoutMs: number;
  readonly cleanupDays: number;
  readonly rawDays: number;

  /** Requests an hour; 0: no limit. */
  readonly rateLimitAnonymous: number;
  readonly rateLimitUser: number;
  /** Beacons a minute an address; 0: no limit. */
  readonly ingestRateLimit: number;
}

interface KafkaLogin {
  readonly mechanism: Environment['KAFKA_SASL_MECHANISM'];
  readonly username: string;
  readonly password: string;
}

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** @throws ConfigError naming the variable and the rule it breaks */
export function readConfig(environment: NodeJS.ProcessEnv = process.env): Readonly<Config> {
  const env = parse(environment);
  const dataDir = resolve(env.DATA_DIR);
  if (env.LOG_RETENTION_BYTES >= env.LOG_MAX_BYTES) {
    throw new ConfigError('LOG_RETENTION_BYTES: must be below LOG_MAX_BYTES');
  }
  if (env.CLICKHOUSE_CLUSTER !== '' && env.CLICKHOUSE_URL === '') {
    throw new ConfigError('CLICKHOUSE_CLUSTER: needs CLICKHOUSE_URL');
  }
  if (env.FINGERPRINT_SECRET_PREVIOUS !== '' && env.VISITOR_SALT === 'daily') {
    throw new ConfigError('FINGERPRINT_SECRET_PREVIOUS: VISITOR_SALT=daily knows nobody from before');
  }
  if (env.KAFKA_TLS && env.KAFKA_BROKERS === '') throw new ConfigError('KAFKA_TLS: needs KAFKA_BROKERS');
  if (/[?#%]/.test(dataDir)) throw new ConfigError(`DATA_DIR=${dataDir}: must not contain ?, # or %`);
  return Object.freeze({
    dataDir,
    host: env.HOST,
    ingestPort: env.INGEST_PORT,
    ingestProcesses: withFixedPort(env),
    apiPort: env.API_PORT,
    pipelinePort: env.PIPELINE_PORT,
    logLevel: env.LOG_LEVEL,
    logUrl: env.KAFKA_BROKERS === '' ? `lmdb://${dataDir}/log` : `kafka://${env.KAFKA_BROKERS}`,
    analyticsUrl: env.CLICKHOUSE_URL || `chdb://${dataDir}/clickhouse`,
    clickhouseCluster: env.CLICKHOUSE_CLUSTER,
    sessionsUrl: env.DATABASE_URL || `embedded-postgres://${dataDir}/postgres`,
    liveUrl: env.REDIS_URL || 'memory://',
    kafkaTls: env.KAFKA_TLS,
    kafkaLogin: kafkaLogin(env),
    tlsCa: env.TLS_CA_FILE === '' ? undefined : authorities(env.TLS_CA_FILE),
    partitions: env.PARTITIONS,
    logRetentionMs: env.LOG_RETENTION_HOURS * 3_600 * SECOND,
    logRetentionBytes: env.LOG_RETENTION_BYTES,
    logMaxBytes: env.LOG_MAX_BYTES,
    spoolMaxBytes: env.SPOOL_MAX_BYTES,
    jwtSecret: longEnough('JWT_SECRET', env),
    jwksUrl: knownKeySet(env.JWT_JWKS_URL),
    jwtAudience: env.JWT_AUDIENCE || undefined,
    jwtIssuer: env.JWT_ISSUER || undefined,
    fingerprintSecret: longEnough('FINGERPRINT_SECRET', env),
    previousFingerprintSecret: env.FINGERPRINT_SECRET_PREVIOUS || undefined,
    visitorSalt: env.VISITOR_SALT,
    corsAllowedOrigins: Object.freeze(list(env.CORS_ALLOWED_ORIGINS).map(knownOrigin)),
    trustedProxies: knownAddresses(list(env.TRUSTED_PROXIES)),
    respectDnt: env.RESPECT_DNT,
    timeZone: knownTimeZone(env.ANALYTICS_TIMEZONE),
    realtimeTtlMs: env.ANALYTICS_REALTIME_TTL * SECOND,
    sessionTimeoutMs: env.ANALYTICS_SESSION_TIMEOUT * SECOND,
    cleanupDays: env.ANALYTICS_CLEANUP_DAYS,
    rawDays: env.ANALYTICS_RAW_DAYS,
    rateLimitAnonymous: env.RATE_LIMIT_ANON,
    rateLimitUser: env.RATE_LIMIT_USER,
    ingestRateLimit: env.INGEST_RATE_LIMIT,
  });
}

function parse(environment: NodeJS.ProcessEnv): Environment {
  const named: Record<string, string> = {};
  for (const name of Object.keys(Environment.properties)) {
    const value = SECRETS.includes(name) ? secretOf(name, environment) : environment[name];
    if (value !== undefined && value !== '') named[name] = value;
  }
  const converted = Value.Convert(Environment, Value.Default(Environment, named));
  if (Value.Check(Environment, converted)) return converted;
  const [first] = Value.Errors(Environment, converted);
  const name = first?.instancePath.slice(1) ?? 'environment';
  throw new ConfigError(
    `${name}=${environment[name] ?? ''}: ${first === undefined ? 'is not valid' : ruleOf(first)}`,
  );
}

/** Of an enum with its values: the library's own message has none. */
function ruleOf({ keyword, message, params }: ReturnType<typeof Value.Errors>[number]): string {
  return keyword === 'enum' ? `must be one of ${params.allowedValues.join(', ')}` : message;
}

function secretOf(name: string, environment: NodeJS.ProcessEnv): string | undefined {
  const given = environment[name];
  const variable = fileVariable(name);
  const file = environment[variable];
  if (file === undefined || file === '') return given;
  if (given !== undefined && given !== '') {
    throw new ConfigError(`${name} and ${variable} are both set: one of them is enough`);
  }
  const text = textOf(file, variable);
  if (text === '') throw new ConfigError(`${variable}=${file}: the file is empty`);
  return text;
}

/** The message does not have the secret. */
function longEnough(name: 'JWT_SECRET' | 'FINGERPRINT_SECRET', { [name]: secret }: Environment): string {
  if (secret === '' || Buffer.byteLength(secret) >= MIN_KEY_BYTES) return secret;
  throw new ConfigError(
    `${name}: is shorter than ${MIN_KEY_BYTES} bytes; \`openssl rand -base64 32\` makes a good one`,
  );
}

function kafkaLogin(env: Environment): KafkaLogin | undefined {
  const { KAFKA_USERNAME: username, KAFKA_PASSWORD: password } = env;
  if (username === '' && password === '') return undefined;
  if (username === '') throw new ConfigError('KAFKA_PASSWORD: needs KAFKA_USERNAME');
  if (password === '') throw new ConfigError('KAFKA_USERNAME: needs KAFKA_PASSWORD or KAFKA_PASSWORD_FILE');
  if (env.KAFKA_BROKERS === '') throw new ConfigError('KAFKA_USERNAME: needs KAFKA_BROKERS');
  return Object.freeze({ mechanism: env.KAFKA_SASL_MECHANISM, username, password });
}

/** Node itself passes over what is no certificate. */
function authorities(file: string): string {
  const text = textOf(file, 'TLS_CA_FILE');
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const certificate of certificates) new X509Certificate(certificate);
  } catch (cause) {
    throw new ConfigError(`TLS_CA_FILE=${file}: a certificate in it cannot be read`, { cause });
  }
  if (certificates.length > 0) return text;
  throw new ConfigError(`TLS_CA_FILE=${file}: there is no certificate in PEM in it`);
}

/** Without the line break that editors and `echo` put at the end. */
function textOf(file: string, variable: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (cause) {
    const why = cause instanceof Error && 'code' in cause ? cause.code : cause;
    throw new ConfigError(`${variable}=${file}: the file cannot be read (${why})`, { cause });
  }
}

/** Who shares a port has to know it, and each has one of its own above it. */
function withFixedPort({ INGEST_PROCESSES, INGEST_PORT }: Environment): number {
  if (INGEST_PROCESSES > 1 && (INGEST_PORT === 0 || INGEST_PORT + INGEST_PROCESSES > 65_535)) {
    throw new ConfigError(
      `INGEST_PROCESSES=${INGEST_PROCESSES}: needs an INGEST_PORT with so many ports above it, not ${INGEST_PORT}`,
    );
  }
  return INGEST_PROCESSES;
}

function list(commaSeparated: string): readonly string[] {
  return Object.freeze(
    commaSeparated
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  );
}

function knownAddresses(ranges: readonly string[]): readonly string[] {
  try {
    trustedProxies(ranges);
    return ranges;
  } catch (cause) {
    throw new ConfigError(`TRUSTED_PROXIES=${cause instanceof Error ? cause.message : cause}`, { cause });
  }
}

/** Browsers send exactly this form, and it is compared letter by letter. */
function knownOrigin(text: string): string {
  const { protocol, origin } = URL.canParse(text) ? new URL(text) : { protocol: '', origin: '' };
  const isOfWeb = /^https?:$/.test(protocol);
  // What is not of the web is an app's, as `capacitor://localhost`, which URLs do not know as an origin.
  if (isOfWeb ? text === origin : /^[a-z][a-z\d+.-]*:\/\/[^/?#\s]+$/.test(text)) return text;
  const right = isOfWeb ? `write ${origin}` : 'write each as https://admin.example, without a path';
  throw new ConfigError(`CORS_ALLOWED_ORIGINS=${text}: is not an origin, ${right}`);
}

function knownKeySet(url: string): string {
  if (url === '' || (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol))) return url;
  throw new ConfigError('JWT_JWKS_URL: is not a URL of http or https');
}

function knownTimeZone(name: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone;
  } catch (cause) {
    throw new ConfigError(`ANALYTICS_TIMEZONE=${name}: is not a time zone this system knows`, { cause });
  }
}
