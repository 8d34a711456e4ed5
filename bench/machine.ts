/** What stands beside every number: where it was measured. */
import { availableParallelism, cpus, totalmem } from 'node:os';

export function thisMachine() {
  return {
    processor: cpus()[0]?.model,
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
  };
}
