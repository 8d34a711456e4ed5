/** How old what a pipeline has read and not counted is: the one number that says how far behind it is for people. */
import type { LogBatch } from '../kafka/port.ts';
import { linesOf } from './lines.ts';

const NEWLINE = 0x0a;

export class Ages {
  /** Partitions of ours, with the receipt of the oldest event under way, ms since the epoch. */
  readonly #since = new Map<number, number | undefined>();

  /** Nothing of it is under way yet. */
  hold(partition: number): void {
    this.#since.set(partition, undefined);
  }

  release(partition: number): void {
    this.#since.delete(partition);
  }

  /** Frames of a partition are in order but for those of several collectors, so the first line tells. */
  begin({ partition, frames }: LogBatch, now: number): void {
    this.#since.set(partition, receiptOf(frames[0]?.body) ?? now);
  }

  end(partition: number): void {
    if (this.#since.has(partition)) this.#since.set(partition, undefined);
  }

  /** Seconds by partition; 0 where nothing is under way. */
  at(now: number): Map<number, number> {
    const seconds = (since = now) => Math.max(0, now - since) / 1_000;
    return new Map([...this.#since].map(([partition, since]) => [partition, seconds(since)]));
  }
}

/** By the collector's clock. */
function receiptOf(body: Buffer | undefined): number | undefined {
  if (body === undefined) return undefined;
  const end = body.indexOf(NEWLINE);
  const [line] = linesOf(end === -1 ? body : body.subarray(0, end));
  if (line?.kind === 'event') return line.event.received_at;
  return line?.kind === 'drops' ? line.drops.received_at : undefined;
}
