/** Frames on their way to the log: how large they are, and how long beacons wait until theirs is durable. */
import { Histogram, type Registry } from 'prom-client';
import type { AppendedFrame } from './framer.ts';

/** Where a frame is durable. */
const PLACES = ['log', 'spool'] as const;

const KIB = 1_024;

/** Answers what is to be told of each frame: some hundred nanoseconds, so for frames and not for beacons. */
export function frameMetrics(registers: Registry[]): (frame: AppendedFrame) => void {
  const labelNames = ['into'];
  const seconds = new Histogram({
    name: 'footfall_append_seconds',
    help: 'Time until a frame was durable, by where it is',
    labelNames,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const events = new Histogram({
    name: 'footfall_frame_events',
    help: 'Events in a frame, by where it is',
    labelNames,
    buckets: [1, 5, 20, 50, 100, 200, 500],
    registers,
  });
  const bytes = new Histogram({
    name: 'footfall_frame_bytes',
    help: 'Bytes of a frame, by where it is',
    labelNames,
    buckets: [KIB / 2, KIB, 4 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 128 * KIB],
    registers,
  });
  const [ofLog, ofSpool] = PLACES.map((into) => {
    for (const histogram of [seconds, events, bytes]) histogram.zero({ into });
    return { seconds: seconds.labels(into), events: events.labels(into), bytes: bytes.labels(into) };
  });

  return (frame) => {
    const into = frame.offset === undefined ? ofSpool : ofLog;
    into?.seconds.observe(frame.seconds);
    into?.events.observe(frame.events);
    into?.bytes.observe(frame.bytes);
  };
}
