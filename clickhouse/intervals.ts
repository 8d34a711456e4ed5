/**
 * Keeps the return intervals up to date with raw.
 *
 * A build is a pair of tables beside those that are read: clones, which share their parts, with the changed months derived
 * anew. Exchanging the intervals is the moment at which the build counts, for all days and keys at once; a reader
 * sees what was before or what is after. A build that was interrupted before is thrown away, one that was interrupted
 * after is completed, by whoever comes next. So closing a day can be repeated and broken off anywhere.
 *
 * Open days are derived anew as a whole and replaced at once, since their rows are a partition of their own.
 */
import { randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { addDays } from '../contract/reporting-day.ts';
import { bind } from './bind.ts';
import { intervalStatements, lastSeenStatements, type Tables } from './derivation.ts';
import type { Layout } from './layout.ts';
import type { IntervalsReport, IntervalsTask } from './port.ts';
import { DERIVE_SETTINGS } from './settings.ts';
import { firstOfMonth, monthsOf, slices } from './slices.ts';
import { select } from './statement.ts';

/** What the names of tables under construction begin with. */
const BUILDING = 'building_';
const LIVE: Tables = { intervals: 'return_intervals', lastSeen: 'last_seen' };
/** The partition of the intervals that has the open days. */
const OPEN = '0';
const EVENTS_A_SLICE = 1_000_000;
/** Of which one statement can derive everything in little memory. */
const FEW_EVENTS = 50_000;
/** Filled by materialized views, and asked for the open day alone. */
const OPEN_DAY_TABLES = ['page_daily', 'trend_daily', 'division_daily'];
const FIRST_DAY = '1970-01-01';
const LAST_DAY = '2149-06-06';
/** How long a day may be kept from closing by events that still come. */
const LONGEST_WAIT_MS = 600_000;

/** Raw rows by day: what was ever stored, and what the intervals were made of. */
interface Counts {
  stored: Map<string, number>;
  closed: Map<string, number>;
  open: Map<string, number>;
}

/** Days to derive again; with those before they would be chained to what is no longer so. */
interface Plan {
  /** First day to derive. */
  from: string;
  /** Last day that is closed then. */
  through: string;
  /** Whether days that were closed are derived again, whole months of them. */
  again: boolean;
}

/** The caller keeps other builds away. */
export class Intervals {
  readonly #client: ClickHouseClient;
  readonly #layout: Layout;
  readonly #now: () => number;
  /** Closed days with late events that cannot be derived again, since raw no longer has all of them. */
  readonly #outOfReach = new Map<string, number | undefined>();
  #signal: AbortSignal | undefined;
  #staleBefore = '';
  #waitingSince: number | undefined;

  constructor(client: ClickHouseClient, layout: Layout, now: () => number) {
    this.#client = client;
    this.#layout = layout;
    this.#now = now;
  }

  /** What {@link AnalyticsStore.updateIntervals} says. */
  async update({ lastDay, from, signal, onProgress }: IntervalsTask): Promise<IntervalsReport> {
    this.#signal = signal;
    await this.#recover();
    const counts = await this.#counts();
    const closedBefore = last([...counts.closed.keys()]);
    const through = from === undefined ? later(lastDay, closedBefore) : lastDay;
    const stale = staleDays(counts, through).filter(
      (day) => this.#outOfReach.get(day) !== counts.stored.get(day),
    );
    const firstDay = first([...counts.stored.keys(), ...counts.closed.keys()]);
    const wanted = from && firstDay && later(from, firstDay);
    if (wanted !== undefined || this.#isDue(stale, counts.stored, closedBefore)) {
      const whole = await this.#wholeFrom(counts, first([wanted, ...stale]));
      for (const day of stale.filter((day) => day < whole)) this.#outOfReach.set(day, counts.stored.get(day));
      const plan = planOf({ stale, from: wanted, whole, closedBefore, through });
      if (plan !== undefined) {
        await this.#build(plan, counts, onProgress);
        return this.#report(plan.through, plan.from);
      }
    }
    const open = closedBefore === undefined ? FIRST_DAY : addDays(closedBefore, 1);
    if (!sameDays(counts.open, within(counts.stored, open, LAST_DAY))) await this.#refreshOpen(open, counts);
    return this.#report(closedBefore, undefined);
  }

  #report(closedThrough: string | undefined, derivedFrom: string | undefined): IntervalsReport {
    return { closedThrough, derivedFrom, outOfReach: [...this.#outOfReach.keys()].sort() };
  }

  /** Closed days wait while late events still come, as those of an import do, unless they come for long. */
  #isDue(stale: readonly string[], stored: Map<string, number>, closedBefore: string | undefined): boolean {
    const before = this.#staleBefore;
    this.#staleBefore = stale.map((day) => `${day} ${stored.get(day) ?? 0}`).join();
    const [day] = stale;
    if (day === undefined || closedBefore === undefined || day > closedBefore) {
      this.#waitingSince = undefined;
      return day !== undefined;
    }
    this.#waitingSince ??= this.#now();
    return this.#staleBefore === before || this.#now() - this.#waitingSince > LONGEST_WAIT_MS;
  }

  async #build(plan: Plan, counts: Counts, onProgress: IntervalsTask['onProgress']): Promise<void> {
    const { from, through, again } = plan;
    const { onCluster, local, spread } = this.#layout;
    const id = randomUUID().replaceAll('-', '');
    const tables = tablesOf(id);
    for (const [table, source] of [
      [tables.intervals, LIVE.intervals],
      [tables.lastSeen, LIVE.lastSeen],
    ] as const) {
      await this.#run(`CREATE TABLE footfall.${local(table)}${onCluster} CLONE AS footfall.${local(source)}`);
      for (const statement of spread(table)) await this.#run(statement);
    }
    await this.#run(
      `ALTER TABLE footfall.${local(tables.intervals)}${onCluster} DROP PARTITION ID '${OPEN}'`,
    );
    if (again) await this.#forget(tables, from);

    const total = eventsOf(counts.stored, from, LAST_DAY);
    let done = 0;
    for (const stretch of monthsOf(from, through)) {
      await this.#derive(tables, stretch, counts, false, (events) => {
        done += events;
        onProgress?.(done, total);
      });
    }
    await this.#mark(tables.intervals, id, within(counts.stored, from, through), false);
    await this.#insert(tables.lastSeen, [{ dimension: 'derived', key: id, month: firstOfMonth(through) }]);
    await this.#deriveOpen(tables, id, addDays(through, 1), counts);
    onProgress?.(total, total);

    await this.#exchange(tables.intervals, LIVE.intervals);
    await this.#exchange(tables.lastSeen, LIVE.lastSeen);
    await this.#drop([tables.intervals, tables.lastSeen]);
    for (const table of OPEN_DAY_TABLES) await this.#dropPartitions(table, (day) => day <= through);
  }

  async #refreshOpen(from: string, counts: Counts): Promise<void> {
    const { onCluster, local, spread, sync } = this.#layout;
    const id = randomUUID().replaceAll('-', '');
    const { intervals } = tablesOf(id);
    await this.#run(
      `CREATE TABLE footfall.${local(intervals)}${onCluster} AS footfall.${local(LIVE.intervals)}`,
      ...spread(intervals),
    );
    await this.#deriveOpen({ intervals, lastSeen: LIVE.lastSeen }, id, from, counts);
    await this.#run(
      ...sync(intervals),
      `ALTER TABLE footfall.${local(LIVE.intervals)}${onCluster} REPLACE PARTITION ID '${OPEN}' FROM footfall.${local(intervals)}`,
    );
    await this.#drop([intervals]);
  }

  async #deriveOpen(tables: Tables, id: string, from: string, counts: Counts): Promise<void> {
    const open = within(counts.stored, from, LAST_DAY);
    if (open.size === 0) return;
    await this.#derive(tables, { first_day: from, last_day: LAST_DAY }, counts, true);
    await this.#mark(tables.intervals, id, open, true);
  }

  async #derive(
    tables: Tables,
    days: { first_day: string; last_day: string },
    counts: Counts,
    open: boolean,
    onSlice?: (events: number) => void,
  ): Promise<void> {
    const events = eventsOf(counts.stored, days.first_day, days.last_day);
    if (events === 0) return;
    const cut = slices(Math.ceil(events / EVENTS_A_SLICE));
    const together = events <= FEW_EVENTS;
    for (const slice of cut) {
      const params = { ...days, ...slice, is_open: open ? 1 : 0 };
      await this.#run(...intervalStatements(tables, together).map((query) => ({ query, params })));
      if (!open) await this.#run(...lastSeenStatements(tables, together).map((query) => ({ query, params })));
      onSlice?.(events / cut.length);
    }
  }

  /** Says of which build these days are, and of how many raw rows. */
  async #mark(table: string, id: string, days: Map<string, number>, isOpen: boolean): Promise<void> {
    const rows = [...days].map(([day, events]) => ({
      dimension: 'derived',
      key: id,
      day,
      is_open: isOpen,
      page_views: events,
    }));
    await this.#insert(table, rows);
  }

  async #insert(table: string, values: object[]): Promise<void> {
    if (values.length === 0) return;
    this.#signal?.throwIfAborted();
    await this.#client.insert({
      table: `footfall.${table}`,
      values,
      format: 'JSONEachRow',
      clickhouse_settings: DERIVE_SETTINGS,
    });
  }

  /** Completes the build whose intervals count already, and throws others away. */
  async #recover(): Promise<void> {
    const names = await this.#leftovers();
    for (const name of names) {
      const id = idOf(name, LIVE.lastSeen);
      if (id === undefined) continue;
      const [intervals, lastSeen] = await Promise.all([
        this.#has(LIVE.intervals, id),
        this.#has(LIVE.lastSeen, id),
      ]);
      if (intervals && !lastSeen) await this.#exchange(tablesOf(id).lastSeen, LIVE.lastSeen);
    }
    await this.#drop(names);
  }

  async #has(table: string, build: string): Promise<boolean> {
    const rows = await select(
      this.#client,
      `SELECT 1 AS found FROM footfall.${table} WHERE dimension = 'derived' AND key = {build:String} LIMIT 1`,
      { build },
    );
    return rows.length > 0;
  }

  async #leftovers(): Promise<string[]> {
    const rows = await select<{ name: string }>(
      this.#client,
      `SELECT DISTINCT name FROM ${this.#layout.everywhere('system.tables')}
       WHERE database = 'footfall' AND startsWith(name, '${BUILDING}')`,
    );
    return rows.map(({ name }) => name);
  }

  async #counts(): Promise<Counts> {
    const [stored, derived] = await Promise.all([
      select<{ day: string; events: number }>(
        this.#client,
        'SELECT toString(log_hourly.day) AS day, sum(events) AS events FROM footfall.log_hourly GROUP BY log_hourly.day ORDER BY day',
      ),
      select<{ day: string; open: number; events: number }>(
        this.#client,
        `SELECT toString(return_intervals.day) AS day, toUInt8(is_open) AS open, sum(page_views) AS events
         FROM footfall.return_intervals WHERE dimension = 'derived'
         GROUP BY return_intervals.day, is_open ORDER BY day`,
      ),
    ]);
    const of = (rows: { day: string; events: number }[]) => new Map(rows.map((row) => [row.day, row.events]));
    return {
      stored: of(stored.filter(({ events }) => events > 0)),
      closed: of(derived.filter(({ open }) => open === 0)),
      open: of(derived.filter(({ open }) => open === 1)),
    };
  }

  /** The first day of the month from which on raw still has every row, if that is after the month of `from`. */
  async #wholeFrom(counts: Counts, from = FIRST_DAY): Promise<string> {
    const first = firstOfMonth(from);
    const rows = await select<{ day: string; events: number }>(
      this.#client,
      'SELECT toString(event.day) AS day, count() AS events FROM footfall.event WHERE event.day >= {first:Date} GROUP BY event.day',
      { first },
    );
    const raw = new Map(rows.map((row) => [row.day, row.events]));
    const broken = [...counts.stored]
      .filter(([day, events]) => day >= first && (raw.get(day) ?? 0) < events)
      .map(([day]) => day);
    const lastBroken = last(broken);
    return lastBroken === undefined ? first : firstOfMonth(addDays(firstOfMonth(lastBroken), 31));
  }

  /** Takes the closed days from a first of a month on out of a build; the partitions of intervals are years. */
  async #forget({ intervals, lastSeen }: Tables, from: string): Promise<void> {
    const year = from.slice(0, 4);
    await this.#dropPartitions(intervals, (name) => name >= year);
    await this.#dropPartitions(lastSeen, (name) => name >= from);
    await this.#run({
      query: `INSERT INTO footfall.${intervals} SELECT * FROM footfall.${LIVE.intervals}
              WHERE NOT is_open AND toYear(day) = {year:UInt16} AND day < {from:Date}`,
      params: { year: Number(year), from },
    });
  }

  async #dropPartitions(table: string, which: (name: string) => boolean): Promise<void> {
    const { onCluster, local, everywhere } = this.#layout;
    const partitions = await select<{ id: string; name: string }>(
      this.#client,
      `SELECT DISTINCT partition_id AS id, partition AS name FROM ${everywhere('system.parts')}
       WHERE database = 'footfall' AND table = '${local(table)}' AND active`,
    );
    for (const { id } of partitions.filter(({ name }) => which(name))) {
      await this.#run(`ALTER TABLE footfall.${local(table)}${onCluster} DROP PARTITION ID '${id}'`);
    }
  }

  async #exchange(one: string, other: string): Promise<void> {
    const { onCluster, local, sync } = this.#layout;
    await this.#run(
      ...sync(one),
      `EXCHANGE TABLES footfall.${local(one)} AND footfall.${local(other)}${onCluster}`,
    );
  }

  async #drop(names: readonly string[]): Promise<void> {
    const { onCluster, local } = this.#layout;
    const all = new Set(names.flatMap((name) => (name.endsWith('_local') ? [name] : [name, local(name)])));
    for (const name of all) await this.#run(`DROP TABLE IF EXISTS footfall.${name}${onCluster} SYNC`);
  }

  async #run(...statements: (string | { query: string; params: object })[]): Promise<void> {
    for (const statement of statements) {
      this.#signal?.throwIfAborted();
      const { query, params } = typeof statement === 'string' ? { query: statement, params: {} } : statement;
      await this.#client.command({ query, clickhouse_settings: { ...DERIVE_SETTINGS, ...bind(params) } });
    }
  }
}

