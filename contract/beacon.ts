/** What a site page sends: one beacon, or an array of at most {@link MAX_BEACONS_PER_REQUEST}. */
import Type, { type Static } from 'typebox';
import type { MayBeUndefined } from './may-be-undefined.ts';

export const MAX_BEACONS_PER_REQUEST = 100;
export const MAX_BODY_BYTES = 64 * 1024;
export const MAX_STORED_URL_LENGTH = 500;

/** Of what browsers give, any that fits into a request: less is stored, but a long one must not cost the page view. */
const MAX_TEXT = MAX_BODY_BYTES;

/** Any UUID version, either case: platforms bring their own identifiers. */
export const Uuid = Type.String({
  pattern: '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$',
  description: 'UUID',
});

export const BEACON_TYPES = ['page_view', 'identify', 'heartbeat', 'leave'] as const;
export type BeaconType = (typeof BEACON_TYPES)[number];

export const Beacon = Type.Object(
  {
    type: Type.Optional(Type.Enum([...BEACON_TYPES], { description: '`page_view` where it is missing' })),
    url: Type.String({ minLength: 1, maxLength: MAX_TEXT, description: 'page address, absolute or a path' }),
    fingerprint: Type.String({
      minLength: 8,
      maxLength: 128,
      description: 'what the browser computed; only its HMAC is kept',
    }),
    session_id: Type.Optional(Type.String({ maxLength: 64, description: 'tab or visit' })),
    user_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 64, description: 'present when signed in' }),
    ),
    community_id: Type.Optional(Uuid),
    division_id: Type.Optional(Uuid),
    referrer: Type.Optional(Type.String({ maxLength: MAX_TEXT })),
    title: Type.Optional(Type.String({ maxLength: MAX_TEXT })),
    language: Type.Optional(Type.String({ maxLength: 35, description: 'BCP 47 tag' })),
    screen: Type.Optional(Type.String({ maxLength: 32, description: 'WIDTHxHEIGHT in CSS pixels' })),
    event_id: Type.Optional(Uuid),
    late: Type.Optional(
      Type.Boolean({
        description: 'may have been sent first more than five minutes ago, with the same event_id',
      }),
    ),
  },
  { description: 'One sign of life of a visitor. Fields that are not named here are ignored.' },
);
export type Beacon = MayBeUndefined<Static<typeof Beacon>>;
