/**
 * The promise: an acknowledged beacon is never lost and never counted twice, on engines in the network, whichever of
 * several collectors, pipelines and query APIs is killed when.
 *
 * `FLEET_KILLS` and `SEED` are read from the environment of this run.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, expect } from 'vitest';
import { itWithStack } from '../stack.fixture.ts';
import { seeded } from './random.ts';
import { record, seedOfThisRun, World } from './world.ts';

const KILLS = Number(process.env.FLEET_KILLS ?? 100);
const SEED = seedOfThisRun();

let world: World | undefined;
afterAll(() => world?.remove());

itWithStack(
  `no gap and no duplicate over ${KILLS} kills of two collectors, three pipelines and an API`,
  async () => {
    console.log(`seed ${SEED}, ${KILLS} kills`);
    const random = seeded(SEED);
    world = await World.create({ collectors: 2, pipelines: 3, apis: 1 });
    await world.fleet.start();
    const load = world.load(random, { beaconsPerSecond: 500 });
    const kills: Record<string, number> = {};
    for (let done = 0; done < KILLS; ) {
      await pause(300 + random() * 2_700);
      const { instances } = world.fleet;
      const victim = instances[Math.floor(random() * instances.length)];
      if (victim === undefined || !victim.kill()) continue;
      kills[victim.name] = (kills[victim.name] ?? 0) + 1;
      done += 1;
    }
    await load.stop();
    await world.fleet.ready();
    const outcome = await world.expectConserved(load);
    record('SIGKILL of an instance', KILLS, outcome, { seed: SEED, kills });
    expect(Object.values(await world.fleet.stop()).every((code) => code === 0)).toBe(true);
  },
);
