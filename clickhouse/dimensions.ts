/**
 * What unique visitors are counted by. A visitor counts in a key on a day when an event there, any but a leave, has it.
 *
 * A new dimension is an entry here, its query, and `footfall rebuild` for the days before. Texts are SQL.
 */

/** Said by the events themselves. */
export interface EventDimension {
  name: string;
  /** Of a row of `event`. */
  key: string;
  /** Rows that have a key; all without. */
  where?: string;
  /** Its keys are compared with each other, not asked for one at a time. */
  ranked?: boolean;
}

const COMMUNITY = 'toString(community_id)';
const DIVISION = 'toString(division_id)';
const HAS_COMMUNITY = 'notEmpty(community_id)';
const HAS_DIVISION = 'notEmpty(division_id)';

const DEFINED = [
  { name: 'site', key: "''" },
  { name: 'community', key: COMMUNITY, where: HAS_COMMUNITY },
  { name: 'division', key: DIVISION, where: HAS_DIVISION, ranked: true },
  // The same, asked for one at a time, which the grains of a ranking make slower.
  { name: 'one_division', key: DIVISION, where: HAS_DIVISION },
  // Whoever has any division.
  { name: 'known_division', key: "''", where: HAS_DIVISION },
  {
    name: 'community_division',
    key: `concat(${COMMUNITY}, '/', ${DIVISION})`,
    where: `${HAS_COMMUNITY} AND ${HAS_DIVISION}`,
  },
  { name: 'division_type', key: 'division_type', where: "division_type != ''", ranked: true },
  { name: 'country', key: 'country', where: "country != ''", ranked: true },
  { name: 'page', key: 'page', ranked: true },
  // Whether the visitor's division is that of the community.
  { name: 'relation', key: `concat(${COMMUNITY}, '/', toString(relation))`, where: "relation != 'unknown'" },
] as const satisfies EventDimension[];

type Defined = (typeof DEFINED)[number];
export type DimensionName = Defined['name'];
/** Whose keys are compared with each other, and whose are asked for one at a time. */
export type RankedName = Extract<Defined, { ranked: true }>['name'];
export type LookedUpName = Exclude<DimensionName, RankedName>;

export const EVENT_DIMENSIONS: readonly (EventDimension & { name: DimensionName })[] = DEFINED;

/** Said by the days on which a visitor came: who was new in the week that begins on the key. */
export const COHORT = { name: 'cohort', of: 'site', key: 'toString(toMonday(first_day))' } as const;

/** Hours of the keys of a dimension. Not chained: previous_day is 1970-01-01 in somebody's first hour ever, else the day itself. */
export const HOURS = [
  { name: 'hour', of: 'site', key: 'hour' },
  { name: 'community_hour', of: 'community', key: "concat(key, '/', hour)" },
] as const;

export function dimension(name: DimensionName): EventDimension {
  const found = EVENT_DIMENSIONS.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no dimension ${name}`);
  return found;
}
