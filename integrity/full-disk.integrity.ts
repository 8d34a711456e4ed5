/**
 * The promise: a collector whose spool has no room left says so with 503, and what it acknowledged is there after.
 * `SEED` is read from the environment of this run.
 */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import { itWithStack } from '../stack.fixture.ts';
import { until } from './installation.ts';
import { seeded } from './random.ts';
import { record, seedOfThisRun, World } from './world.ts';

const SEED = seedOfThisRun();
const run = promisify(execFile);
const DISK = '6m';

let world: World | undefined;
let mounted: string | undefined;
afterEach(async () => {
  for (const instance of world?.fleet.of('ingest') ?? []) await instance.stop();
  if (mounted !== undefined) await run('umount', [mounted]);
  await world?.remove();
});

if (process.getuid?.() === 0) {
  itWithStack('a disk that is full refuses beacons, and loses none', async () => {
    console.log(`seed ${SEED}`);
    world = await World.create();
    const { fleet, stack } = world;
    mounted = join(fleet.folder, 'ingest-1');
    await run('mount', ['-t', 'tmpfs', '-o', `size=${DISK}`, 'tmpfs', mounted]);
    await fleet.start();
    await stack.kill('kafka');
    const load = world.load(seeded(SEED));
    await until('503', 120_000, () => (load.refusals[503] ?? 0) > 20);
    await stack.start('kafka');
    await load.stop();
    const outcome = await world.expectConserved(load);
    expect(Object.keys(outcome.refusals)).toEqual(['503']);
    record(`the spool's disk of ${DISK} full`, 1, outcome, { seed: SEED });
  });
} else {
  it.skip('a disk that is full refuses beacons, and loses none (only root may mount a small one)', () => {});
}
