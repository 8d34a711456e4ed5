/**
 * Gathers events of a partition into frames and appends them to the log.
 *
 * A frame is open from its first event until it holds {@link MAX_FRAME_EVENTS} events or {@link FRAME_BYTES}, or the first of all that are
 * open is {@link LINGER_MS} old, or {@link MANY_WAITING} wait and the log has nothing else to do; then it is appended, and everyone who put
 * an event into it learns the outcome together. Under load frames are full and the log writes few, large records; a lone beacon waits at most
 * the linger. The frames of all partitions are closed together, so that the log makes them durable together, and not a few at a time.
 *
 * What is dropped by policy is counted in the log as well: a frame ends with one line that says how many beacons of
 * which reason were dropped while it was open. So the ledger knows of them, however the collector ends.
 */
import type { Drops, Event } from '../contract/event.ts';
import type { DropReason } from '../contract/outcome.ts';
import type { EventLog } from '../kafka/port.ts';
import { eventLine, lineOf } from './event-line.ts';
import { partitionOf } from './event-of.ts';
import { FrameBody } from './frame-body.ts';

const MAX_FRAME_EVENTS = 500;
const FRAME_BYTES = 64 * 1024;
const LINGER_MS = 5;
/** So many callers share the cost of an append: it would not be much less with more of them. */
const MANY_WAITING = 100;
/** Events that are not yet durable, in bytes. Beyond it the collector refuses, so that its memory stays bounded. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

export class OverloadedError extends Error {
  override readonly name = 'OverloadedError';
  readonly retryable = true;
}

/** Without an error: the log has it. With one: the log's, or {@link OverloadedError}. May be called before `add` returns. */
export type Settle = (error?: unknown) => void;

export interface Framer {
  /**
   * Settles once, when all these events are durable or one of their frames is not.
   * @param verbatim as {@link eventLine} has it
   */
  add(events: readonly Event[], verbatim: boolean, settle: Settle): void;
  /** Settles once the log knows that these beacons were dropped. */
  drop(reason: DropReason, beacons: number, receivedAt: number, settle: Settle): void;
  readonly pendingBytes: number;
  /** With more it refuses. */
  readonly maxPendingBytes: number;
}

/** A frame that is durable. */
export interface AppendedFrame {
  partition: number;
  /** None where it waits in a spool. */
  offset: number | undefined;
  events: number;
  bytes: number;
  /** From the append to that. */
  seconds: number;
}

export interface FramerOptions {
  maxPendingBytes?: number;
  onAppended?(frame: AppendedFrame): void;
}

/** Events that were added together: in as many frames as their visitors have partitions. */
class Addition {
  readonly #settle: Settle;
  #frames = 0;
  #complete = false;
  #error: unknown;

  constructor(settle: Settle) {
    this.#settle = settle;
  }

  enter(frame: OpenFrame): void {
    if (frame.additions.at(-1) === this) return;
    frame.additions.push(this);
    this.#frames += 1;
  }

