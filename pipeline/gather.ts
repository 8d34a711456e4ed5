/**
 * Brings the portions of many partitions together into units of work, since the stores like few, large writes.
 *
 * What comes while a unit is under way waits for the next. A unit starts {@link LINGER_MS} after its
 * first portion came, or at once when {@link UNIT_BYTES} wait, and takes as many portions as fit into that. A partition
 * offers its next portion only after the last one was counted, so a unit has at most one portion of each and what
 * waits is bounded by the log's batch size times the partitions. A portion whose partition is taken away while it waits
 * is dropped.
 *
 * An event of a large unit costs the stores less than one of a small unit. So where events come fast, and none wait, a unit takes
 * {@link SHARE} of the time at most, for as long as they begin within {@link MOST_MS} of each other: its portions are held until then,
 * and what comes meanwhile is read into larger ones.
 * Once every partition waits, nothing more can come, and a unit that is large already starts at once. Where counting is behind no unit is
 * held: it is of all that the log offers at once, or another one is under way beside it.
 *
 * A unit is with one store at a time. So where much waits there are two, each of half of the partitions: one is with the
 * analytics store while the other is with the sessions.
 */
import type { Portion } from './work.ts';

const LINGER_MS = 150;
/** An event takes at least 140 bytes in the log, so a unit stays below the rows that one INSERT may have. */
const UNIT_BYTES = 32 * 1024 * 1024;
const SHARE = 0.4;
const LEAST_MS = 1_000;
const MOST_MS = 2_000;
/** About as much as the partitions of the embedded log offer at once: such a unit gets no larger by waiting. */
const FULL_BYTES = 14 * 1024 * 1024;
const UNITS = 2;
/** So much shows that events come fast. */
const LARGE_BYTES = 1024 * 1024;

export interface Gatherer {
  /** Resolves once the portion is counted; rejects as its unit does. */
  add(portion: Portion): Promise<void>;
}

interface Waiting {
  portion: Portion;
  bytes: number;
  resolve(): void;
  reject(error: unknown): void;
}

/** @param partitions how many there are to wait for */
export function gatherer(run: (portions: Portion[]) => Promise<void>, partitions: () => number): Gatherer {
  const waiting: Waiting[] = [];
  let waitingBytes = 0;
  let units = 0;
  let portionsUnderWay = 0;
  let timer: NodeJS.Timeout | undefined;

  function start(): void {
    clearTimeout(timer);
    timer = undefined;
    if (!mayStart()) return;
    const unit = takeUnit();
    if (unit.length === 0) return;
    units += 1;
    portionsUnderWay += unit.length;
    const began = performance.now();
    run(unit.map(({ portion }) => portion))
      .then(() => pace(unit, began))
      .then(
        () => {
          for (const { resolve } of unit) resolve();
        },
        (error: unknown) => {
          for (const { reject } of unit) reject(error);
        },
      )
      .finally(() => {
        units -= 1;
        portionsUnderWay -= unit.length;
        schedule();
      });
    schedule();
  }

  const muchWaits = () => waitingBytes >= LARGE_BYTES;

  function mayStart(): boolean {
    return waiting.length > 0 && (units === 0 || (units < UNITS && muchWaits()));
  }

  async function pace(unit: Waiting[], began: number): Promise<void> {
    const bytes = unit.reduce((sum, each) => sum + each.bytes, 0);
    const tookMs = performance.now() - began;
    const leftMs = Math.min(MOST_MS, Math.max(LEAST_MS, tookMs / SHARE)) - tookMs;
    const mayGrow = bytes >= LARGE_BYTES && bytes < FULL_BYTES && waiting.length === 0 && units === 1;
    if (mayGrow && leftMs > 0) {
      await new Promise((resume) => setTimeout(resume, leftMs));
    }
  }

  function takeUnit(): Waiting[] {
    for (const each of waiting.filter(({ portion: { signal } }) => signal.aborted)) {
      waiting.splice(waiting.indexOf(each), 1);
      waitingBytes -= each.bytes;
      each.reject(each.portion.signal.reason);
    }
    const most = muchWaits() ? Math.max(1, Math.ceil(partitions() / UNITS)) : waiting.length;
    let unitBytes = 0;
    let portions = 0;
    for (const { bytes } of waiting) {
      if (portions === most || (portions > 0 && unitBytes + bytes > UNIT_BYTES)) break;
      unitBytes += bytes;
      portions += 1;
    }
    waitingBytes -= unitBytes;
    return waiting.splice(0, portions);
  }

  function schedule(): void {
    if (!mayStart()) return;
    const allWait = waiting.length + portionsUnderWay >= partitions();
    if ((allWait && muchWaits()) || waitingBytes >= UNIT_BYTES) start();
    else timer ??= setTimeout(start, LINGER_MS);
  }

  return {
    add(portion) {
      return new Promise((resolve, reject) => {
        const bytes = portion.frames.reduce((sum, { body }) => sum + body.byteLength, 0);
        waiting.push({ portion, bytes, resolve, reject });
        waitingBytes += bytes;
        schedule();
      });
    },
  };
}
