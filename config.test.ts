import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createAuthority } from './certificates.fixture.ts';
import { ConfigError, readConfig } from './config.ts';

test('without any variable everything is embedded, under ./data', () => {
  const config = readConfig({});
  expect(config.logUrl).toBe(`lmdb://${process.cwd()}/data/log`);
  expect(config.analyticsUrl).toBe(`chdb://${process.cwd()}/data/clickhouse`);
  expect(config.sessionsUrl).toBe(`embedded-postgres://${process.cwd()}/data/postgres`);
  expect(config).toMatchObject({ liveUrl: 'memory://', timeZone: 'UTC' });
  expect(config).toMatchObject({ ingestPort: 8080, apiPort: 8000, pipelinePort: 8001 });
  expect(Object.isFrozen(config)).toBe(true);
});

test('a variable that is set wins; an empty one is not set', () => {
  const config = readConfig({
    API_PORT: '0',
    RESPECT_DNT: 'false',
    CORS_ALLOWED_ORIGINS: 'https://a.example, https://b.example, capacitor://localhost,',
    KAFKA_BROKERS: 'one:9092,two:9092',
    SPOOL_MAX_BYTES: '1000000',
    CLICKHOUSE_URL: 'https://one:8443',
    CLICKHOUSE_CLUSTER: 'main',
    PIPELINE_PORT: '9001',
    INGEST_PORT: '',
    ANALYTICS_TIMEZONE: 'America/Toronto',
  });
  expect(config).toMatchObject({
    apiPort: 0,
    ingestPort: 8080,
    pipelinePort: 9001,
    respectDnt: false,
    corsAllowedOrigins: ['https://a.example', 'https://b.example', 'capacitor://localhost'],
    logUrl: 'kafka://one:9092,two:9092',
    analyticsUrl: 'https://one:8443',
    clickhouseCluster: 'main',
    timeZone: 'America/Toronto',
  });
});

