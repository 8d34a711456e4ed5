/**
 * Who comes and goes, straight from the log.
 *
 * Counting takes its time: units are gathered, two stores have to say that they have them. Presence needs neither, so it has a
 * group of its own that reads the same frames as soon as they are there. It promises less: a frame that the live store does
 * not take is not read again, but made up for from raw. It begins where counting is: what raw has by then, presence has
 * been filled with.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { type Event, happenedAt } from '../contract/event.ts';
import { type EventLog, type Frame, LIVE_GROUP, PIPELINE_GROUP, type Subscription } from '../kafka/port.ts';
import type { VisitorSign } from '../redis/visitor-tracker.ts';
import { windowKey } from './duplicate-window.ts';
import { linesOf, parseLine } from './lines.ts';
import { visitorNumber } from './visitor-number.ts';

/** Between two batches of a partition: each is a commit in the log. */
const PACE_MS = 25;
/** Of the event ids last seen: a beacon that is sent again after a leave must not bring its visitor back. */
const KNOWN_EVENTS = 100_000;

export interface LiveReaderOptions {
  log: Pick<EventLog, 'subscribe' | 'lag'>;
  /** Never rejects. */
  note(signs: VisitorSign[]): Promise<void>;
}

export function startLiveReader({ log, note }: LiveReaderOptions): Promise<Subscription> {
  const known = new LRUCache<string, true>({ max: KNOWN_EVENTS });

  function isRepeat({ visitor, event_id }: Event): boolean {
    if (event_id === undefined) return false;
    const key = windowKey(visitorNumber(visitor), event_id);
    if (known.has(key)) return true;
    known.set(key, true);
    return false;
  }

  function* signsIn(frames: readonly Frame[]): Generator<VisitorSign> {
    for (const { body } of frames) {
      for (const line of linesOf(body)) {
        const said = parseLine(line);
        if (said instanceof Error || 'dropped' in said || isRepeat(said)) continue;
        yield {
          visitor: visitorNumber(said.visitor),
          communityId: said.community_id,
          at: happenedAt(said),
          leaving: said.type === 'leave',
        };
      }
    }
  }

  return log.subscribe(LIVE_GROUP, {
    async assigned(partition, committed) {
      const counted = (await log.lag(PIPELINE_GROUP)).find((each) => each.partition === partition);
      return counted?.committed ?? committed;
    },
    async batch({ frames }, signal) {
      await note([...signsIn(frames)]);
      await pause(PACE_MS, undefined, { signal }).catch(() => {});
    },
    revoked() {},
  });
}
