/** The analytics store on any engine that speaks ClickHouse: chDB in this process, or a server. */
import { randomUUID } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Calendar } from '../contract/reporting-day.ts';
import { erase } from './erase.ts';
import { insertError, storeError } from './errors.ts';
import { freeze, thaw } from './frozen.ts';
import { Intervals } from './intervals.ts';
import type { Layout } from './layout.ts';
import { migrate, recordMigrations } from './migrate.ts';
import { Pool } from './pool.ts';
import {
  type AnalyticsStore,
  AnalyticsStoreError,
  type EventRow,
  type FrozenStore,
  type IntervalsReport,
  type IntervalsTask,
  type Place,
  placeOf,
  type ScopePresence,
  type SeenEvent,
  type StoredRange,
} from './port.ts';
import type { PeoplesEvents, QueryName, QueryParams, QueryRow } from './queries.ts';
import { rebuild } from './rebuild.ts';
import { keepFor, rawIsWhole } from './retention.ts';
import { COLUMNS, checkDays, checkPresence, checkRows, columnsText } from './rows.ts';
import { INSERT_SETTINGS, PRESENCE_SETTINGS } from './settings.ts';
import { select, selectArrow, selectNamed } from './statement.ts';
import { daysOfRaw, expiredDays, recordedZone, recordZone, requireZone, rezoneRaw } from './zone.ts';

/** Ready connections. */
export interface Engine {
  /** For inserts, rebuilds and what goes with them, so that a dashboard never holds up the pipeline. Without settings. */
  writer: ClickHouseClient;
  /** For the return intervals, so that deriving a day does not hold up inserts. Without settings. */
  deriver: ClickHouseClient;
  /** With `READER_SETTINGS`. One statement each at a time; a client that can run several is listed as often. */
  readers: ClickHouseClient[];
  layout: Layout;
  /** Where it keeps its files, of one in this process. */
  directory: string | undefined;
  /** Resolves when the server has the rows, and says so. @param rows one text, in pieces */
  insert(statement: string, rows: string[], queryId: string): Promise<void>;
  /** Resolves once an insert that failed neither runs nor can begin. */
  ended(queryId: string): Promise<void>;
  /** Ends every statement whose id begins with `INSERT_ID`, of other processes too. */
  endStrays(): Promise<void>;
  /** After the clients were closed. */
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Days that raw rows stay after they were received. */
  rawDays: number;
  /** ms since the epoch */
  now: () => number;
  /** IANA name of the reporting zone. */
  timeZone: string;
  /** Opens a store whose events have days of another zone, so that it can be changed. */
  anyZone: boolean;
}

const INSERT = `INSERT INTO footfall.event_intake (${COLUMNS.join(', ')}) SETTINGS ${INSERT_SETTINGS} FORMAT JSONCompactColumns`;

/** What the ids of inserts begin with, whichever process runs them. */
export const INSERT_ID = 'footfall-insert-';

const SECOND = 1_000;

/** Event ids of one question; more are asked in turns. */
const MAX_IDS = 1_000;

export async function openStore(engine: Engine, options: StoreOptions): Promise<AnalyticsStore> {
  const store = new ClickHouseStore(engine, options);
  try {
    const toDerive = await migrate(engine.writer, engine.layout);
    await keepFor(engine.writer, options.rawDays, engine.layout);
    if (!options.anyZone) await requireZone(engine.writer, options.timeZone);
    if (toDerive.length > 0) {
      await store.rebuildDays(await daysOfRaw(engine.writer));
      await recordMigrations(engine.writer, toDerive);
    }
    return store;
  } catch (error) {
    await store.close();
    throw storeError(error);
  }
}

class ClickHouseStore implements AnalyticsStore {
  readonly #engine: Engine;
  readonly #options: StoreOptions;
  readonly #writer: Pool<ClickHouseClient>;
  readonly #deriver: Pool<ClickHouseClient>;
  readonly #readers: Pool<ClickHouseClient>;
  readonly #intervals: Intervals;

  constructor(engine: Engine, options: StoreOptions) {
    this.#engine = engine;
    this.#options = options;
    this.#writer = new Pool([engine.writer]);
    this.#deriver = new Pool([engine.deriver]);
    this.#readers = new Pool(engine.readers);
    this.#intervals = new Intervals(engine.deriver, engine.layout, options.now);
  }

