/** What the collector counts. Names and meanings are listed in docs/operations.md. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { DROP_REASONS, type DropReason, REJECT_REASONS, type RejectReason } from '../contract/outcome.ts';
import type { Backlog } from '../kafka/port.ts';
import { counted } from './counted.ts';
import { frameMetrics } from './frame-metrics.ts';
import type { AppendedFrame } from './framer.ts';
import { spoolMetrics } from './spool-metrics.ts';

export interface CollectorMetrics {
  /** @param late of the beacons */
  accepted(beacons: number, late: number): void;
  dropped(reason: DropReason, beacons: number): void;
  dropNotRecorded(beacons: number): void;
  rejected(reason: RejectReason): void;
  /** A rate limit that is this collector's alone. */
  unshared(): void;
  /** A bug. */
  failed(): void;
  aborted(): void;
  frame(frame: AppendedFrame): void;
}

/** What is read when the metrics are. */
interface Measured {
  pendingBytes(): number;
  backlog(): Backlog;
}

export function collectorMetrics(registry: Registry, measured: Measured): CollectorMetrics {
  const registers = [registry];
  // Counted for every request, so by the cheapest means there are.
  let [accepted, late] = [0, 0];
  counted(
    registers,
    'footfall_beacons_accepted_total',
    'Beacons acknowledged and durable in the log',
    () => accepted,
  );
  counted(
    registers,
    'footfall_beacons_late_total',
    'Accepted beacons that had waited in a browser or tracker and may have been sent before',
    () => late,
  );
  const dropped = new Counter({
    name: 'footfall_beacons_dropped_total',
    help: 'Beacons acknowledged and, by policy, not counted',
    labelNames: ['reason'],
    registers,
  });
  const notRecorded = new Counter({
    name: 'footfall_drops_not_recorded_total',
    help: 'Dropped beacons that the ledger will not know of, since the log was away',
    registers,
  });
  const rejected = new Map<RejectReason, number>(REJECT_REASONS.map((reason) => [reason, 0]));
  new Counter({
    name: 'footfall_requests_rejected_total',
    help: 'Requests refused, of which nothing was taken',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset();
      for (const [reason, requests] of rejected) this.inc({ reason }, requests);
    },
  });
  const unshared = new Counter({
    name: 'footfall_rate_limits_unshared_total',
    help: 'Reports of what an address sent that the live store did not take: other collectors do not know of it',
    registers,
  });
  const failed = new Counter({
    name: 'footfall_requests_failed_total',
    help: 'Requests answered 500: a bug, of which the log tells',
    registers,
  });
  const aborted = new Counter({
    name: 'footfall_requests_aborted_total',
    help: 'Requests whose client left before the answer',
    registers,
  });
  new Gauge({
    name: 'footfall_pending_bytes',
    help: 'Bytes of events that are not durable yet',
    registers,
    collect() {
      this.set(measured.pendingBytes());
    },
  });
  spoolMetrics(registers, () => measured.backlog());

  for (const reason of DROP_REASONS) dropped.inc({ reason }, 0);

  return {
    accepted: (beacons, ofThemLate) => {
      accepted += beacons;
      late += ofThemLate;
    },
    dropped: (reason, beacons) => dropped.inc({ reason }, beacons),
    dropNotRecorded: (beacons) => notRecorded.inc(beacons),
    rejected: (reason) => rejected.set(reason, (rejected.get(reason) ?? 0) + 1),
    unshared: () => unshared.inc(),
    aborted: () => aborted.inc(),
    failed: () => failed.inc(),
    frame: frameMetrics(registers),
  };
}
