/**
 * Raw events that were never beacons, made inside the engine: as many and as different as those of a platform.
 *
 * Visitors, pages, communities and divisions are Zipf; a visitor has a division, a country, a browser and mostly one
 * community; three of ten sign in. Sessions have three events on average. Everything follows from an event's number and the seed, but for event ids.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { DAY } from '../../contract/reporting-day.ts';
import { COMMUNITIES, DIVISION_OF_COMMUNITY, DIVISIONS } from './platform.ts';

export const SEED = 20_260_101;
export const PARTITIONS = 8;
const PAGES = 5_000;
/** Of the log that a frame has. */
const EVENTS_A_FRAME = 3;
/** Numbers of the session that each of so many events in a row belongs to. */
const SESSIONS = [0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3];
const SESSIONS_A_ROW = Math.max(...SESSIONS) + 1;
/** From one event of a session to the next. */
const LONGEST_PAUSE_MS = 90_000;

/** Events in order, spread over whole days with a peak at noon. */
export interface Stretch {
  /** Number of the first; the events of no two stretches share numbers. */
  firstEvent: number;
  events: number;
  firstDay: string;
  days: number;
  /** Of those, the ones before this instant alone, ms since the epoch. */
  until?: number;
}

const COLUMNS =
  'log_partition, log_offset, log_index, event_id, type, received_at, happened_at, day, hour, visitor, session_id, user_id, ' +
  'community_id, division_id, division_type, relation, page, url, referrer, title, language, screen, country, browser, os, device, stored_on';

/** Numbers in [0, 1) of an expression. */
const uniform = (of: string, salt: number) => `(cityHash64(${of}, ${SEED + salt}) % 1000000000 / 1000000000)`;
/** 1 to `most`, 1 most of all. */
const zipf = (of: string, salt: number, most: number) =>
  `toUInt32(exp(${uniform(of, salt)} * log(${most + 1})))`;
const oneIn = (n: number, of: string, salt: number) => `cityHash64(${of}, ${SEED + salt}) % ${n} = 0`;
const percent = (of: string, salt: number) => `cityHash64(${of}, ${SEED + salt}) % 100`;
const uuidText = (of: string, salt: number) =>
  `toString(reinterpretAsUUID(sipHash128(${of}, ${SEED + salt})))`;
const pick = (from: string[], by: string) => `${list(from)}[${by}]`;
const list = (texts: readonly string[]) => `[${texts.map((text) => `'${text}'`).join(', ')}]`;

const WORDS = list(
  'river garden council school market bridge museum library station harbour festival cycling transport housing budget energy water forest history music'.split(
    ' ',
  ),
);
const COUNTRIES = 'US DE FR GB IN ES IT BR JP CN CA NL SE PL AT CH NO FI DK IE PT GR'.split(' ');

