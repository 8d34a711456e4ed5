/** The lines of a frame, and what they say. */
import { isUtf8 } from 'node:buffer';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Uuid } from '../contract/beacon.ts';
import { Drops, Event } from '../contract/event.ts';

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

/** Bytes and not text: a dead letter is kept as it came. */
export function* linesOf(body: Buffer): Generator<Buffer> {
  for (let start = 0; start < body.length; ) {
    const newline = body.indexOf(NEWLINE, start);
    const end = newline === -1 ? body.length : newline;
    if (end > start) yield body.subarray(start, end);
    start = end + 1;
  }
}

/** An event, a count of drops, or why it is neither. */
export function parseLine(line: Buffer): Event | Drops | Error {
  if (!isUtf8(line)) return new Error('not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch (cause) {
    return new Error(`not JSON: ${cause instanceof Error ? cause.message : cause}`, { cause });
  }
  if (eventSchema.Check(value)) return value;
  if (dropsSchema.Check(value)) return value;
  const [first] = eventSchema.Errors(value);
  return new Error(`not an event: ${first?.instancePath ?? ''} ${first?.message ?? ''}`);
}
