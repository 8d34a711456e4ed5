/** The promise: whatever a store does, nothing is lost and nothing is counted twice. `SEED` is read from the environment. */
import { setTimeout as pause } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterEach, expect } from 'vitest';
import type { Realtime } from '../contract/query.ts';
import { itWithStack } from '../stack.fixture.ts';
import { until } from './installation.ts';
import { seeded } from './random.ts';
import { record, seedOfThisRun, World } from './world.ts';

const SEED = seedOfThisRun();
const ROUNDS = 4;

let world: World | undefined;
afterEach(() => world?.remove());

/** Strikes several times under load, then compares. */
async function strike(fault: string, blow: (world: World, round: number) => Promise<void>): Promise<void> {
  console.log(`seed ${SEED}`);
  world = await World.create({ pipelines: 2 });
  await world.fleet.start();
  const load = world.load(seeded(SEED), { beaconsPerSecond: 500 });
  for (let round = 0; round < ROUNDS; round++) {
    await pause(2_000);
    await blow(world, round);
  }
  await pause(2_000);
  await load.stop();
  const outcome = await world.expectConserved(load);
  expect(outcome.refusals).toEqual({});
  record(fault, ROUNDS, outcome, { seed: SEED });
}

itWithStack('PostgreSQL killed in the middle of transactions, and started again', () =>
  strike('PostgreSQL killed for 2 s', async ({ stack }) => {
    await stack.kill('postgres');
    await pause(2_000);
    await stack.start('postgres');
  }),
);

itWithStack('every connection to PostgreSQL severed, again and again', () =>
  strike('PostgreSQL: all connections severed, 5 times in a row', async (world) => {
    for (let n = 0; n < 5; n++) {
      await world.sql('select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid()');
      await pause(200);
    }
  }),
);

itWithStack('Redis killed, flushed and started again: only live numbers notice, and they come back', () =>
  strike('Redis flushed, then killed for 2 s', async ({ stack, fleet }) => {
    const redis = new Redis(stack.address('STACK_REDIS'));
    await redis.flushall();
    redis.disconnect();
    await pause(1_000);
    await stack.kill('redis');
    await pause(2_000);
    const ready = await fetch(`${fleet.of('query-api')[0]?.url}/readyz`);
    expect(await ready.json()).toMatchObject({ ready: true, degraded: [expect.stringMatching(/^live: /)] });
    await stack.start('redis');
    await until('live numbers to be back', 30_000, async () =>
      fleet.query<Realtime>('realtime/').then(
        ({ count }) => count > 0,
        () => false,
      ),
    );
  }),
);

itWithStack('ClickHouse refuses connections', () =>
  strike('ClickHouse refuses for 3 s', async ({ front }) => {
    await front.refuse();
    await pause(3_000);
    await front.listen();
  }),
);

itWithStack('ClickHouse cuts inserts, takes them without an answer, is slow, says 503', () =>
  strike(
    'ClickHouse: inserts cut, applied without an answer, delayed, refused with 503',
    async ({ front }) => {
      await front.strike(
        { what: 'cut_request', kinds: ['insert'], times: 2 },
        { what: 'lost_answer', kinds: ['insert'], times: 2 },
        { what: 'unavailable', times: 3 },
        { what: 'cut_answer', kinds: ['insert', 'select'], times: 2 },
        { what: 'delay_after', delay: 2_000, kinds: ['insert'], times: 1 },
      );
      await pause(8_000);
      await front.strike();
    },
  ),
);

itWithStack('ClickHouse is killed and started again', () =>
  strike('ClickHouse killed for 1 s', async ({ front }) => {
    await front.kill();
    await pause(1_000);
    await front.restart();
  }),
);
