/** A fleet on engines of its own, a load, and the comparison of what was acknowledged with what every store has. */
import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import pg from 'pg';
import { expect } from 'vitest';
import { type FrontProcess, startFront } from '../clickhouse/http-front-process.fixture.ts';
import type { Beacon } from '../contract/beacon.ts';
import type { Ledger } from '../contract/ledger.ts';
import type { Conversions, VisitorStats } from '../contract/query.ts';
import { Fleet, type FleetOptions } from './fleet.ts';
import { statsOnceUpToDate } from './installation.ts';
import { COMMUNITIES_FILE, communityIds, DIVISIONS_FILE, divisionIds } from './scenario.ts';
import { Stack } from './stack.ts';
import { type Load, steadyLoad } from './steady-load.ts';
import { analyticsFigures, sessionFigures } from './stores.ts';
import { TcpProxy } from './tcp-proxy.ts';

export interface Outcome {
  acknowledged: number;
  repeats: number;
  refusals: Record<number, number>;
  counted: number;
  lost: number;
  twice: number;
  /** Seconds from the end of the load until everything was counted. */
  recoverySeconds: number;
}

export type WorldOptions = Partial<Omit<FleetOptions, 'environment'>> & {
  engines?: string[];
  /** Whether a proxy stands before each engine. */
  proxied?: boolean;
  environment?: Record<string, string>;
};

export const ENGINES = ['kafka', 'clickhouse', 'postgres', 'redis'] as const;
export type Engine = (typeof ENGINES)[number];

export class World {
  readonly stack: Stack;
  readonly front: FrontProcess;
  readonly fleet: Fleet;
  readonly databaseUrl: string;
  /** Empty unless `proxied`. */
  readonly proxies: Partial<Record<Engine, TcpProxy>>;
  readonly #folder: string;

  private constructor(
    parts: Pick<World, 'stack' | 'front' | 'fleet' | 'databaseUrl' | 'proxies'>,
    folder: string,
  ) {
    this.stack = parts.stack;
    this.front = parts.front;
    this.fleet = parts.fleet;
    this.databaseUrl = parts.databaseUrl;
    this.proxies = parts.proxies;
    this.#folder = folder;
  }

  static async create(options: WorldOptions = {}): Promise<World> {
    const {
      engines = ['kafka', 'postgres', 'redis'],
      proxied = false,
      environment = {},
      ...counts
    } = options;
    const proxies: World['proxies'] = {};
    if (proxied) for (const engine of ENGINES) proxies[engine] = await TcpProxy.open();
    const stack = await Stack.up(engines, proxies.kafka?.port);
    const folder = await mkdtemp(join(tmpdir(), 'footfall-clickhouse-'));
    const front = await startFront(join(folder, 'data'));
    const databaseUrl = stack.address('STACK_POSTGRES');
    const addresses: Record<Engine, string> = {
      kafka: `kafka://${stack.address(engines.includes('kafka') ? 'STACK_KAFKA' : 'STACK_KAFKA_CLUSTER')}`,
      clickhouse: front.url,
      postgres: databaseUrl,
      redis: stack.address('STACK_REDIS'),
    };
    for (const engine of ENGINES) {
      const proxy = proxies[engine];
      if (proxy === undefined) continue;
      const port = new URL(addresses[engine]).port;
      proxy.target = Number(port);
      addresses[engine] = addresses[engine].replace(`:${port}`, `:${proxy.port}`);
    }
    const fleet = await Fleet.create({
      collectors: 1,
      pipelines: 1,
      apis: 1,
      ...counts,
      environment: {
        KAFKA_BROKERS: addresses.kafka.replace('kafka://', ''),
        CLICKHOUSE_URL: addresses.clickhouse,
        DATABASE_URL: addresses.postgres,
        REDIS_URL: addresses.redis,
        ...environment,
      },
    });
    await fleet.run('divisions', DIVISIONS_FILE);
    await fleet.run('communities', COMMUNITIES_FILE);
    return new World({ stack, front, fleet, databaseUrl, proxies }, folder);
  }

  load(random: () => number, options: { senders?: number; beaconsPerSecond?: number } = {}): Load {
    return steadyLoad({
      endpoints: this.fleet.of('ingest').map(({ url }) => `${url}/e`),
      senders: 12,
      visitorsPerSender: 40,
      random,
      divisions: divisionIds.slice(0, 10),
      communities: communityIds.slice(0, 5),
      ...options,
    });
  }

