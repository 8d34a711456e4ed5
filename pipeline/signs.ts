/**
 * What presence needs of a frame, found without reading the rest of it: it comes first and has to be quick, and objects that waited
 * for counting would be copied by the garbage collector, the more the further counting is behind.
 *
 * A name with its quotes and colon cannot stand inside of a JSON text, where quotes are escaped, so what follows it is its value.
 */

import type { Event } from '../contract/event.ts';
import { visitorNumber } from '../contract/visitor.ts';
import type { VisitorSign } from '../redis/visitor-tracker.ts';
import { type EventKey, eventKey } from './event-key.ts';

export interface NamedSign {
  sign: VisitorSign;
  /** Hashes of the visitor. */
  names: Pick<Event, 'visitor' | 'visitor_before'>;
  /** Of the visitor and the event id; undefined where it has none. */
  key: EventKey | undefined;
}

const VISITOR = /^[0-9a-f]{64}$/;

/** Of each event of a frame, in order. What is no event says nothing. */
export function* signsOf(body: Buffer): Generator<NamedSign> {
  // All that is looked for is ASCII.
  const text = body.toString('latin1');
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline === -1 ? text.length : newline;
    const sign = signOf(text.slice(start, end));
    if (sign !== undefined) yield sign;
    start = end + 1;
  }
}

function signOf(line: string): NamedSign | undefined {
  const hash = textAfter(line, '"visitor":"');
  const at = numberAfter(line, '"ts":') ?? numberAfter(line, '"received_at":');
  if (hash === undefined || !VISITOR.test(hash) || at === undefined) return undefined;
  const visitor = visitorNumber(hash);
  const eventId = textAfter(line, '"event_id":"');
  const community = textAfter(line, '"community_id":"');
  return {
    sign: {
      visitor,
      communityId: community === undefined ? undefined : copyOf(community),
      at,
      leaving: line.includes('"type":"leave"'),
    },
    names: { visitor: hash, visitor_before: textAfter(line, '"visitor_before":"') },
    key: eventId === undefined ? undefined : eventKey(visitor, eventId),
  };
}

function textAfter(line: string, name: string): string | undefined {
  const found = line.indexOf(name);
  if (found === -1) return undefined;
  const start = found + name.length;
  return line.slice(start, line.indexOf('"', start));
}

function numberAfter(line: string, name: string): number | undefined {
  const found = line.indexOf(name);
  if (found === -1) return undefined;
  const number = Number.parseInt(line.slice(found + name.length), 10);
  return Number.isNaN(number) ? undefined : number;
}

/** V8 keeps a whole text in memory for a part of it, and who is online is kept for minutes. */
function copyOf(part: string): string {
  return Buffer.from(part, 'latin1').toString('latin1');
}
