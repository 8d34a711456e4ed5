/**
 * The promise: beacons are taken while Kafka is away, and none of them is lost or counted twice.
 *
 * `OUTAGE_SECONDS` and `SEED` are read from the environment of this run.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import { itWithStack } from '../stack.fixture.ts';
import { until } from './installation.ts';
import { seeded } from './random.ts';
import { record, seedOfThisRun, World } from './world.ts';

const OUTAGE_SECONDS = Number(process.env.OUTAGE_SECONDS ?? 60);
const BEACONS_PER_SECOND = 2_000;
const CAUGHT_UP_WITHIN_MS = 60_000;
const SEED = seedOfThisRun();
const BROKERS = ['kafka-1', 'kafka-2', 'kafka-3'];

let world: World | undefined;
afterEach(() => world?.remove());

itWithStack('a broker that is killed and started again refuses nothing and loses nothing', async () => {
  console.log(`seed ${SEED}`);
  world = await World.create({ pipelines: 2 });
  await world.fleet.start();
  const load = world.load(seeded(SEED), { beaconsPerSecond: 500 });
  const times = 3;
  for (let n = 0; n < times; n++) {
    await pause(2_000);
    await world.stack.kill('kafka');
    await pause(4_000);
    await world.stack.start('kafka');
  }
  await pause(2_000);
  await load.stop();
  const outcome = await world.expectConserved(load);
  expect(outcome.refusals).toEqual({});
  record('the only broker killed for 4 s', times, outcome, { seed: SEED });
});

itWithStack(
  `all three brokers down for ${OUTAGE_SECONDS} s refuse nothing, and all is counted soon after`,
  async () => {
    console.log(`seed ${SEED}`);
    world = await World.create({
      engines: ['kafka-cluster', 'postgres', 'redis'],
      collectors: 2,
      pipelines: 2,
    });
    const { stack, fleet } = world;
    await fleet.start();
    const load = world.load(seeded(SEED), { senders: 40, beaconsPerSecond: BEACONS_PER_SECOND });
    await pause(5_000);
    await Promise.all(BROKERS.map((broker) => stack.kill(broker)));
    await until('a collector to use its spool', 20_000, async () => {
      const answer = await fetch(`${fleet.of('ingest')[0]?.url}/metrics`);
      return /^footfall_spool_state\{state="spooling"\} 1$/m.test(await answer.text());
    });
    await pause(OUTAGE_SECONDS * 1_000);
    await Promise.all(BROKERS.map((broker) => stack.start(broker)));
    await pause(5_000);
    await load.stop();
    const outcome = await world.expectConserved(load, 5 * CAUGHT_UP_WITHIN_MS);
    expect(outcome.refusals).toEqual({});
    record(`all three brokers down for ${OUTAGE_SECONDS} s`, 1, outcome, { seed: SEED });
    expect(outcome.recoverySeconds).toBeLessThan(CAUGHT_UP_WITHIN_MS / 1_000);
  },
);