/** Nothing where no day that is to be derived is within reach of raw, which is whole from `whole` on. */
function planOf(given: {
  stale: readonly string[];
  from: string | undefined;
  whole: string;
  closedBefore: string | undefined;
  through: string;
}): Plan | undefined {
  const { stale, from, whole, closedBefore, through } = given;
  const day = first([from && later(from, whole), ...stale.filter((each) => each >= whole)]);
  if (day === undefined || day > through) return undefined;
  const again = closedBefore !== undefined && day <= closedBefore;
  return { from: again ? firstOfMonth(day) : day, through, again };
}

function staleDays({ stored, closed }: Counts, through: string): string[] {
  const days = new Set([...stored.keys(), ...closed.keys()]);
  return [...days]
    .filter((day) => day <= through && (stored.get(day) ?? 0) !== (closed.get(day) ?? 0))
    .sort();
}

function within(days: Map<string, number>, first: string, lastDay: string): Map<string, number> {
  return new Map([...days].filter(([day]) => day >= first && day <= lastDay));
}

function sameDays(some: Map<string, number>, others: Map<string, number>): boolean {
  return some.size === others.size && [...some].every(([day, events]) => others.get(day) === events);
}

function eventsOf(days: Map<string, number>, first: string, lastDay: string): number {
  return [...within(days, first, lastDay).values()].reduce((sum, events) => sum + events, 0);
}

function first(days: readonly (string | undefined)[]): string | undefined {
  return days.filter((day) => day !== undefined).sort()[0];
}

function last(days: readonly string[]): string | undefined {
  return [...days].sort().at(-1);
}

function later(one: string, other: string | undefined): string {
  return other === undefined || other < one ? one : other;
}

function tablesOf(id: string): Tables {
  return {
    intervals: `${BUILDING}${LIVE.intervals}_${id}`,
    lastSeen: `${BUILDING}${LIVE.lastSeen}_${id}`,
  };
}

function idOf(name: string, table: string): string | undefined {
  return new RegExp(`^${BUILDING}${table}_([0-9a-f]{32})$`).exec(name)?.[1];
}