  /**
   * After the load has stopped: waits until all is counted, and holds what was acknowledged against raw, every derived
   * table, sessions, conversions, the dead letters, the ledger and the API. Equal, always.
   */
  async expectConserved(load: Load, withinMs = 180_000): Promise<Outcome> {
    const start = performance.now();
    const ledger = await this.fleet.counted(withinMs);
    const recoverySeconds = (performance.now() - start) / 1_000;
    const sent = expectationOf(load.acknowledged);
    const stats = await statsOnceUpToDate((path) => this.fleet.query<VisitorStats>(path), sent.pageViews);
    const conversions = await this.fleet.query<Conversions>('conversions/');
    const raw = await analyticsFigures(createClient({ url: this.front.url }));
    const sessions = await sessionFigures(this.databaseUrl);
    const outcome: Outcome = {
      acknowledged: load.acknowledged.length,
      repeats: load.repeats,
      refusals: load.refusals,
      counted: raw.rows,
      lost: load.acknowledged.length - raw.eventIds,
      twice: raw.rows - raw.eventIds,
      recoverySeconds: Math.round(10 * recoverySeconds) / 10,
    };
    console.log(JSON.stringify({ ...outcome, ledger: totalsOf(ledger), raw, sessions }));

    const { pageViews, visitors, converted } = sent;
    expect(outcome).toMatchObject({ counted: load.acknowledged.length, lost: 0, twice: 0 });
    expect(raw).toMatchObject({ pageViews, visitors });
    expect(Object.keys(raw.views)).toHaveLength(4);
    for (const [view, { rawPageViews, rawCounted, ...derived }] of Object.entries(raw.views)) {
      expect(derived, view).toEqual({ pageViews: rawPageViews, counted: rawCounted });
    }
    expect(sessions).toEqual({ sessions: visitors, pageViews, conversions: converted });
    expect(totalsOf(ledger)).toMatchObject({ undecodable: 0, stored: raw.rows, in_views: raw.rows });
    expect(ledger.dead_letters).toBe(0);
    expect(stats).toMatchObject({ total_visitors: visitors, total_page_views: pageViews });
    expect(conversions.total_conversions).toBe(converted);
    return outcome;
  }

  /** A connection of a test's own to the database. */
  async sql<Row extends pg.QueryResultRow>(text: string): Promise<Row[]> {
    const client = new pg.Client(this.databaseUrl);
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  async remove(): Promise<void> {
    await this.fleet.remove();
    await Promise.all(Object.values(this.proxies).map((proxy) => proxy.close()));
    await this.front.close();
    await this.stack.down();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** What the stores must say of these beacons, by senders whose visitors are theirs alone. */
function expectationOf(beacons: readonly Beacon[]): {
  pageViews: number;
  visitors: number;
  converted: number;
} {
  const beganAnonymous = new Map<string, boolean>();
  const converted = new Set<string>();
  for (const { fingerprint, user_id } of beacons) {
    if (!beganAnonymous.has(fingerprint)) beganAnonymous.set(fingerprint, user_id === undefined);
    else if (user_id !== undefined && beganAnonymous.get(fingerprint)) converted.add(fingerprint);
  }
  return {
    pageViews: beacons.filter(({ type }) => type === 'page_view').length,
    visitors: beganAnonymous.size,
    converted: converted.size,
  };
}

function totalsOf({
  hours,
}: Ledger): Record<'accepted' | 'duplicate' | 'undecodable' | 'stored' | 'in_views', number> {
  const total = { accepted: 0, duplicate: 0, undecodable: 0, stored: 0, in_views: 0 };
  for (const hour of hours) {
    for (const name of ['accepted', 'duplicate', 'undecodable', 'stored', 'in_views'] as const)
      total[name] += hour[name];
  }
  return total;
}

/** A row of the table of faults: printed, and kept where INTEGRITY_RESULTS names a file. */
export function record(fault: string, times: number, outcome: Outcome, more: object = {}): void {
  const row = JSON.stringify({ fault, times, ...outcome, ...more });
  console.log(row);
  const file = process.env.INTEGRITY_RESULTS;
  if (file !== undefined) appendFileSync(file, `${row}\n`);
}

export function seedOfThisRun(): number {
  return Number(process.env.SEED ?? randomBytes(3).readUIntBE(0, 3));
}
