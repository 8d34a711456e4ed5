/** Return intervals against sets of visitors: whatever happened, in whatever order it became known. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Session } from 'chdb';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addDays, calendar, daysBetween } from '../contract/reporting-day.ts';
import { openAnalytics } from './open.ts';
import { type AnalyticsStore, type EventRow, NIL_UUID } from './port.ts';
import {
  eventRow,
  keysOf,
  LOOKED_UP,
  RANKED,
  randomEvents,
  reference,
  sorted,
  uuid,
} from './reference.case.ts';

/** As many by default as fit beside all other tests; `HISTORIES=1000` for a long run. */
const HISTORIES = Number(process.env.HISTORIES ?? 5);
const SEED = Number(process.env.SEED ?? Date.now() % 2 ** 31);
const TIMEOUT_MS = Math.max(120_000, HISTORIES * 10_000);

/** Clocks that move by an hour or half of one, offsets of quarters of an hour, and a day that never was. */
const ZONES = [
  ['UTC', '2025-02-10'],
  ['Asia/Kathmandu', '2025-05-20'],
  ['Asia/Tehran', '2022-03-01'],
  ['America/New_York', '2025-02-20'],
  ['Europe/Berlin', '2024-10-10'],
  ['Australia/Lord_Howe', '2025-03-20'],
  ['Pacific/Apia', '2011-12-10'],
] as const;
const DAYS = 50;
const HOUR = 3_600_000;

let folder: string;
let store: AnalyticsStore;
let chdb: Session;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-intervals-'));
  store = await openAnalytics(`chdb://${folder}`, { rawDays: 36_500 });
  chdb = new Session(folder);
});
afterAll(async () => {
  chdb.close();
  await store.close();
  await rm(folder, { recursive: true, force: true });
});

const TABLES = ['event', 'log_hourly', 'return_intervals', 'last_seen'];
async function empty(): Promise<void> {
  for (const table of TABLES) await chdb.queryAsync(`TRUNCATE TABLE footfall.${table}`);
}

interface Happening {
  /** Hours since the window began. */
  at: number;
  visitor: number;
  community: number;
  page: number;
  country: number;
  type: number;
  signedIn: boolean;
  /** Part of the history in which it becomes known. */
  batch: number;
}

const BATCHES = 3;
const happening: fc.Arbitrary<Happening> = fc.record({
  at: fc.integer({ min: 0, max: DAYS * 24 - 1 }),
  visitor: fc.integer({ min: 1, max: 6 }),
  community: fc.integer({ min: 0, max: 2 }),
  page: fc.integer({ min: 0, max: 2 }),
  country: fc.integer({ min: 0, max: 2 }),
  type: fc.integer({ min: 0, max: 5 }),
  signedIn: fc.boolean(),
  batch: fc.integer({ min: 0, max: BATCHES - 1 }),
});

type Step =
  | { what: 'close'; through: number }
  | { what: 'rebuild'; from: number; through: number }
  | { what: 'erase'; visitor: number };
const day = fc.integer({ min: 0, max: DAYS });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('close' as const), through: day }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('rebuild' as const), from: day, through: day }) },
  {
    weight: 1,
    arbitrary: fc.record({ what: fc.constant('erase' as const), visitor: fc.integer({ min: 1, max: 6 }) }),
  },
);

const history = fc.record({
  zone: fc.constantFrom(...ZONES),
  happenings: fc.array(happening, { minLength: 1, maxLength: 80 }),
  /** After each batch. */
  steps: fc.tuple(...Array.from({ length: BATCHES }, () => fc.array(step, { minLength: 1, maxLength: 2 }))),
  /** Of ranges, as parts of the window and a little around it. */
  ranges: fc.array(fc.tuple(fc.integer({ min: -5, max: DAYS + 5 }), fc.integer({ min: 0, max: DAYS })), {
    minLength: 3,
    maxLength: 3,
  }),
});

describe('return intervals', () => {
  it(`equal sets of visitors: ${HISTORIES} histories, seed ${SEED}`, { timeout: TIMEOUT_MS }, async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ zone: [zone, first], happenings, steps, ranges }) => {
        await empty();
        const rows = happenings.map((each, n) => rowOf(each, n, zone, first));
        let known: EventRow[] = [];
        for (const [n, stepsOfBatch] of steps.entries()) {
          const batch = rows.filter((_, i) => happenings[i]?.batch === n);
          await insert(batch);
          known = known.concat(batch);
          for (const each of stepsOfBatch) known = await perform(each, known, first);
          for (const [from, length] of ranges) {
            const range = { first_day: addDays(first, from), last_day: addDays(first, from + length) };
            await expectAnswers(known, range);
          }
        }
      }),
      { numRuns: HISTORIES, seed: SEED },
    );
  });

  it(`equal sets of visitors where one statement would derive too many, seed ${SEED}`, async () => {
    await empty();
    const events = randomEvents(SEED, 60_000, daysBetween('2025-03-01', '2025-03-20'));
    for (let from = 0; from < events.length; from += 10_000)
      await store.insert(events.slice(from, from + 10_000));
    await store.updateIntervals({ lastDay: '2025-03-18' });
    await expectAnswers(events, { first_day: '2025-03-04', last_day: '2025-03-20' });
  });

  it(`are the same, row by row, after a rebuild, seed ${SEED}`, { timeout: TIMEOUT_MS }, async () => {
    await fc.assert(
      fc.asyncProperty(history, async ({ zone: [zone, first], happenings }) => {
        await empty();
        await insert(happenings.map((each, n) => rowOf(each, n, zone, first)));
        const until = addDays(first, DAYS + 1);
        for (let closed: string = first; closed <= until; closed = addDays(closed, 11)) await settle(closed);
        await settle(until);
        const incremental = await rowsOfTables();
        await store.updateIntervals({ lastDay: until, from: first });
        expect(await rowsOfTables()).toEqual(incremental);
      }),
      { numRuns: Math.ceil(HISTORIES / 4), seed: SEED },
    );
  });
});

