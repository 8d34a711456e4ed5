/** What the collector makes of a beacon: one line of NDJSON in the log, one row in the analytics store. */
import Type, { type Static } from 'typebox';
import { BEACON_TYPES } from './beacon.ts';
import type { MayBeUndefined } from './may-be-undefined.ts';
import type { DropReason } from './outcome.ts';

export const Event = Type.Object({
  type: Type.Enum([...BEACON_TYPES]),
  received_at: Type.Integer({ minimum: 0, description: "collector's clock, ms since the epoch, UTC" }),
  ts: Type.Optional(
    Type.Integer({ minimum: 0, description: 'imported history only: when it happened, ms since the epoch' }),
  ),
  visitor: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'HMAC-SHA256 of the fingerprint, hex' }),
  visitor_before: Type.Optional(
    Type.String({
      pattern: '^[0-9a-f]{64}$',
      description: 'HMAC-SHA256 under the secret before, while FINGERPRINT_SECRET_PREVIOUS is set',
    }),
  ),
  event_id: Type.Optional(Type.String({ description: 'lower-case UUID' })),
  late: Type.Optional(
    Type.Boolean({
      description: 'may be a repeat of an event received long before; counted when it is received',
    }),
  ),
  session_id: Type.Optional(Type.String()),
  user_id: Type.Optional(Type.String()),
  community_id: Type.Optional(Type.String()),
  division_id: Type.Optional(Type.String()),
  url: Type.String({ description: 'path plus allowed query parameters' }),
  referrer: Type.Optional(Type.String()),
  title: Type.Optional(Type.String()),
  language: Type.Optional(Type.String()),
  screen: Type.Optional(Type.String()),
  country: Type.Optional(Type.String({ description: 'ISO 3166-1 alpha-2' })),
  browser: Type.Optional(Type.String()),
  os: Type.Optional(Type.String()),
  device: Type.Optional(Type.String({ description: 'desktop, mobile, tablet, tv, ...' })),
});
export type Event = MayBeUndefined<Static<typeof Event>>;

/** A line of the log that says how many beacons a collector dropped by policy: what is not counted is counted, too. */
export const Drops = Type.Object({
  received_at: Type.Integer({ minimum: 0, description: "collector's clock, ms since the epoch, UTC" }),
  dropped: Type.Partial(
    Type.Object({
      bot: Type.Integer({ minimum: 1 }),
      prefetch: Type.Integer({ minimum: 1 }),
      do_not_track: Type.Integer({ minimum: 1 }),
      global_privacy_control: Type.Integer({ minimum: 1 }),
    } satisfies Record<DropReason, unknown>),
  ),
});
export type Drops = Static<typeof Drops>;

/** The instant that counts: when it happened for imported history, when it was received otherwise. */
export function happenedAt(event: Event): number {
  return event.ts ?? event.received_at;
}
