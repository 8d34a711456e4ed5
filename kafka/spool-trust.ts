/**
 * Which partitions of the log are believed to take frames.
 *
 * States of a partition: trusted -> distrusted (an attempt was given up) -> trusted again, after a pause that doubles
 * while it keeps failing, once there is evidence: of a partition whose frames wait in the spool, that the log took one of
 * them; of another, that the log took a frame of any partition, or, where nothing waits at all, that it answers a ping.
 *
 * So a log that answers pings and takes nothing holds up no live frame twice, and one partition without a leader
 * leaves the others alone.
 */
import type { PartitionLag } from './port.ts';

interface PauseRules {
  firstPauseMs: number;
  maxPauseMs: number;
}

interface Partition {
  /** Undefined while trusted. */
  distrust: Distrust | undefined;
  pauseMs: number;
  trustedSince: number;
}

interface Distrust {
  /** Not trusted before, ms of the process's clock. */
  until: number;
  /** Frames taken when it began: evidence is what comes later. */
  taken: number;
  /** Where the replay was, once that is known. */
  committed: number | undefined;
}

export class Trust {
  readonly #rules: PauseRules;
  readonly #partitions: Partition[];
  #taken = 0;
  #committed = 0;

  constructor(partitions: number, rules: PauseRules) {
    this.#rules = rules;
    this.#partitions = Array.from({ length: partitions }, () => ({
      distrust: undefined,
      pauseMs: rules.firstPauseMs,
      trustedSince: 0,
    }));
  }

  has(partition: number): boolean {
    const found = this.#partitions[partition];
    return found !== undefined && found.distrust === undefined;
  }

  get isComplete(): boolean {
    return this.#partitions.every(({ distrust }) => distrust === undefined);
  }

  /** Whether a distrusted partition is not to be tried yet. */
  mustWait(partition: number): boolean {
    const distrust = this.#partitions[partition]?.distrust;
    return distrust !== undefined && performance.now() < distrust.until;
  }

  /** Of one partition, or of all. */
  withdraw(partition: number | undefined): void {
    const now = performance.now();
    for (const [index, found] of this.#partitions.entries()) {
      if (partition !== undefined && partition !== index) continue;
      const { firstPauseMs, maxPauseMs } = this.#rules;
      if (found.distrust === undefined && now - found.trustedSince > maxPauseMs) found.pauseMs = firstPauseMs;
      else if (found.distrust !== undefined && now < found.distrust.until) continue;
      found.distrust = { until: now + found.pauseMs, taken: this.#taken, committed: undefined };
      found.pauseMs = Math.min(2 * found.pauseMs, maxPauseMs);
    }
  }

  /** The log took a frame. */
  noteTaken(): void {
    this.#taken += 1;
  }

  /** The log took a frame of this partition that had waited. */
  restore(partition: number): void {
    const found = this.#partitions[partition];
    if (found?.distrust === undefined) return;
    found.distrust = undefined;
    found.trustedSince = performance.now();
  }

  /** The log answers, and nothing waits. */
  restoreAll(): void {
    for (const partition of this.#partitions.keys()) {
      if (!this.mustWait(partition)) this.restore(partition);
    }
  }

  /** Looks for evidence in how far the replay is, whichever process replays. */
  review(rows: PartitionLag[]): void {
    const committed = rows.reduce((sum, row) => sum + row.committed, 0);
    if (committed > this.#committed) this.#taken += 1;
    this.#committed = committed;
    for (const row of rows) {
      const distrust = this.#partitions[row.partition]?.distrust;
      if (distrust === undefined || this.mustWait(row.partition)) continue;
      const moved = row.committed > (distrust.committed ?? row.committed);
      const evidence = row.end > row.committed ? moved : moved || this.#taken > distrust.taken;
      distrust.committed ??= row.committed;
      if (evidence) this.restore(row.partition);
    }
  }
}
