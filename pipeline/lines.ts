/** The lines of a frame, and what they say. */
import { isUtf8 } from 'node:buffer';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Uuid } from '../contract/beacon.ts';
import { Drops, Event } from '../contract/event.ts';
import { visitorNumber } from '../contract/visitor.ts';
import { type EventKey, eventKey } from './event-key.ts';
import { SharedTexts } from './shared-texts.ts';

const NEWLINE = 0x0a;
const Instant = Type.Integer({
  minimum: 0,
  maximum: Date.UTC(2149, 0, 1),
  description: "ClickHouse's days end in 2149",
});

/** An event that every store takes: one that a store refused would hold up its partition for ever. */
const eventSchema = Compile(
  Type.Object({
    ...Event.properties,
    received_at: Instant,
    ts: Type.Optional(Instant),
    event_id: Type.Optional(Uuid),
    community_id: Type.Optional(Uuid),
    division_id: Type.Optional(Uuid),
  }),
);

const dropsSchema = Compile(Type.Object({ ...Drops.properties, received_at: Instant }));

const texts = new SharedTexts();

/** Of a frame. Bytes and not text where nobody can read it: a dead letter is kept as it came. */
export type Line =
  | { kind: 'event'; event: Event; visitor: string; key: EventKey | undefined }
  | { kind: 'drops'; drops: Drops }
  | { kind: 'unreadable'; reason: string; body: Buffer };

export function linesOf(body: Buffer): Line[] {
  if (!isUtf8(body)) return [...piecesOf(body)].map(lineOfBytes);
  // One text for all lines: a buffer for each costs as much as to parse it.
  return body
    .toString('utf8')
    .split('\n')
    .filter((text) => text !== '')
    .map(lineOf);
}

function* piecesOf(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; ) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline === -1 ? body.length : newline;
    if (end > start) yield body.subarray(start, end);
    start = end + 1;
  }
}

function lineOfBytes(body: Buffer): Line {
  return isUtf8(body) ? lineOf(body.toString('utf8')) : { kind: 'unreadable', reason: 'not UTF-8', body };
}

/** An event, a count of drops, or why it is neither. */
function lineOf(text: string): Line {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    return unreadable(text, `not JSON: ${cause instanceof Error ? cause.message : cause}`);
  }
  const event = fieldsOf(value);
  if (eventSchema.Check(event)) {
    const visitor = visitorNumber(event.visitor);
    const key = event.event_id === undefined ? undefined : eventKey(visitor, event.event_id);
    return { kind: 'event', event, visitor, key };
  }
  if (dropsSchema.Check(value)) return { kind: 'drops', drops: value };
  const [first] = eventSchema.Errors(value);
  return unreadable(text, `not an event: ${first?.instancePath ?? ''} ${first?.message ?? ''}`);
}

function unreadable(text: string, reason: string): Line {
  return { kind: 'unreadable', reason, body: Buffer.from(text) };
}

/** All that an event may have, and nothing else, so that events have one shape, whatever stands in their lines. */
function fieldsOf(value: unknown): Record<keyof Event, unknown> | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const fields: Partial<Record<keyof Event, unknown>> = value;
  return {
    type: fields.type,
    received_at: fields.received_at,
    ts: fields.ts,
    visitor: fields.visitor,
    visitor_before: fields.visitor_before,
    event_id: fields.event_id,
    late: fields.late,
    session_id: fields.session_id,
    user_id: fields.user_id,
    community_id: texts.of(fields.community_id),
    division_id: texts.of(fields.division_id),
    url: texts.of(fields.url),
    referrer: texts.of(fields.referrer),
    title: texts.of(fields.title),
    language: fields.language,
    screen: fields.screen,
    country: fields.country,
    browser: fields.browser,
    os: fields.os,
    device: fields.device,
  };
}
