/**
 * Who comes and goes, straight from the log.
 *
 * Counting takes its time: units are gathered, two stores have to say that they have them. Presence needs neither, so it has a
 * group of its own that reads the same frames as soon as they are there. It promises less: a frame that the live store does
 * not take is not read again, but made up for from raw. It begins where counting is: what raw has by then, presence has
 * been filled with.
 */
import { setTimeout as pause } from 'node:timers/promises';
import {
  type EventLog,
  LIVE_GROUP,
  type LogBatch,
  PIPELINE_GROUP,
  type Subscription,
} from '../kafka/port.ts';
import type { VisitorSign } from '../redis/visitor-tracker.ts';
import { LastKeys } from './last-keys.ts';
import { type NamedSign, signsOf } from './signs.ts';

/** Between two batches of a partition. All partitions read at the same instants, so that their signs are noted together. */
const PACE_MS = 25;
/** Where reading begins is told by counting; what is committed here only lets the log remove frames. */
const COMMIT_WITHIN_MS = 1_000;
/** Of the event ids last seen: a beacon that is sent again after a leave must not bring its visitor back. */
const KNOWN_EVENTS = 100_000;

export interface LiveReaderOptions {
  log: Pick<EventLog, 'subscribe' | 'lag'>;
  /** Who is known by another name than the sign says. Never rejects. */
  recognise(signs: NamedSign[]): Promise<VisitorSign[]>;
  /** Never rejects. */
  note(signs: VisitorSign[]): Promise<void>;
}

export function startLiveReader({ log, recognise, note }: LiveReaderOptions): Promise<Subscription> {
  const known = new LastKeys(KNOWN_EVENTS);

  function* signsIn({ frames }: LogBatch): Generator<NamedSign> {
    for (const { body } of frames) {
      for (const named of signsOf(body)) if (named.key === undefined || known.add(named.key)) yield named;
    }
  }

  return log.subscribe(LIVE_GROUP, {
    commitWithinMs: COMMIT_WITHIN_MS,
    async assigned(partition, committed) {
      const counted = (await log.lag(PIPELINE_GROUP)).find((each) => each.partition === partition);
      return counted?.committed ?? committed;
    },
    async batch(batch, signal) {
      await note(await recognise([...signsIn(batch)]));
      await pause(PACE_MS - (performance.now() % PACE_MS), undefined, { signal }).catch(() => {});
    },
    revoked() {},
  });
}
