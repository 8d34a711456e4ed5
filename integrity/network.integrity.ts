/**
 * The promise: whatever the network does between any two of collectors, pipelines, APIs and engines (delay, cut,
 * refuse, half-open), nothing is lost and nothing is counted twice. `ROUNDS` and `SEED` are read from the environment.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect } from 'vitest';
import { itWithStack } from '../stack.fixture.ts';
import { seeded } from './random.ts';
import type { TcpProxy } from './tcp-proxy.ts';
import { ENGINES, type Engine, record, seedOfThisRun, World } from './world.ts';

const ROUNDS = Number(process.env.ROUNDS ?? 24);
const SEED = seedOfThisRun();

let world: World | undefined;
afterEach(() => world?.remove());

const TROUBLES: Record<string, (proxy: TcpProxy) => Promise<void> | void> = {
  latency: (proxy) => proxy.delay(100),
  cut: (proxy) => proxy.cut(),
  refused: (proxy) => proxy.refuse(),
  'half-open': (proxy) => proxy.swallow(),
};

itWithStack(`${ROUNDS} troubles of the network between any two of them`, async () => {
  console.log(`seed ${SEED}`);
  const random = seeded(SEED);
  world = await World.create({ collectors: 2, pipelines: 2, proxied: true });
  const { fleet, proxies } = world;
  await fleet.start();
  const load = world.load(random, { beaconsPerSecond: 300 });
  const struck: Record<string, number> = {};
  for (let round = 0; round < ROUNDS; round++) {
    const engine = pick<Engine>(ENGINES);
    const [trouble, strike] = pick(Object.entries(TROUBLES));
    struck[`${engine}: ${trouble}`] = (struck[`${engine}: ${trouble}`] ?? 0) + 1;
    const proxy = proxies[engine];
    if (proxy === undefined) throw new Error(`no proxy of ${engine}`);
    await strike(proxy);
    await pause(500 + random() * 4_500);
    await proxy.restore();
    await pause(random() * 2_000);
  }
  await load.stop();
  await fleet.ready();
  const outcome = await world.expectConserved(load, 300_000);
  expect(outcome.refusals).toEqual({});
  record('latency, cut, refusal or half-open connections', ROUNDS, outcome, { seed: SEED, struck });

  function pick<T>(from: readonly T[]): T {
    const picked = from[Math.floor(random() * from.length)];
    if (picked === undefined) throw new Error('nothing to pick from');
    return picked;
  }
});
