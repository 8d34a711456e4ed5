/** Closes a day of a million events while the next day's events are inserted at a steady pace. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { AnalyticsStore, EventRow } from '../../clickhouse/port.ts';
import { select } from '../../clickhouse/statement.ts';
import { addDays } from '../../contract/reporting-day.ts';
import { seeded } from '../../integrity/random.ts';
import { fillRaw, PARTITIONS, SEED } from './history.ts';
import { type Memory, withMemory } from './memory.ts';
import { COMMUNITIES, DIVISIONS } from './platform.ts';
import type { Opened, Setting } from './setting.ts';
import { type Spread, spread } from './statistics.ts';

const DAY_EVENTS = 1_000_000;
export const BATCH = 5_000;
export const BATCH_EVERY_MS = 500;
const ALONE_MS = 15_000;

interface Inserts extends Spread {
  batches: number;
}

export interface Closing {
  events: number;
  seconds: number;
  memory: Memory;
  /** ms of an insert of 5,000 rows: while nothing else ran, and meanwhile. */
  insertsAlone: Inserts;
  insertsMeanwhile: Inserts;
}

export async function closeDay({ store, client }: Opened, setting: Setting): Promise<Closing> {
  const { today, visitors, events } = setting;
  const [before] = await select<{ events: number; last: number }>(
    client,
    `SELECT countIf(day = '${today}') AS events, max(log_offset) AS last FROM footfall.event`,
  );
  const missing = Math.max(0, DAY_EVENTS - (before?.events ?? 0));
  const stretch = { firstEvent: 2 * events + 2 * DAY_EVENTS, events: missing, firstDay: today, days: 1 };
  if (missing > 0) await fillRaw(client, visitors, [stretch]);
  await store.rebuildDays([today]);

  const writer = new Writer(store, setting, stretch.firstEvent + missing);
  const insertsAlone = await writer.during(() => pause(ALONE_MS));
  const closing = async () => {
    const start = performance.now();
    await store.updateIntervals({ lastDay: today });
    return Math.round((performance.now() - start) / 10) / 100;
  };
  let seconds = 0;
  const { result: insertsMeanwhile, memory } = await withMemory(() =>
    writer.during(async () => {
      seconds = await closing();
    }),
  );
  const { closedThrough } = await store.updateIntervals({ lastDay: today });
  if (closedThrough !== today) throw new Error(`closed through ${closedThrough} and not ${today}`);
  return { events: DAY_EVENTS, seconds, memory, insertsAlone, insertsMeanwhile };
}

/** Inserts as a pipeline does, but for a pace that is kept whatever an insert takes. */
class Writer {
  readonly #store: AnalyticsStore;
  readonly #setting: Setting;
  readonly #random = seeded(SEED);
  #offset: number;

  constructor(store: AnalyticsStore, setting: Setting, firstOffset: number) {
    this.#store = store;
    this.#setting = setting;
    this.#offset = firstOffset;
  }

  async during(work: () => Promise<unknown>): Promise<Inserts> {
    const milliseconds: number[] = [];
    let ended = false;
    const inserting = (async () => {
      for (let due = performance.now(); !ended; due += BATCH_EVERY_MS) {
        const rows = this.#batch();
        await pause(Math.max(0, due - performance.now()));
        const start = performance.now();
        await this.#store.insert(rows);
        milliseconds.push(performance.now() - start);
      }
    })();
    try {
      await work();
    } finally {
      ended = true;
      await inserting;
    }
    return { batches: milliseconds.length, ...spread(milliseconds) };
  }

  #batch(): EventRow[] {
    const { today, visitors } = this.#setting;
    const day = addDays(today, 1);
    const midnight = Date.parse(`${day}T00:00:00Z`);
    return Array.from({ length: BATCH }, () => {
      const at = midnight + Math.floor(this.#random() * 3_600_000);
      const rank = Math.floor(visitors ** this.#random());
      const division = DIVISIONS[rank % DIVISIONS.length];
      const page = `/articles/page-${Math.floor(5_000 ** this.#random())}`;
      return {
        log_partition: rank % PARTITIONS,
        log_offset: this.#offset++,
        log_index: 0,
        event_id: randomUUID(),
        type: 'page_view',
        received_at: at,
        happened_at: at,
        day,
        hour: midnight,
        visitor: String(10n ** 18n + BigInt(rank)),
        session_id: randomUUID(),
        user_id: rank % 3 === 0 ? `user-${rank}` : '',
        community_id: COMMUNITIES[rank % COMMUNITIES.length]?.id ?? '',
        division_id: division?.id ?? '',
        division_type: division?.type ?? '',
        relation: 'cross',
        page,
        url: page,
        referrer: 'https://www.google.com/',
        title: page,
        language: 'en',
        screen: '1920x1080',
        country: 'DE',
        browser: 'Chrome',
        os: 'Windows',
        device: 'desktop',
      };
    });
  }
}
