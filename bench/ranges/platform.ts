/** The made-up platform of the bench: its communities and divisions, and who is the most visited of each. */
import { createHash } from 'node:crypto';
import type { Community, Division } from '../../postgres/port.ts';

const COMMUNITY_COUNT = 200;
const DIVISION_COUNT = 500;
const TYPES = ['country', 'region', 'city', 'district'];

/** The same in every run, and as hard to compress as a random one. */
function idOf(kind: string, n: number): string {
  const hex = createHash('sha1').update(`${kind} ${n}`).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

/** By number, from 1: a smaller number is visited more. */
export const DIVISIONS: Division[] = numbers(DIVISION_COUNT).map((n) => ({
  id: idOf('division', n),
  name: `Division ${n}`,
  type: TYPES[n % TYPES.length] ?? '',
  parentId: null,
  country: 'DE',
}));

/** Number, from 1, of the division that a community belongs to. */
export const DIVISION_OF_COMMUNITY = numbers(COMMUNITY_COUNT).map((n) => 1 + ((n * 37) % DIVISION_COUNT));

export const COMMUNITIES: Community[] = DIVISION_OF_COMMUNITY.map((division, i) => ({
  id: idOf('community', i + 1),
  name: `Community ${i + 1}`,
  divisionId: DIVISIONS[division - 1]?.id ?? null,
}));

/** The most visited. */
export const COMMUNITY = COMMUNITIES[0]?.id ?? '';
/** Where most of its visitors are at home. */
export const DIVISION = COMMUNITIES[0]?.divisionId ?? '';
