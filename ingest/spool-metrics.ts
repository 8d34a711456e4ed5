/** What waits in the spool, read when the metrics are. */
import { Gauge, type Registry } from 'prom-client';
import type { Backlog } from '../kafka/port.ts';
import { counted } from './counted.ts';

const STATES: readonly Backlog['state'][] = ['direct', 'spooling', 'replaying'];

export function spoolMetrics(registers: Registry[], backlog: () => Backlog): void {
  new Gauge({
    name: 'footfall_spool_state',
    help: '1 for the state that the way to the log is in',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of STATES) this.set({ state }, backlog().state === state ? 1 : 0);
    },
  });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge(
    'footfall_spool_frames',
    'Frames that are acknowledged and wait in the spool for the log',
    () => backlog().frames,
  );
  gauge('footfall_spool_bytes', 'Bytes that the spool holds', () => backlog().bytes);
  gauge(
    'footfall_spool_max_bytes',
    'Bytes at which the spool refuses; 0 where there is none',
    () => backlog().maxBytes,
  );
  counted(
    registers,
    'footfall_spooled_frames_total',
    'Frames that were put into the spool',
    () => backlog().spooled,
  );
  counted(
    registers,
    'footfall_replayed_frames_total',
    'Frames that were taken from the spool to the log',
    () => backlog().replayed,
  );
}