function rowOf(each: Happening, n: number, zone: string, first: string): EventRow {
  const zoned = calendar(zone);
  const happened_at = zoned.startOf(first) + each.at * HOUR + (n % 4) * (HOUR / 4);
  const division = each.visitor % 4;
  const relation = each.community !== 0 && division !== 0;
  return eventRow({
    log_partition: each.visitor % 2,
    log_offset: n,
    type: ['page_view', 'page_view', 'page_view', 'heartbeat', 'identify', 'leave'][each.type] ?? '',
    happened_at,
    day: zoned.dayOf(happened_at),
    hour: zoned.hourOf(happened_at),
    visitor: String(2n ** 60n * BigInt(each.visitor)),
    user_id: each.signedIn && each.visitor > 2 ? `user-${each.visitor}` : '',
    community_id: each.community === 0 ? NIL_UUID : uuid(1, each.community),
    division_id: division === 0 ? NIL_UUID : uuid(2, division),
    division_type: division === 0 ? '' : (['city', 'district'][division % 2] ?? ''),
    relation: relation ? (division === each.community ? 'same' : 'cross') : 'unknown',
    page: `/${each.page}`,
    country: ['', 'NP', 'IR'][each.country] ?? '',
  });
}

async function insert(rows: readonly EventRow[]): Promise<void> {
  for (const month of new Set(rows.map((row) => row.day.slice(0, 7))))
    await store.insert(rows.filter((row) => row.day.startsWith(month)));
}

/** Until nothing is left to do: a day whose events still come waits for a look. */
async function settle(lastDay: string): Promise<void> {
  for (let look = 0; look < 3; look++) await store.updateIntervals({ lastDay });
}

/** Answers what is known afterwards. */
async function perform(each: Step, known: EventRow[], first: string): Promise<EventRow[]> {
  if (each.what === 'close') {
    await settle(addDays(first, each.through));
    return known;
  }
  if (each.what === 'rebuild') {
    await store.updateIntervals({ lastDay: addDays(first, each.through), from: addDays(first, each.from) });
    await settle(addDays(first, each.through));
    return known;
  }
  const visitor = String(2n ** 60n * BigInt(each.visitor));
  const days = known
    .filter((row) => row.visitor === visitor)
    .map((row) => row.day)
    .sort();
  const partitions = [...new Set(known.map((row) => row.log_partition)), 77];
  const next_offsets = partitions.map(() => 2 ** 50);
  await store.eraseEvents({ visitors: [BigInt(visitor)], user_hex: '', partitions, next_offsets });
  await store.rebuildDays(days);
  await settle('2000-01-01');
  const [firstDay] = days;
  if (firstDay !== undefined) await store.updateIntervals({ lastDay: addDays(first, DAYS), from: firstDay });
  return known.filter((row) => row.visitor !== visitor);
}

async function expectAnswers(
  events: readonly EventRow[],
  range: { first_day: string; last_day: string },
): Promise<void> {
  const expected = reference(events);
  for (const dimension of LOOKED_UP) {
    for (const key of keysOf(events, dimension).slice(0, 2)) {
      const params = { ...range, dimension, key };
      expect(await store.read('visitors', params)).toEqual(expected.visitors(params));
    }
  }
  for (const dimension of RANKED) {
    const params = { ...range, dimension, limit: 100, offset: 0 };
    expect(await store.read('ranking', params)).toEqual(expected.ranking(params));
  }
  for (const interval of ['day', 'week', 'month'] as const) {
    const params = { ...range, dimension: 'site', key: '', interval } as const;
    expect(sorted(await store.read('trends', params))).toEqual(sorted(expected.trends(params)));
  }
  const hours = { ...range, dimension: 'community_hour', prefix: `${uuid(1, 1)}/` } as const;
  expect(sorted(await store.read('trends_hourly', hours))).toEqual(sorted(expected.trends_hourly(hours)));
  const ofCommunity = { ...range, community_id: uuid(1, 1) };
  expect(await store.read('community_days', ofCommunity)).toEqual(expected.community_days(ofCommunity));
  const [last_day] = daysBetween(range.last_day, range.last_day);
  const cohorts = {
    first_week: monday(range.first_day),
    last_week: monday(range.last_day),
    last_day: last_day ?? '',
    weeks: 4,
  };
  expect(await store.read('cohorts', cohorts)).toEqual(expected.cohorts(cohorts));
}

function monday(of: string): string {
  return addDays(of, -((new Date(`${of}T00:00:00Z`).getUTCDay() + 6) % 7));
}

/** Every row of the two tables, but for which builds they are of. */
async function rowsOfTables(): Promise<string[]> {
  const read = async (columns: string) => {
    const result = await chdb.queryAsync(`SELECT ${columns} ORDER BY ALL`, { format: 'TabSeparated' });
    return result.text().split('\n');
  };
  const intervals = `* REPLACE (if(dimension = 'derived', '', key) AS key) FROM footfall.return_intervals FINAL`;
  const lastSeen = "* FROM footfall.last_seen FINAL WHERE dimension != 'derived'";
  return [...(await read(intervals)), ...(await read(lastSeen))];
}
