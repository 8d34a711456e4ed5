/** A small platform's day, and every figure that the API must show of it, worked out from the beacons alone. */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import type { Beacon } from '../contract/beacon.ts';

export const DIVISIONS_FILE = new URL('../postgres/reference/canada-divisions.csv', import.meta.url).pathname;
export const COMMUNITIES_FILE = new URL('../postgres/reference/canada-communities.csv', import.meta.url)
  .pathname;

interface DivisionRow {
  id: string;
  name: string;
  type: string;
}
interface CommunityRow {
  id: string;
  division_id: string;
}

const divisions: DivisionRow[] = parse(readFileSync(DIVISIONS_FILE), { columns: true });
const communities: CommunityRow[] = parse(readFileSync(COMMUNITIES_FILE), { columns: true });

export const divisionIds = divisions.map(({ id }) => id);
export const communityIds = communities.map(({ id }) => id);

const VISITORS = 60;

/** Beacons in the order in which they are sent. Every third visitor signs in later, every tenth is signed in all along. */
export function scenario(): Beacon[] {
  const beacons: Beacon[] = [];
  const used = divisions.filter(({ type }) => type !== 'country').slice(0, 20);
  for (let step = 0; step < 4; step += 1) {
    for (let i = 0; i < VISITORS; i += 1) {
      const signsIn = i % 3 === 0 && i % 10 !== 1;
      const signedIn = i % 10 === 1 || (signsIn && step >= 2);
      if (step > i % 4) continue;
      beacons.push({
        type: signsIn && step === 2 ? 'identify' : 'page_view',
        url: `https://example.org/page-${(i + step) % 7}?utm_source=test&private=1`,
        fingerprint: `fingerprint-of-${i}`,
        session_id: `session-${i}`,
        event_id: randomUUID(),
        ...(signedIn ? { user_id: `user-${i}` } : {}),
        ...(i % 5 === 4 ? {} : { community_id: at(communities, i % 3).id }),
        ...(i % 7 === 6 ? {} : { division_id: at(used, i % used.length).id }),
      });
    }
  }
  return beacons;
}

export interface Figures {
  visitors: number;
  authenticated: number;
  pageViews: number;
  conversions: number;
  anonymousSessions: number;
  byCommunity: Map<string, number>;
  byDivision: Map<string, number>;
  byDivisionType: Map<string, number>;
  byPage: Map<string, { visitors: number; views: number }>;
  knownDivision: number;
  sameDivision: Map<string, number>;
  crossDivision: Map<string, number>;
}

export function figures(beacons: Beacon[]): Figures {
  const seen = new Map(beacons.map((beacon) => [beacon.event_id, beacon]));
  const once = [...seen.values()];
  const people = (some: Beacon[]) => new Set(some.map(({ fingerprint }) => fingerprint)).size;
  const group = (keyOf: (beacon: Beacon) => string | undefined) => {
    const groups = new Map<string, Beacon[]>();
    for (const beacon of once) {
      const key = keyOf(beacon);
      if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), beacon]);
    }
    return groups;
  };
  const countPeople = (groups: Map<string, Beacon[]>) =>
    new Map([...groups].map(([key, some]) => [key, people(some)]));
  const typeOf = new Map(divisions.map(({ id, type }) => [id, type]));
  const divisionOf = new Map(communities.map(({ id, division_id }) => [id, division_id]));
  const relation = (same: boolean) =>
    countPeople(
      group(({ community_id, division_id }) => {
        const home = divisionOf.get(community_id ?? '');
        if (!home || division_id === undefined) return undefined;
        return (home === division_id) === same ? community_id : undefined;
      }),
    );
  const byVisitor = [...group(({ fingerprint }) => fingerprint).values()];
  const beganAnonymous = byVisitor.filter(([first]) => first?.user_id === undefined);
  return {
    visitors: people(once),
    authenticated: people(once.filter(({ user_id }) => user_id !== undefined)),
    pageViews: once.filter(({ type }) => type === 'page_view').length,
    conversions: beganAnonymous.filter((some) => some.some(({ user_id }) => user_id !== undefined)).length,
    anonymousSessions: beganAnonymous.length,
    byCommunity: countPeople(group(({ community_id }) => community_id)),
    byDivision: countPeople(group(({ division_id }) => division_id)),
    byDivisionType: countPeople(group(({ division_id }) => typeOf.get(division_id ?? ''))),
    byPage: new Map(
      [...group(({ url }) => new URL(url).pathname)].map(([page, some]) => [
        page,
        { visitors: people(some), views: some.filter(({ type }) => type === 'page_view').length },
      ]),
    ),
    knownDivision: people(once.filter(({ division_id }) => division_id !== undefined)),
    sameDivision: relation(true),
    crossDivision: relation(false),
  };
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`nothing at ${index}`);
  return item;
}