  leave(error: unknown): void {
    this.#frames -= 1;
    this.#error ??= error;
    if (this.#complete && this.#frames === 0) this.#settle(this.#error);
  }

  /** All events are in frames. */
  complete(): void {
    this.#complete = true;
    if (this.#frames === 0) this.#settle(this.#error);
  }
}

interface OpenFrame {
  readonly partition: number;
  readonly body: FrameBody;
  readonly additions: Addition[];
  drops: Drops | undefined;
  events: number;
  bytes: number;
}

/** Lines of events that came together, for one partition. */
interface Lines {
  text: string;
  events: number;
}

export function framer(log: Pick<EventLog, 'partitions' | 'append'>, options: FramerOptions = {}): Framer {
  const { maxPendingBytes = MAX_PENDING_BYTES, onAppended } = options;
  const open: (OpenFrame | undefined)[] = Array.from({ length: log.partitions });
  const bodies = Array.from({ length: log.partitions }, () => new FrameBody(FRAME_BYTES));
  let pendingBytes = 0;
  /** Callers since frames were last closed together. */
  let waiting = 0;
  /** Appends that the log has not settled. */
  let appending = 0;
  /** Runs while a frame is open, and at most once more. */
  let linger: NodeJS.Timeout | undefined;

  function frameOf(partition: number): OpenFrame {
    const found = open[partition];
    if (found !== undefined) return found;
    const body = bodies[partition] ?? new FrameBody(FRAME_BYTES);
    const frame: OpenFrame = { partition, body, additions: [], drops: undefined, events: 0, bytes: 0 };
    open[partition] = frame;
    if (linger === undefined) linger = setTimeout(closeAll, LINGER_MS);
    return frame;
  }

  function enter(partition: number, { text, events }: Lines, addition: Addition): void {
    let frame = frameOf(partition);
    if (frame.events > 0 && !frame.body.hasRoomFor(text)) {
      close(frame);
      frame = frameOf(partition);
    }
    const bytes = frame.body.write(text);
    frame.events += events;
    frame.bytes += bytes;
    pendingBytes += bytes;
    addition.enter(frame);
    if (frame.events >= MAX_FRAME_EVENTS || frame.bytes >= FRAME_BYTES) close(frame);
  }

  function close(frame: OpenFrame): void {
    const { partition, body, additions, drops, events, bytes } = frame;
    open[partition] = undefined;
    appending += 1;
    if (drops !== undefined) body.write(lineOf(drops));
    const closed = body.take();
    const began = performance.now();
    log.append(partition, closed).then(
      (offset) => {
        appended(bytes);
        const seconds = (performance.now() - began) / 1_000;
        onAppended?.({ partition, offset, events, bytes: closed.byteLength, seconds });
        for (const addition of additions) addition.leave(undefined);
      },
      (error: unknown) => {
        appended(bytes);
        for (const addition of additions) addition.leave(error);
      },
    );
  }

  function appended(bytes: number): void {
    pendingBytes -= bytes;
    appending -= 1;
    closeWhereManyWait();
  }

  function closeWhereManyWait(): void {
    if (waiting >= MANY_WAITING && appending === 0) closeAll();
  }

  function closeAll(): void {
    clearTimeout(linger);
    linger = undefined;
    waiting = 0;
    for (const frame of open) if (frame !== undefined) close(frame);
  }

  function full(settle: Settle): boolean {
    if (pendingBytes <= maxPendingBytes) return false;
    settle(new OverloadedError('too many beacons wait for the log'));
    return true;
  }

  function complete(addition: Addition): void {
    addition.complete();
    waiting += 1;
    closeWhereManyWait();
  }

  function byPartition(events: readonly Event[], verbatim: boolean): Iterable<[number, Lines]> {
    const [only] = events;
    if (only !== undefined && events.length === 1) {
      return [[partitionOf(only, log.partitions), { text: eventLine(only, verbatim), events: 1 }]];
    }
    const found = new Map<number, Lines>();
    for (const event of events) {
      const line = eventLine(event, verbatim);
      const partition = partitionOf(event, log.partitions);
      const lines = found.get(partition);
      if (lines === undefined) found.set(partition, { text: line, events: 1 });
      else {
        lines.text += line;
        lines.events += 1;
      }
    }
    return found;
  }

  return {
    maxPendingBytes,
    get pendingBytes() {
      return pendingBytes;
    },
    add(events, verbatim, settle) {
      if (full(settle)) return;
      const addition = new Addition(settle);
      for (const [partition, lines] of byPartition(events, verbatim)) enter(partition, lines, addition);
      complete(addition);
    },
    drop(reason, beacons, receivedAt, settle) {
      if (full(settle)) return;
      // Any partition will do: one whose frame is open anyway.
      const frame = open.find((each) => each !== undefined) ?? frameOf(0);
      frame.drops ??= { received_at: receivedAt, dropped: {} };
      frame.drops.dropped[reason] = (frame.drops.dropped[reason] ?? 0) + beacons;
      const addition = new Addition(settle);
      addition.enter(frame);
      complete(addition);
    },
  };
}