describe('a wrong value ends the start with the name of the variable', () => {
  test.each([
    [{ INGEST_PORT: '99999' }, /INGEST_PORT=99999/],
    [{ PIPELINE_PORT: '-1' }, /PIPELINE_PORT=-1/],
    [{ API_PORT: 'http' }, /API_PORT=http/],
    [{ RESPECT_DNT: 'perhaps' }, /RESPECT_DNT=perhaps/],
    [{ PARTITIONS: '0' }, /PARTITIONS=0/],
    [
      { LOG_LEVEL: 'loud' },
      /^LOG_LEVEL=loud: must be one of fatal, error, warn, info, debug, trace, silent$/,
    ],
    [{ VISITOR_SALT: 'weekly' }, /^VISITOR_SALT=weekly: must be one of none, daily$/],
    [{ ANALYTICS_TIMEZONE: 'Mars/Olympus' }, /ANALYTICS_TIMEZONE=Mars/],
    [
      { CORS_ALLOWED_ORIGINS: 'https://a.example, https://admin.example/' },
      /^CORS_ALLOWED_ORIGINS=https:\/\/admin.example\/: is not an origin, write https:\/\/admin.example$/,
    ],
    [{ CORS_ALLOWED_ORIGINS: 'https://Admin.example:443' }, /write https:\/\/admin.example$/],
    [{ CORS_ALLOWED_ORIGINS: 'https://admin.example/app' }, /write https:\/\/admin.example$/],
    [{ CORS_ALLOWED_ORIGINS: 'foo' }, /^CORS_ALLOWED_ORIGINS=foo: is not an origin, write each as https:/],
    [{ CORS_ALLOWED_ORIGINS: 'capacitor://localhost/' }, /is not an origin, write each as https:/],
    [{ CORS_ALLOWED_ORIGINS: 'admin.example:8443' }, /is not an origin, write each as https:/],
    [{ CORS_ALLOWED_ORIGINS: '*' }, /^CORS_ALLOWED_ORIGINS=\*: is not an origin, write each as https:/],
    [{ CORS_ALLOWED_ORIGINS: 'null' }, /^CORS_ALLOWED_ORIGINS=null: is not an origin/],
    [{ TRUSTED_PROXIES: '10.0.0.0/8, proxy' }, /^TRUSTED_PROXIES=proxy: is neither an IP address nor a CIDR/],
    [{ TRUSTED_PROXIES: '10.0.0.0/33' }, /^TRUSTED_PROXIES=10.0.0.0\/33: is neither/],
    [{ LOG_RETENTION_BYTES: '100', LOG_MAX_BYTES: '100' }, /LOG_RETENTION_BYTES/],
    [{ SPOOL_MAX_BYTES: '0' }, /SPOOL_MAX_BYTES=0/],
    [{ DATA_DIR: '/tmp/a?b' }, /DATA_DIR/],
    [{ CLICKHOUSE_URL: 'http://a:8123', CLICKHOUSE_CLUSTER: "a'b" }, /CLICKHOUSE_CLUSTER=a'b/],
    [{ JWT_JWKS_URL: 'id.example/keys' }, /JWT_JWKS_URL: is not a URL/],
    [{ JWT_JWKS_URL: 'file:///keys.json' }, /JWT_JWKS_URL: is not a URL/],
    [{ KAFKA_TLS: 'perhaps', KAFKA_BROKERS: 'one:9092' }, /KAFKA_TLS=perhaps/],
    [{ KAFKA_TLS: 'true' }, /KAFKA_TLS: needs KAFKA_BROKERS/],
    [{ KAFKA_USERNAME: 'footfall', KAFKA_PASSWORD: 'x' }, /KAFKA_USERNAME: needs KAFKA_BROKERS/],
    [{ KAFKA_BROKERS: 'one', KAFKA_USERNAME: 'footfall' }, /KAFKA_USERNAME: needs KAFKA_PASSWORD/],
    [{ KAFKA_BROKERS: 'one', KAFKA_PASSWORD: 'x' }, /^KAFKA_PASSWORD: needs KAFKA_USERNAME$/],
    [
      { KAFKA_BROKERS: 'one', KAFKA_SASL_MECHANISM: 'gssapi' },
      /gssapi: must be one of scram-sha-512, scram-sha-256, plain$/,
    ],
    [{ CLICKHOUSE_CLUSTER: 'main' }, /CLICKHOUSE_CLUSTER: needs CLICKHOUSE_URL/],
    [
      { FINGERPRINT_SECRET_PREVIOUS: 'a secret', VISITOR_SALT: 'daily' },
      /FINGERPRINT_SECRET_PREVIOUS: VISITOR_SALT=daily/,
    ],
  ])('%o', (environment, message) => {
    expect(() => readConfig(environment)).toThrow(ConfigError);
    expect(() => readConfig(environment)).toThrow(message);
  });
});

describe('a secret', () => {
  const folder = mkdtempSync(join(tmpdir(), 'footfall-config-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (text: string) => {
    const path = join(folder, 'secret');
    writeFileSync(path, text);
    return path;
  };
  const SECRETS: [name: string, field: keyof ReturnType<typeof readConfig>, value: string][] = [
    ['JWT_SECRET', 'jwtSecret', 'a secret that is long enough for it'],
    ['FINGERPRINT_SECRET', 'fingerprintSecret', 'another secret, as long as that one'],
    ['FINGERPRINT_SECRET_PREVIOUS', 'previousFingerprintSecret', 'the secret before'],
    ['DATABASE_URL', 'sessionsUrl', 'postgresql://user:password@host/db'],
    ['CLICKHOUSE_URL', 'analyticsUrl', 'https://user:password@host:8443'],
    ['REDIS_URL', 'liveUrl', 'rediss://:password@host:6379'],
  ];

  test.each(SECRETS)('may be in a file: %s', (name, field, value) => {
    expect(readConfig({ [`${name}_FILE`]: file(`${value}\n`) })[field]).toBe(value);
    expect(readConfig({ [`${name}_FILE`]: file(`${value}\r\n`), [name]: '' })[field]).toBe(value);
  });

  test.each([
    [' two words \n\n', ' two words \n'],
    ['no end', 'no end'],
  ])('is the text of its file but for the last line break: %j', (text, secret) => {
    expect(readConfig({ REDIS_URL_FILE: file(text) }).liveUrl).toBe(secret);
  });

  test.each(['JWT_SECRET', 'FINGERPRINT_SECRET'])('that keys an HMAC has 32 bytes at least: %s', (name) => {
    const refusal = new RegExp(`^${name}: is shorter than 32 bytes(?!.*a{31})`);
    for (const short of ['a', 'a'.repeat(31), 'é'.repeat(15)]) {
      expect(() => readConfig({ [name]: short })).toThrow(ConfigError);
      expect(() => readConfig({ [name]: short })).toThrow(refusal);
      expect(() => readConfig({ [`${name}_FILE`]: file(short) })).toThrow(refusal);
    }
    for (const long of ['a'.repeat(32), 'é'.repeat(16)])
      expect(() => readConfig({ [name]: long })).not.toThrow();
  });

  test.each(SECRETS)('is not in a file and in the environment: %s', (name, _, value) => {
    const both = { [name]: value, [`${name}_FILE`]: file(value) };
    expect(() => readConfig(both)).toThrow(
      expect.objectContaining({ message: `${name} and ${name}_FILE are both set: one of them is enough` }),
    );
  });

  test.each(SECRETS)('ends the start when its file is missing or empty: %s', (name) => {
    const variable = `${name}_FILE`;
    const missing = join(folder, 'missing');
    expect(() => readConfig({ [variable]: missing })).toThrow(
      new ConfigError(`${variable}=${missing}: the file cannot be read (ENOENT)`),
    );
    expect(() => readConfig({ [variable]: folder })).toThrow(
      `${variable}=${folder}: the file cannot be read`,
    );
    for (const text of ['', '\n']) {
      expect(() => readConfig({ [variable]: file(text) })).toThrow(
        `${variable}=${join(folder, 'secret')}: the file is empty`,
      );
    }
  });
});

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'footfall-config-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (text: string) => {
    const path = join(folder, 'ca.pem');
    writeFileSync(path, text);
    return path;
  };

  test('trusts the authorities of a file', () => {
    const both = `of ours:\n${createAuthority().pem}and\n${createAuthority('another').pem}`;
    expect(readConfig({ TLS_CA_FILE: file(both) }).tlsCa).toBe(both.trimEnd());
    expect(readConfig({}).tlsCa).toBeUndefined();
  });

  test.each([
    ['', 'there is no certificate in PEM in it'],
    ['hello', 'there is no certificate in PEM in it'],
    [
      `${createAuthority().pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
      'a certificate in it cannot be read',
    ],
  ])('ends the start when there is no certificate in the file (%#)', (text, message) => {
    const path = file(text);
    expect(() => readConfig({ TLS_CA_FILE: path })).toThrow(`TLS_CA_FILE=${path}: ${message}`);
  });

  test('ends the start when the file cannot be read', () => {
    expect(() => readConfig({ TLS_CA_FILE: folder })).toThrow(
      `TLS_CA_FILE=${folder}: the file cannot be read`,
    );
  });
});

test('Kafka is told who we are', () => {
  const kafka = {
    KAFKA_BROKERS: 'one:9093',
    KAFKA_TLS: 'true',
    KAFKA_USERNAME: 'footfall',
    KAFKA_PASSWORD: 'x',
  };
  expect(readConfig(kafka)).toMatchObject({
    kafkaTls: true,
    kafkaLogin: { mechanism: 'scram-sha-512', username: 'footfall', password: 'x' },
  });
  expect(readConfig({ ...kafka, KAFKA_SASL_MECHANISM: 'plain' }).kafkaLogin).toMatchObject({
    mechanism: 'plain',
  });
  expect(readConfig({ KAFKA_BROKERS: 'one:9093' })).toMatchObject({ kafkaTls: false, kafkaLogin: undefined });
});