  async insert(rows: EventRow[]): Promise<void> {
    checkRows(rows);
    if (rows.length === 0) return;
    const queryId = INSERT_ID + randomUUID();
    await this.#writer.run(async () => {
      try {
        await this.#send(rows, queryId);
      } catch (cause) {
        const error = insertError(cause);
        if (error.code === 'unclear') await this.#engine.ended(queryId);
        throw error;
      }
    });
  }

  /** Not async, as it would keep the text of the rows until the insert is answered. */
  #send(rows: readonly EventRow[], queryId: string): Promise<void> {
    return this.#engine.insert(INSERT, columnsText(rows), queryId);
  }

  async stored(range: StoredRange, day: string): Promise<Set<Place>> {
    checkDays([day]);
    const params = {
      day,
      partition: range.partition,
      first_offset: range.firstOffset,
      next_offset: range.nextOffset,
    };
    const rows = await this.#run(this.#writer, (client) =>
      selectNamed<Pick<EventRow, 'log_offset' | 'log_index'>>(client, 'stored', params),
    );
    return new Set(rows.map(placeOf));
  }

  /** Statements of the writer run one after the other, so an insert of this process has ended when its turn comes. */
  async endStrays(): Promise<void> {
    await this.#run(this.#writer, () => this.#engine.endStrays());
  }

  async recentEventIds(partition: number, beforeOffset: number, since: number): Promise<SeenEvent[]> {
    return await this.#seen('recent_event_ids', { partition, before_offset: beforeOffset, since });
  }

  async seenEventIds(
    partition: number,
    beforeOffset: number,
    since: number,
    eventIds: string[],
  ): Promise<SeenEvent[]> {
    const seen: SeenEvent[][] = [];
    for (let from = 0; from < eventIds.length; from += MAX_IDS) {
      const event_ids = eventIds.slice(from, from + MAX_IDS);
      seen.push(
        await this.#seen('seen_event_ids', { partition, before_offset: beforeOffset, since, event_ids }),
      );
    }
    return seen.flat();
  }

  async knownEventIds(eventIds: string[], days: string[], except: StoredRange[]): Promise<Set<string>> {
    checkDays(days);
    const excepted = except.map((range) => [range.partition, range.firstOffset, range.nextOffset]);
    const known = new Set<string>();
    for (let from = 0; from < eventIds.length; from += MAX_IDS) {
      const params = { event_ids: eventIds.slice(from, from + MAX_IDS), days, except: excepted };
      const rows = await this.#run(this.#writer, (client) =>
        selectNamed<{ event_id: string }>(client, 'known_event_ids', params),
      );
      for (const { event_id } of rows) known.add(event_id);
    }
    return known;
  }

  /** Days that raw no longer holds whole stay as they are: what was derived is all that is left of them. */
  async rebuildDays(days: string[]): Promise<void> {
    checkDays(days);
    const { rawDays, now } = this.#options;
    const whole = [...new Set(days)].filter((day) => rawIsWhole(day, rawDays, now()));
    if (whole.length > 0)
      await this.#run(this.#writer, (client) => rebuild(client, whole, this.#engine.layout));
  }

  async changeZone(calendar: Calendar, { lastDay, onProgress }: Omit<IntervalsTask, 'from'>): Promise<void> {
    await this.#run(this.#deriver, async (client) => {
      const { layout } = this.#engine;
      if ((await recordedZone(client)) === calendar.timeZone) return;
      const [days, expired] = await Promise.all([daysOfRaw(client), expiredDays(client)]);
      await rezoneRaw(client, layout, calendar, onProgress);
      const after = await daysOfRaw(client);
      const whole = new Set([...days, ...after].filter((day) => !expired.includes(day)));
      await rebuild(this.#engine.writer, [...whole], layout);
      const [from] = after;
      if (from !== undefined)
        await this.#intervals.update({ lastDay, from, ...(onProgress && { onProgress }) });
      await recordZone(client, calendar.timeZone);
    });
  }

  async updateIntervals(task: IntervalsTask): Promise<IntervalsReport> {
    return await this.#run(this.#deriver, () => this.#intervals.update(task));
  }

  async eraseEvents(of: PeoplesEvents): Promise<void> {
    await this.#run(this.#deriver, (client) => erase(client, this.#engine.layout, of));
  }

  async freeze(): Promise<FrozenStore> {
    const { directory } = this.#engine;
    if (directory === undefined) {
      throw new AnalyticsStoreError('failed', 'the files of a ClickHouse server are its own: use BACKUP');
    }
    return await this.#run(this.#deriver, (client) => freeze(client, directory));
  }

  async thaw(): Promise<void> {
    const { directory } = this.#engine;
    if (directory !== undefined) await thaw(directory);
  }

  /** Beside the readers: it waits neither for a rebuild nor for a derivation, and holds up no insert of events. */
  async keepPresence(minute: number, online: ScopePresence[]): Promise<void> {
    checkPresence(online);
    if (online.length === 0) return;
    await this.#run(this.#readers, async (client) => {
      await client.insert({
        table: 'footfall.presence_minute',
        values: online.map(({ scope, visitors }) => ({ scope, minute: minute / SECOND, visitors })),
        format: 'JSONEachRow',
        clickhouse_settings: PRESENCE_SETTINGS,
      });
    });
  }

  read<N extends QueryName>(query: N, params: QueryParams<N>): Promise<QueryRow<N>[]> {
    return this.#run(this.#readers, (client) => selectNamed<QueryRow<N>>(client, query, params));
  }

  readArrow<N extends QueryName>(query: N, params: QueryParams<N>): Promise<Buffer> {
    return this.#run(this.#readers, (client) => selectArrow(client, query, params));
  }

  async ping(): Promise<void> {
    await this.#run(this.#readers, (client) => select(client, 'SELECT 1 AS alive'));
  }

  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#deriver.close(), this.#readers.close()]);
    await this.#engine.close();
  }

  async #seen(query: string, params: object): Promise<SeenEvent[]> {
    const rows = await this.#run(this.#writer, (client) =>
      selectNamed<{ event_id: string; visitor: string; received_at: number }>(client, query, params),
    );
    return rows.map((row) => ({ eventId: row.event_id, visitor: row.visitor, receivedAt: row.received_at }));
  }

  async #run<T>(pool: Pool<ClickHouseClient>, work: (client: ClickHouseClient) => Promise<T>): Promise<T> {
    try {
      return await pool.run(work);
    } catch (error) {
      throw storeError(error);
    }
  }
}
