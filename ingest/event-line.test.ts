import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BEACON_TYPES, type Beacon } from '../contract/beacon.ts';
import { browserProfiles } from './browser.ts';
import { eventLine } from './event-line.ts';
import { eventMaker } from './event-of.ts';
import { parseBeacons } from './validation.ts';

const text = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.string({
      unit: fc.constantFrom('a', ' ', '/', '\u2028', 'ü', '\u{1f463}', '%22', '?utm_x=', '#/'),
    }),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 30 }) },
  { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n') }) },
);
const url = fc.oneof(
  text.map((rest) => `/${rest}`),
  text.map((rest) => `https://example.org/${rest}`),
);
const beacons = fc.array(
  fc.record(
    {
      type: fc.constantFrom(...BEACON_TYPES),
      url,
      fingerprint: fc.uuid(),
      session_id: text,
      user_id: text,
      community_id: fc.uuid(),
      division_id: fc.uuid().map((id) => id.toUpperCase()),
      referrer: fc.oneof(url, text),
      title: text,
      language: text,
      screen: text,
      event_id: fc.uuid(),
      late: fc.boolean(),
    } satisfies Record<keyof Beacon, unknown>,
    { requiredKeys: ['url', 'fingerprint'] },
  ),
  { minLength: 1, maxLength: 5 },
);
const userAgent = fc.oneof(
  fc.constant('Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/138.0.0.0 Safari/537.36'),
  text.map((name) => `${name}/1.0 (of its own kind)`),
);

test('a line says what the event says, whatever its beacon and its browser are called', () => {
  const toEvent = eventMaker();
  const secret = 'a secret for tests, long enough for all';
  const keys = [undefined, 'the secret before'].map((previous) => ({ secret, previous, hidesIds: false }));
  const profileOf = browserProfiles();
  const lines = { verbatim: 0, escaped: 0 };
  fc.assert(
    fc.property(beacons, userAgent, (values, browser) => {
      const parsed = parseBeacons(Buffer.from(JSON.stringify(values)));
      if ('rejection' in parsed) return;
      const profile = profileOf(browser);
      const verbatim = parsed.verbatim && profile.verbatim;
      for (const [beacon, key] of parsed.beacons.flatMap((each) => keys.map((key) => [each, key] as const))) {
        const event = toEvent(beacon, key, 1_795_714_316_881, 'NO', profile.facts);
        const line = eventLine(event, verbatim);
        expect(JSON.parse(line)).toEqual(event);
        expect(line.indexOf('\n')).toBe(line.length - 1);
        lines[verbatim ? 'verbatim' : 'escaped'] += 1;
      }
    }),
    { numRuns: 5_000 },
  );
  expect(Math.min(lines.verbatim, lines.escaped)).toBeGreaterThan(500);
});

test('a line of history says when it happened', () => {
  const event = { type: 'page_view', received_at: 2, ts: 1, visitor: '0', url: '/' } as const;
  expect(JSON.parse(eventLine(event, true))).toEqual(event);
});
