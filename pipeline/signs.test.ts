import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BEACON_TYPES } from '../contract/beacon.ts';
import { type Event, happenedAt } from '../contract/event.ts';
import { linesOf } from './lines.ts';
import { signsOf } from './signs.ts';

const VISITOR = 'a'.repeat(64);
const lineOf = (value: object) => `${JSON.stringify(value)}\n`;
const hash = fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: 64, maxLength: 64 });
/** With all that could be taken for a name, and characters of one to four bytes. */
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.constantFrom('"visitor":"', ',"ts":1,', '"type":"leave"', '\\"event_id":"', '"community_id":"x"', '\n'),
);
const instant = fc.integer({ min: 0, max: Date.UTC(2149, 0, 1) });
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const event: fc.Arbitrary<Event> = fc.record({
  type: fc.constantFrom(...BEACON_TYPES),
  received_at: instant,
  ts: optional(instant),
  visitor: hash,
  visitor_before: optional(hash),
  url: text,
  event_id: optional(fc.uuid()),
  late: optional(fc.constant(true)),
  session_id: optional(text),
  user_id: optional(text),
  community_id: optional(fc.uuid()),
  division_id: optional(fc.uuid()),
  referrer: optional(text),
  title: optional(text),
  language: optional(text),
  screen: optional(text),
  country: optional(text),
  browser: optional(text),
  os: optional(text),
  device: optional(text),
});
const noEvent = fc.constantFrom(
  lineOf({ received_at: 1_700_000_000_000, dropped: { bot: 3 } }),
  'no JSON\n',
  '\n',
  '{"type":"page_view","received_at":5,"visitor":"short","url":"/"}\n',
  `{"type":"page_view","visitor":"${VISITOR}","url":"/"}\n`,
  `{"type":"page_view","received_at":"five","visitor":"${VISITOR}","url":"/"}\n`,
);

test('of any frame: the signs of the events that counting reads in it, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(event.map(lineOf), noEvent)), (lines) => {
      const body = Buffer.from(lines.join(''));
      const expected = linesOf(body).flatMap((line) => {
        if (line.kind !== 'event') return [];
        const { visitor, key, event: of } = line;
        const { community_id: communityId, type, visitor_before } = of;
        const names = { visitor: of.visitor, visitor_before };
        return { sign: { visitor, communityId, at: happenedAt(of), leaving: type === 'leave' }, names, key };
      });
      expect([...signsOf(body)]).toEqual(expected);
    }),
  );
});
