import { describe, expect, it } from 'vitest';
import { NIL_UUID } from '../clickhouse/port.ts';
import type { Event } from '../contract/event.ts';
import { calendar } from '../contract/reporting-day.ts';
import { visitorNumber } from '../contract/visitor.ts';
import { event, MINUTE, NOW, uuid, visitor } from './events.fixture.ts';
import { eventRow, sessionDeltas } from './rows.ts';

const at = (minutes: number) => NOW + minutes * MINUTE;
const kathmandu = calendar('Asia/Kathmandu');
const entry = (fields: Partial<Event>, offset: number, index: number) => {
  const made = event(fields);
  return {
    event: made,
    visitor: visitorNumber(made.visitor),
    key: undefined,
    offset,
    index,
    communityDivision: undefined,
    divisionType: undefined,
  };
};
const row = (fields: Partial<Event>) => eventRow(entry(fields, 7, 3), 2, kathmandu);
const deltas = (...events: Partial<Event>[]) =>
  sessionDeltas(events.map((fields, index) => entry(fields, 0, index)));

describe('the row of an event', () => {
  it('has its place in the log and the day and hour of the reporting zone', () => {
    const received_at = Date.parse('2026-03-10T18:20:00Z');
    expect(row({ received_at })).toMatchObject({
      log_partition: 2,
      log_offset: 7,
      log_index: 3,
      happened_at: received_at,
      day: '2026-03-11',
      hour: Date.parse('2026-03-10T18:15:00Z'),
    });
  });

  it('has the first 64 bits of the HMAC as a decimal number, exactly', () => {
    expect(row({ visitor: 'f'.repeat(64) }).visitor).toBe('18446744073709551615');
    expect(row({ visitor: '0'.repeat(15).padEnd(64, '1') }).visitor).toBe('1');
  });

  it('stands on the day when imported history happened, and keeps when it was received', () => {
    const ts = Date.parse('2024-02-29T12:00:00Z');
    expect(row({ ts })).toMatchObject({ day: '2024-02-29', happened_at: ts, received_at: NOW });
  });

  it('has the page without its parameters, and both together as the url', () => {
    expect(row({ url: '/a?ref=b?c' })).toMatchObject({ page: '/a', url: '/a?ref=b?c' });
  });

  it('is empty where the event says nothing', () => {
    const { event_id, community_id, division_id, ...rest } = row({});
    expect([event_id, community_id, division_id]).toEqual([NIL_UUID, NIL_UUID, NIL_UUID]);
    expect(rest).toMatchObject({ user_id: '', session_id: '', country: '', division_type: '' });
  });

  it('keeps every other field', () => {
    const fields = {
      session_id: 's',
      user_id: 'u',
      community_id: uuid(1),
      division_id: uuid(2),
      referrer: 'r',
      title: 't',
      language: 'l',
      screen: '1x1',
      country: 'CA',
      browser: 'b',
      os: 'o',
      device: 'd',
    };
    expect(row({ ...fields, event_id: uuid(3), type: 'leave' })).toMatchObject({
      ...fields,
      event_id: uuid(3),
      type: 'leave',
    });
  });
});

describe('what a batch says of a session', () => {
  it('is one entry a visitor, in the order in which they came', () => {
    const found = deltas({ visitor: visitor(2) }, { visitor: visitor(1) }, { visitor: visitor(2) });
    expect(found.map(({ fingerprint, pageViews }) => [fingerprint, pageViews])).toEqual([
      [visitor(2), 2],
      [visitor(1), 1],
    ]);
  });

  it('counts page views and no other sign of life', () => {
    const [delta] = deltas({}, { type: 'heartbeat' }, { type: 'identify' }, { type: 'leave' }, {});
    expect(delta?.pageViews).toBe(2);
  });

  it('spans all instants, also where history comes after newer events', () => {
    const [delta] = deltas({ received_at: at(5) }, { received_at: at(9), ts: at(1) }, { received_at: at(7) });
    expect(delta).toMatchObject({ firstSeen: at(1), lastSeen: at(7) });
  });

  it('has the last session and user that are named, and the first instant with a user', () => {
    const [delta] = deltas(
      { received_at: at(1), session_id: 'a' },
      { received_at: at(2), session_id: 'b', user_id: 'ann' },
      { received_at: at(3), user_id: 'bob' },
      { received_at: at(4) },
    );
    expect(delta).toMatchObject({
      sessionId: 'b',
      userId: 'bob',
      firstSignedInAt: at(2),
      beganAnonymous: true,
    });
  });

  it('began anonymous or not by the earliest event and not by the first in the log', () => {
    const signedIn = { received_at: at(5), user_id: 'ann' };
    expect(deltas(signedIn, { ts: at(1) })).toMatchObject([{ beganAnonymous: true, firstSignedInAt: at(5) }]);
    expect(deltas({ received_at: at(5) }, { ts: at(1), user_id: 'ann' })).toMatchObject([
      { beganAnonymous: false, firstSignedInAt: at(1) },
    ]);
    expect(deltas(signedIn, { received_at: at(5) })).toMatchObject([{ beganAnonymous: false }]);
  });

  it('names no user where nobody is signed in', () => {
    expect(deltas({})).toMatchObject([{ userId: null, firstSignedInAt: null, sessionId: '' }]);
  });
});
