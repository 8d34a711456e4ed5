/** What stands beside every number: where it was measured. */
import { availableParallelism, cpus, totalmem } from 'node:os';

export function thisMachine() {
  return {
    processor: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    loopMs: loopMs(),
  };
}

const NUMBERS = new Float64Array(65_536);
const ROUNDS = 50;
const MILLISECOND = 1_000;

/**
 * Processor milliseconds that a small loop takes, which is always the same: how slow a core is at this moment. On a virtual
 * machine it depends on what its neighbours do, and explains why two runs of a bench differ that measured the same code.
 */
export function loopMs(): number {
  const before = process.cpuUsage();
  for (let round = 0; round < ROUNDS; round++) {
    for (let n = 0; n < NUMBERS.length; n++) NUMBERS[n] = (NUMBERS[n] ?? 0) * 0.5 + n;
  }
  const { user, system } = process.cpuUsage(before);
  return Math.round((user + system) / (MILLISECOND / 100)) / 100;
}
