/** What the collector counts. Names and meanings are listed in docs/operations.md. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import { DROP_REASONS, type DropReason, REJECT_STATUS, type RejectReason } from '../contract/outcome.ts';
import type { Backlog } from '../kafka/port.ts';

export interface CollectorMetrics {
  accepted(beacons: number): void;
  /** Of those accepted. */
  late(beacons: number): void;
  dropped(reason: DropReason, beacons: number): void;
  dropNotRecorded(beacons: number): void;
  rejected(reason: RejectReason): void;
  /** A request that passed without a rate limit. */
  unlimited(): void;
  aborted(): void;
  frame(events: number, bytes: number): void;
}

/** What is read when the metrics are. */
interface Measured {
  pendingBytes(): number;
  backlog(): Backlog;
}

const SPOOL_STATES: readonly Backlog['state'][] = ['direct', 'spooling', 'replaying'];

export function collectorMetrics(registry: Registry, measured: Measured): CollectorMetrics {
  const registers = [registry];
  const accepted = new Counter({
    name: 'footfall_beacons_accepted_total',
    help: 'Beacons acknowledged and durable in the log',
    registers,
  });
  const late = new Counter({
    name: 'footfall_beacons_late_total',
    help: 'Accepted beacons that had waited in a browser or tracker and may have been sent before',
    registers,
  });
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
  const rejected = new Counter({
    name: 'footfall_requests_rejected_total',
    help: 'Requests refused, of which nothing was taken',
    labelNames: ['reason'],
    registers,
  });
  const unlimited = new Counter({
    name: 'footfall_requests_unlimited_total',
    help: 'Requests that passed without a rate limit since the live store was away',
    registers,
  });
  const aborted = new Counter({
    name: 'footfall_requests_aborted_total',
    help: 'Requests whose client left before the answer',
    registers,
  });
  const frameEvents = new Histogram({
    name: 'footfall_frame_events',
    help: 'Events in a frame of the log',
    buckets: [1, 5, 20, 50, 100, 200, 500],
    registers,
  });
  const frameBytes = new Counter({
    name: 'footfall_frame_bytes_total',
    help: 'Bytes of frames appended to the log',
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
  for (const reason of Object.keys(REJECT_STATUS)) rejected.inc({ reason }, 0);

  return {
    accepted: (beacons) => accepted.inc(beacons),
    late: (beacons) => late.inc(beacons),
    dropped: (reason, beacons) => dropped.inc({ reason }, beacons),
    dropNotRecorded: (beacons) => notRecorded.inc(beacons),
    rejected: (reason) => rejected.inc({ reason }),
    unlimited: () => unlimited.inc(),
    aborted: () => aborted.inc(),
    frame: (events, bytes) => {
      frameEvents.observe(events);
      frameBytes.inc(bytes);
    },
  };
}

function spoolMetrics(registers: Registry[], backlog: () => Backlog): void {
  new Gauge({
    name: 'footfall_spool_state',
    help: '1 for the state that the way to the log is in',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of SPOOL_STATES) this.set({ state }, backlog().state === state ? 1 : 0);
    },
  });
  new Gauge({
    name: 'footfall_spool_frames',
    help: 'Frames that are acknowledged and wait in the spool for the log',
    registers,
    collect() {
      this.set(backlog().frames);
    },
  });
  new Gauge({
    name: 'footfall_spool_bytes',
    help: 'Bytes that the spool holds, of at most SPOOL_MAX_BYTES',
    registers,
    collect() {
      this.set(backlog().bytes);
    },
  });
  new Counter({
    name: 'footfall_spooled_frames_total',
    help: 'Frames that were put into the spool',
    registers,
    collect() {
      this.reset();
      this.inc(backlog().spooled);
    },
  });
  new Counter({
    name: 'footfall_replayed_frames_total',
    help: 'Frames that were taken from the spool to the log',
    registers,
    collect() {
      this.reset();
      this.inc(backlog().replayed);
    },
  });
}