/** Appends a stretch to a table like `event`. @param visitors of whom events are, some of them none */
function insertStretch(table: string, visitors: number, stretch: Stretch): string {
  const { firstEvent, events, firstDay, days, until } = stretch;
  const firstMoment = Date.parse(`${firstDay}T00:00:00Z`);
  // Sessions are spread evenly, each moved by chance; then days are bent so that noon has four times as many as midnight.
  const inDays = `((number - place_in_session - ${firstEvent} + ${uniform('session', 1)}) * ${days} / ${events})`;
  const bent = `(${inDays} + 0.6 * sin(2 * pi() * ${inDays}) / (2 * pi()))`;
  return `INSERT INTO footfall.${table} (${COLUMNS})
WITH
  ${list(COMMUNITIES.map(({ id }) => id))}::Array(UUID) AS communities,
  [${DIVISION_OF_COMMUNITY.join(', ')}] AS division_of_community,
  ${list(DIVISIONS.map(({ id }) => id))}::Array(UUID) AS divisions,
  ${list(DIVISIONS.map(({ type }) => type))} AS division_types,
  ${WORDS} AS words,
  ${zipf('rank', 2, COMMUNITIES.length)} AS home,
  if(${percent('session', 3)} < 70, home, ${zipf('session', 4, COMMUNITIES.length)}) AS any_community,
  -- 0 is none, and no array has it: the nil UUID, or empty text.
  if(${oneIn(10, 'session', 5)}, 0, any_community) AS community,
  if(${oneIn(2, 'rank', 6)}, division_of_community[home], ${zipf('rank', 7, DIVISIONS.length)}) AS any_division,
  if(${oneIn(10, 'rank', 8)}, 0, any_division) AS division,
  ${zipf('number', 9, PAGES)} AS page_number,
  concat(words[1 + cityHash64(page_number, 1) % 20], '-', words[1 + cityHash64(page_number, 2) % 20]) AS slug,
  ${percent('rank', 10)} < 30 AND ${percent('session', 11)} < 70 AS is_signed_in,
  ${percent('number', 12)} AS kind,
  ${percent('number', 13)} AS tag,
  ${percent('number', 14)} AS origin
SELECT
  log_partition,
  ${Math.floor(firstEvent / 2)} + intDiv(place, ${EVENTS_A_FRAME}) AS log_offset,
  place % ${EVENTS_A_FRAME} AS log_index,
  generateUUIDv4() AS event_id,
  multiIf(kind < 80, 'page_view', kind < 96, 'heartbeat', kind = 96 AND is_signed_in, 'identify', 'leave') AS type,
  fromUnixTimestamp64Milli(at, 'UTC') AS received_at,
  received_at AS happened_at,
  toDate(received_at) AS day,
  toStartOfHour(received_at) AS hour,
  visitor,
  ${uuidText('session', 15)} AS session_id,
  if(is_signed_in, ${uuidText('rank', 16)}, '') AS user_id,
  communities[community] AS community_id,
  divisions[division] AS division_id,
  division_types[division] AS division_type,
  multiIf(community = 0 OR division = 0, 'unknown', division_of_community[community] = division, 'same', 'cross') AS relation,
  concat('/', ['articles', 'topics', 'events', 'people'][1 + page_number % 4], '/', slug, '-', toString(page_number)) AS page,
  concat(page, multiIf(tag < 8, '?utm_source=newsletter&utm_medium=email', tag < 12, '?ref=home', '')) AS url,
  multiIf(
    origin < 45, '',
    origin < 70, concat('https://example.org/', words[1 + ${percent('number', 17)} % 20]),
    origin < 90, 'https://www.google.com/',
    'https://t.co/'
  ) AS referrer,
  concat(initcap(replaceOne(slug, '-', ' ')), ', part ', toString(page_number), ' - Example') AS title,
  ${pick(['en', 'de', 'fr', 'es', 'hi'], zipf('rank', 18, 5))} AS language,
  ${pick(['1920x1080', '390x844', '1440x900', '412x915'], zipf('rank', 19, 4))} AS screen,
  ${pick(COUNTRIES, zipf('rank', 20, COUNTRIES.length))} AS country,
  ${pick(['Chrome', 'Safari', 'Firefox', 'Edge'], zipf('rank', 21, 4))} AS browser,
  ${pick(['Windows', 'iOS', 'Android', 'macOS', 'Linux'], zipf('rank', 22, 5))} AS os,
  ${pick(['desktop', 'mobile', 'tablet'], zipf('rank', 23, 3))} AS device,
  day AS stored_on
FROM (
  SELECT
    number, session, at, rank, visitor, log_partition,
    row_number() OVER (PARTITION BY log_partition ORDER BY at, number) - 1 AS place
  FROM (
    SELECT
      number,
      [${SESSIONS.join(', ')}] AS sessions,
      number % ${SESSIONS.length} AS place_in_row,
      intDiv(number, ${SESSIONS.length}) * ${SESSIONS_A_ROW} + sessions[1 + place_in_row] AS session,
      place_in_row + 1 - indexOf(sessions, sessions[1 + place_in_row]) AS place_in_session,
      ${firstMoment} + toInt64(floor(${bent} * ${DAY} + place_in_session * ${LONGEST_PAUSE_MS} * ${uniform('number', 25)})) AS at,
      ${zipf('session', 24, visitors)} AS rank,
      cityHash64(rank, ${SEED}) AS visitor,
      bitShiftRight(visitor, 32) % ${PARTITIONS} AS log_partition
    FROM numbers(${firstEvent}, ${events})
    WHERE at >= ${firstMoment} AND at < ${until ?? firstMoment + days * DAY}
  )
)`;
}

/**
 * Puts stretches into raw, in the shape that merges leave after a while, and none of it through the materialized views.
 *
 * @param onStretch after each
 */
export async function fillRaw(
  client: ClickHouseClient,
  visitors: number,
  stretches: readonly Stretch[],
  onStretch: (stretch: Stretch) => void = () => {},
): Promise<void> {
  const run = (query: string) => client.command({ query });
  const staging = 'bench_event';
  await run(`DROP TABLE IF EXISTS footfall.${staging} SYNC`);
  await run(`CREATE TABLE footfall.${staging} AS footfall.event`);
  for (const stretch of stretches) {
    await run(insertStretch(staging, visitors, stretch));
    onStretch(stretch);
  }
  const answer = await client.query({
    query: `SELECT DISTINCT partition_id AS id FROM system.parts WHERE database = 'footfall' AND table = '${staging}' AND active`,
    format: 'JSONEachRow',
  });
  for (const { id } of await answer.json<{ id: string }>()) {
    await run(`OPTIMIZE TABLE footfall.${staging} PARTITION ID '${id}' FINAL`);
    await run(`ALTER TABLE footfall.event ATTACH PARTITION ID '${id}' FROM footfall.${staging}`);
  }
  await run(`DROP TABLE footfall.${staging} SYNC`);
}
