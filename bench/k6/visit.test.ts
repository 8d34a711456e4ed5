import Value from 'typebox/value';
import { expect, test } from 'vitest';
import { Beacon } from '../../contract/beacon.ts';
import { seeded } from '../../integrity/random.ts';
import { PAGES } from './site.ts';
import { requestsOf } from './visit.ts';
import { numbersOf, visitorOf } from './visitors.ts';

const PLATFORM = {
  communities: ['2235c54b-788a-5af8-85f4-e569e620744f', 'e22de7ea-9868-5bb8-a633-8a21ce116eff'],
  divisions: ['9634133d-5f57-5569-900b-cb432bec1ca9'],
};
const random = seeded(1);
const nextNumber = numbersOf(1_000, 5_000, 7, random);
const visits = Array.from({ length: 5_000 }, () => {
  const visitor = visitorOf(nextNumber(), PLATFORM);
  return { visitor, requests: requestsOf(visitor, PLATFORM, random) };
});
const beacons = visits.flatMap(({ requests }) => requests.flat());
const shareOf = <Item>(items: readonly Item[], is: (item: Item) => boolean) =>
  items.filter(is).length / items.length;

test('every beacon is one of the contract', () => {
  expect(beacons.filter((beacon) => !Value.Check(Beacon, beacon))).toEqual([]);
});

test('every beacon has an event id of its own', () => {
  expect(new Set(beacons.map(({ event_id }) => event_id)).size).toBe(beacons.length);
});

test('a visit begins with a page view, and a leave ends it', () => {
  for (const { requests } of visits) {
    const types = requests.flat().map(({ type }) => type);
    expect(types[0]).toBe('page_view');
    expect(types.slice(0, -1)).not.toContain('leave');
  }
});

test('all kinds of beacons come, most of them page views and alone', () => {
  expect(new Set(beacons.map(({ type }) => type))).toEqual(
    new Set(['page_view', 'heartbeat', 'identify', 'leave']),
  );
  expect(shareOf(beacons, ({ type }) => type === 'page_view')).toBeGreaterThan(0.45);
  const requests = visits.flatMap((visit) => visit.requests);
  const together = shareOf(requests, (request) => request.length > 1);
  expect(together).toBeGreaterThan(0.02);
  expect(together).toBeLessThan(0.2);
});

test('visitors come again, sign in, and are sometimes bots', () => {
  const seen = new Set<string>();
  const again = shareOf(
    visits,
    ({ visitor }) => seen.has(visitor.fingerprint) || !seen.add(visitor.fingerprint),
  );
  expect(again).toBeGreaterThan(0.3);
  expect(shareOf(visits, ({ visitor }) => visitor.isBot)).toBeCloseTo(0.03, 1);
  expect(shareOf(visits, ({ visitor }) => /Mobile/.test(visitor.userAgent))).toBeGreaterThan(0.3);
  expect(shareOf(beacons, ({ user_id }) => user_id !== undefined)).toBeGreaterThan(0.05);
});

test('a visitor who comes again is the same', () => {
  expect(visitorOf(7, PLATFORM)).toEqual(visitorOf(7, PLATFORM));
  expect(visitorOf(7, PLATFORM).fingerprint).not.toBe(visitorOf(8, PLATFORM).fingerprint);
});

test('few pages have most of the views', () => {
  const views = new Map<string, number>();
  for (const { url, type } of beacons) {
    const page = url.replace(/\?.*/, '');
    if (type === 'page_view') views.set(page, (views.get(page) ?? 0) + 1);
  }
  const counts = [...views.values()].sort((a, b) => b - a);
  const all = counts.reduce((a, b) => a + b, 0);
  expect(counts.slice(0, 20).reduce((a, b) => a + b, 0) / all).toBeGreaterThan(0.4);
  expect(counts.length).toBeGreaterThan(PAGES.length / 2);
});

test('virtual users who share a stride bring new visitors of their own', () => {
  const numbers = [0, 1, 2].flatMap((user) => {
    const next = numbersOf(10, 100 + user, 3, () => 0.99);
    return Array.from({ length: 50 }, next);
  });
  expect(new Set(numbers).size).toBe(numbers.length);
});
