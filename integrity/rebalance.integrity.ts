/**
 * The promise: instances join and leave every few seconds, and nothing is lost or counted twice for it.
 *
 * `REBALANCES` and `SEED` are read from the environment of this run.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import { itWithStack } from '../stack.fixture.ts';
import { seeded } from './random.ts';
import { record, seedOfThisRun, World } from './world.ts';

const REBALANCES = Number(process.env.REBALANCES ?? 30);
const SEED = seedOfThisRun();

let world: World | undefined;
afterEach(() => world?.remove());

itWithStack(
  `pipelines that join and leave ${REBALANCES} times lose nothing and count nothing twice`,
  async () => {
    console.log(`seed ${SEED}`);
    const random = seeded(SEED);
    world = await World.create({ pipelines: 4 });
    const { fleet } = world;
    await fleet.start();
    const load = world.load(random, { beaconsPerSecond: 500 });
    const [first, ...others] = fleet.of('pipeline');
    expect(first?.isRunning).toBe(true);
    for (let done = 0; done < REBALANCES; done++) {
      await pause(1_000 + random() * 2_000);
      const one = others[Math.floor(random() * others.length)];
      if (one?.isRunning) {
        const wasReady = await one.isReady();
        const code = await one.stop();
        // Before it is ready there is nothing to drain, and a signal may just end it.
        if (wasReady) expect(code).toBe(0);
      } else one?.start();
    }
    await load.stop();
    for (const instance of fleet.of('pipeline')) if (!instance.isRunning) instance.start();
    const outcome = await world.expectConserved(load);
    expect(outcome.refusals).toEqual({});
    record('a pipeline joins or leaves', REBALANCES, outcome, { seed: SEED });
  },
);
