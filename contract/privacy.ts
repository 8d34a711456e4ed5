/** What staff asks on behalf of a person: what is kept of them, and that it be removed. */
import Type, { type Static } from 'typebox';
import { Uuid } from './beacon.ts';

const Count = Type.Integer({ minimum: 0 });
const Instant = Type.String({ format: 'date-time' });
const InstantOrNull = Type.Union([Instant, Type.Null()]);
const Text = Type.String();

const fingerprint = Type.String({
  minLength: 8,
  maxLength: 128,
  description: "the browser's fingerprint, or the hash of it that a session has",
});
const user = Type.String({
  minLength: 1,
  maxLength: 64,
  pattern: '^[^\\u0000]*$',
  description: 'user_id of beacons, without NUL',
});

export const VisitorPath = Type.Object({ fingerprint });
export const UserPath = Type.Object({ id: user });
export const ErasurePath = Type.Object({ id: Uuid });

export const ErasureReceipt = Type.Object({
  id: Text,
  kind: Type.Enum(['visitor', 'user']),
  requested_by: Type.String({ description: 'subject of the token' }),
  requested_at: Instant,
  completed_at: Type.Union([Instant, Type.Null()], {
    description: 'null while something is left to remove; that goes on by itself',
  }),
  removed: Type.Union([Type.Record(Text, Type.Union([Count, Text])), Type.Null()], {
    description: 'sessions, raw events, dead letters; days whose numbers were derived again',
  }),
});
export type ErasureReceipt = Static<typeof ErasureReceipt>;

export const Erasures = Type.Array(ErasureReceipt, { description: 'the latest first, at most 1,000' });
export type Erasures = Static<typeof Erasures>;

const PersonSession = Type.Object({
  fingerprint: Type.String({ description: 'HMAC of the fingerprint' }),
  session_id: Text,
  user_id: Type.Union([Text, Type.Null()]),
  page_views: Count,
  first_seen: Instant,
  last_seen: Instant,
  converted_at: InstantOrNull,
});
export type PersonSession = Static<typeof PersonSession>;

const PersonEvent = Type.Object(
  {
    type: Text,
    happened_at: Instant,
    received_at: Instant,
    visitor: Type.String({ description: 'first 16 digits of the HMAC' }),
    url: Text,
  },
  { description: 'and what else the event says: empty fields are left out', additionalProperties: Text },
);
export type PersonEvent = Record<string, string>;

export const PersonExport = Type.Object({
  exported_at: Instant,
  sessions: Type.Array(PersonSession),
  events: Type.Array(PersonEvent),
});
