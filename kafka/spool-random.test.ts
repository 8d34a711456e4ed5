/** Nothing that was acknowledged is lost, whatever the log does and whenever the process ends: random schedules. */
import { expect, test } from 'vitest';
import type { Fault } from './faulty-log.fixture.ts';
import type { EventLog } from './port.ts';
import { PARTITIONS, useSpool } from './spool.fixture.ts';

const SCHEDULES = 200;
const STEPS = 24;
const FAULTS: readonly (Fault | undefined)[] = [undefined, undefined, 'refuses', 'hangs', 'is_silent'];
const PLACE = { stallMs: 30, leaseMs: 2_000, maxHangingBytes: 1024 ** 2 };
const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const spool = useSpool();

test(`nothing acknowledged is lost over ${SCHEDULES} schedules of faults and restarts (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const next = random(seed);
  const below = (n: number) => Math.floor(next() * n);
  const acknowledged = Array.from({ length: PARTITIONS }, () => new Set<string>());
  let log = await spool.open(PLACE);
  let refused = 0;
  let appended = 0;
  let spooled = 0;

  async function append(to: EventLog, partition: number): Promise<void> {
    appended += 1;
    const body = `${appended} ${'x'.repeat(below(3_000))}`;
    try {
      await to.append(partition, Buffer.from(body));
      acknowledged[partition]?.add(body);
    } catch {
      refused += 1;
    }
  }

  for (let schedule = 0; schedule < SCHEDULES; schedule += 1) {
    const appends: Promise<void>[] = [];
    for (let step = 0; step < STEPS; step += 1) {
      const what = next();
      if (what < 0.6) appends.push(append(log, below(PARTITIONS)));
      else if (what < 0.75) spool.log.fault = FAULTS[below(FAULTS.length)];
      else if (what < 0.8) spool.log.faulty = next() < 0.5 ? undefined : new Set([below(PARTITIONS)]);
      else if (what < 0.85) spool.log.delayMs = below(2) * below(40);
      else if (what < 0.9) spool.log.alwaysAnswersPings = next() < 0.5;
      else await appends.at(-1);
    }
    if (next() < 0.5) await Promise.all(appends);
    if (next() < 0.4) {
      spooled += log.backlog().spooled;
      await log.close();
      log = await spool.open(PLACE);
    }
    await Promise.all(appends);
  }
  spool.log.fault = undefined;
  spool.log.delayMs = 0;
  await log.close();
  log = await spool.open({ leaseMs: PLACE.leaseMs });
  await spool.isReplayed(log);

  expect(refused).toBe(0);
  expect(spooled).toBeGreaterThan(SCHEDULES);
  for (const [partition, bodies] of acknowledged.entries()) {
    const found = new Set(await spool.bodies(partition));
    expect([...bodies].filter((body) => !found.has(body))).toEqual([]);
  }
});

/** A linear congruential generator (Numerical Recipes): the same numbers for a seed, everywhere. */
function random(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
