/**
 * Gathers events of a partition into frames and appends them to the log.
 *
 * A frame is open from its first event until it holds {@link MAX_FRAME_EVENTS} events or {@link FRAME_BYTES}, or is
 * {@link LINGER_MS} old; then it is appended, and everyone who put an event into it learns the outcome together. Under load frames
 * are full and the log writes few, large records; a lone beacon waits at most the linger.
 *
 * What is dropped by policy is counted in the log as well: a frame ends with one line that says how many beacons of
 * which reason were dropped while it was open. So the ledger knows of them, however the collector ends.
 */
import type { Drops, Event } from '../contract/event.ts';
import type { DropReason } from '../contract/outcome.ts';
import type { EventLog } from '../kafka/port.ts';
import { partitionOf } from './event-of.ts';

const MAX_FRAME_EVENTS = 500;
const FRAME_BYTES = 64 * 1024;
const LINGER_MS = 5;
/** Events that are not yet durable, in bytes. Beyond it the collector refuses, so that its memory stays bounded. */
const MAX_PENDING_BYTES = 64 * 1024 * 1024;

export class OverloadedError extends Error {
  override readonly name = 'OverloadedError';
  readonly retryable = true;
}

export interface Framer {
  /** Resolves once all these events are durable. Rejects with the log's error, or with {@link OverloadedError}. */
  add(events: Event[]): Promise<void>;
  /** Resolves once the log knows that these beacons were dropped. Rejects as {@link add}. */
  drop(reason: DropReason, beacons: number, receivedAt: number): Promise<void>;
  readonly pendingBytes: number;
}

interface OpenFrame {
  lines: string[];
  drops: Drops | undefined;
  bytes: number;
  durable: Promise<void>;
  close(): void;
}

export interface FramerOptions {
  maxPendingBytes?: number;
  onAppended?(events: number, bytes: number): void;
}

export function framer(log: EventLog, options: FramerOptions = {}): Framer {
  const { maxPendingBytes = MAX_PENDING_BYTES, onAppended } = options;
  const open = new Map<number, OpenFrame>();
  let pendingBytes = 0;

  function openFrame(partition: number): OpenFrame {
    const lines: string[] = [];
    let resolve = () => {};
    let reject = (_cause: unknown) => {};
    const durable = new Promise<void>((onDurable, onFailure) => {
      resolve = onDurable;
      reject = onFailure;
    });
    const timer = setTimeout(() => frame.close(), LINGER_MS);
    const frame: OpenFrame = {
      lines,
      drops: undefined,
      bytes: 0,
      durable,
      close() {
        clearTimeout(timer);
        open.delete(partition);
        const { bytes, drops } = frame;
        const body = Buffer.from(lines.join('') + (drops === undefined ? '' : lineOf(drops)));
        log
          .append(partition, body)
          .then(() => {
            onAppended?.(lines.length, body.byteLength);
            resolve();
          }, reject)
          .finally(() => {
            pendingBytes -= bytes;
          });
      },
    };
    open.set(partition, frame);
    return frame;
  }

  function refuseWhenFull(): void {
    if (pendingBytes > maxPendingBytes) throw new OverloadedError('too many beacons wait for the log');
  }

  return {
    get pendingBytes() {
      return pendingBytes;
    },
    async add(events) {
      refuseWhenFull();
      const frames = new Set<Promise<void>>();
      for (const event of events) {
        const partition = partitionOf(event.visitor, log.partitions);
        const line = lineOf(event);
        const frame = open.get(partition) ?? openFrame(partition);
        frame.lines.push(line);
        frame.bytes += line.length;
        pendingBytes += line.length;
        frames.add(frame.durable);
        if (frame.lines.length >= MAX_FRAME_EVENTS || frame.bytes >= FRAME_BYTES) frame.close();
      }
      await Promise.all(frames);
    },
    async drop(reason, beacons, receivedAt) {
      refuseWhenFull();
      // Any partition will do: one whose frame is open anyway.
      const [frame = openFrame(0)] = open.values();
      frame.drops ??= { received_at: receivedAt, dropped: {} };
      frame.drops.dropped[reason] = (frame.drops.dropped[reason] ?? 0) + beacons;
      await frame.durable;
    },
  };
}

function lineOf(value: Event | Drops): string {
  return `${JSON.stringify(value)}\n`;
}
