/** What goes wrong between this process and a ClickHouse server, and what is stored then. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@clickhouse/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { openHttp } from './http.ts';
import { type FrontProcess, startFront } from './http-front-process.fixture.ts';
import { type AnalyticsStore, type EventRow, placeOf, type StoredRange } from './port.ts';
import { eventRow } from './reference.case.ts';

const DAY = '2026-11-01';
const OPTIONS = { rawDays: 36_500, now: Date.now, timeZone: 'UTC', anyZone: false, poolSize: 4, cluster: '' };
/** Longer than any test. */
const FOR_EVER = 600_000;

let directory: string;
let front: FrontProcess;
let store: AnalyticsStore;
let partition = 0;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'footfall-http-faults-'));
  front = await startFront(directory);
  store = await openStore();
});
beforeEach(() => {
  partition += 1;
});
afterEach(() => front.strike());
afterAll(async () => {
  await store.close();
  await front.close();
  await rm(directory, { recursive: true, force: true });
});

function openStore(insertMs = 30_000, readMs = 30_000): Promise<AnalyticsStore> {
  return openHttp(front.url, OPTIONS, { insertMs, readMs });
}

/** Rows of the test's own partition, large enough to come in several packets. */
function rows(count = 5_000): EventRow[] {
  return Array.from({ length: count }, (_, n) =>
    eventRow({
      happened_at: Date.parse(`${DAY}T12:00:00Z`),
      log_partition: partition,
      log_offset: Math.floor(n / 500),
      log_index: n % 500,
      title: Math.random().toString(36),
    }),
  );
}

const range = (): StoredRange => ({ partition, firstOffset: 0, nextOffset: 1_000 });
const stored = () => store.stored(range(), DAY);
const places = (of: EventRow[]) => new Set(of.map(placeOf));
const read = (from = store) => from.read('visitors_of_day', { day: '2020-01-01' });
async function insertsUnderWay(): Promise<number> {
  const client = createClient({ url: front.url });
  const result = await client.query({
    query:
      "SELECT toUInt8(count()) AS n FROM system.processes WHERE initial_query_id LIKE 'footfall-insert-%'",
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ n: number }>();
  await client.close();
  return row?.n ?? 0;
}

const unclear = { code: 'unclear', retryable: true };
const unavailable = { code: 'unavailable', retryable: true };

describe('an insert', () => {
  it('that is refused is known not to be stored', async () => {
    await front.refuse();
    await expect(store.insert(rows())).rejects.toMatchObject(unavailable);
    await front.listen();
    expect(await stored()).toEqual(new Set());
  });

  it('whose body is cut stores nothing', async () => {
    const all = rows();
    await front.strike({ what: 'cut_request', kinds: ['insert'], times: 1 });
    await expect(store.insert(all)).rejects.toMatchObject(unclear);
    expect(await stored()).toEqual(new Set());
    await store.insert(all);
    expect(await stored()).toEqual(places(all));
  });

  it('whose answer is lost is unclear, and raw says that it has all of it', async () => {
    const all = rows();
    await front.strike({ what: 'lost_answer', kinds: ['insert'], times: 1 });
    await expect(store.insert(all)).rejects.toMatchObject(unclear);
    expect(await stored()).toEqual(places(all));
  });

  it('that is answered 503 is unclear: a proxy may say so after the server has it', async () => {
    await front.strike({ what: 'unavailable', kinds: ['insert'], times: 1 });
    await expect(store.insert(rows())).rejects.toMatchObject(unclear);
    expect(await stored()).toEqual(new Set());
  });

  it('that the server holds back for too long has ended when it is given up', async () => {
    const hasty = await openStore(300);
    await front.strike({ what: 'delay_before', delay: FOR_EVER, kinds: ['insert'], times: 1 });
    await expect(hasty.insert(rows())).rejects.toMatchObject(unclear);
    expect(await insertsUnderWay()).toBe(0);
    expect(await stored()).toEqual(new Set());
    const again = rows();
    await store.insert(again);
    expect(await stored()).toEqual(places(again));
    await hasty.close();
  });

  it('that is answered too late is unclear, and raw says that it has all of it', async () => {
    const hasty = await openStore(1_000);
    const all = rows();
    await front.strike({ what: 'delay_after', delay: FOR_EVER, kinds: ['insert'], times: 1 });
    await expect(hasty.insert(all)).rejects.toMatchObject(unclear);
    expect(await stored()).toEqual(places(all));
    await hasty.close();
  });

  it('of which the server does not say whether it has ended is settled later', async () => {
    const all = rows();
    await front.strike(
      { what: 'lost_answer', kinds: ['insert'], times: 1 },
      { what: 'unavailable', kinds: ['kill'] },
    );
    await expect(store.insert(all)).rejects.toMatchObject({
      ...unavailable,
      message: 'ClickHouse does not say whether an insert has ended',
    });
    await front.strike();
    await store.endStrays();
    expect(await stored()).toEqual(places(all));
  });

  it('of an instance that lost its lock is ended by who has it', async () => {
    const other = await openStore();
    const before = (await front.seen()).length;
    await front.strike({ what: 'delay_before', delay: FOR_EVER, kinds: ['insert'], times: 1 });
    const lost = expect(other.insert(rows())).rejects.toMatchObject(unclear);
    await vi.waitFor(async () => expect((await front.seen()).length).toBeGreaterThan(before), 10_000);
    expect(await insertsUnderWay()).toBe(1);
    await store.endStrays();
    expect(await insertsUnderWay()).toBe(0);
    expect(await stored()).toEqual(new Set());
    await lost;
    await other.close();
  });

  it('is whole or not there at all when the server dies in the middle of it', async () => {
    const all = rows(20_000);
    const inserting = store.insert(all).then(
      () => 'inserted',
      (error) => error.code,
    );
    await front.kill();
    await front.restart();
    const outcome = await inserting;
    await store.endStrays();
    const count = (await stored()).size;
    expect(outcome === 'inserted' ? [all.length] : [0, all.length]).toContain(count);
  });
});

describe('a read', () => {
  it('fails while the server is away, and works when it is back', async () => {
    await front.refuse();
    await expect(read()).rejects.toMatchObject(unavailable);
    await expect(store.ping()).rejects.toMatchObject(unavailable);
    await front.listen();
    await store.ping();
    expect(await read()).toEqual([]);
  });

  it('that is answered 503 may be tried again', async () => {
    await front.strike({ what: 'unavailable', times: 1 });
    await expect(read()).rejects.toMatchObject(unavailable);
    await read();
  });

  it('never takes an answer that was cut for all of it', async () => {
    await store.insert(rows(2_000).map((row, n) => ({ ...row, visitor: String(n) })));
    await front.strike({ what: 'cut_answer', kinds: ['select'], times: 2 });
    await expect(store.read('visitors_of_day', { day: DAY })).rejects.toMatchObject(unavailable);
    await expect(store.readArrow('today_pages', { day: DAY, limit: 10, offset: 0 })).rejects.toMatchObject(
      unavailable,
    );
  });

  it('that the server does not answer in time is given up', async () => {
    const hasty = await openStore(30_000, 300);
    await front.strike({ what: 'delay_before', delay: 3_000, kinds: ['select'], times: 1 });
    await expect(read(hasty)).rejects.toMatchObject(unavailable);
    await hasty.close();
  });

  it('that the server rejects is not tried again', async () => {
    await expect(store.read('today_pages', { day: DAY, limit: -1, offset: 0 })).rejects.toMatchObject({
      code: 'failed',
      retryable: false,
    });
  });
});

describe('on the wire', () => {
  it('an insert is one gzipped buffer with its length, under an id of its own', async () => {
    const before = (await front.seen()).length;
    for (let n = 0; n < 3; n++) await store.insert(rows());
    const inserts = (await front.seen()).slice(before);
    for (const { queryId, contentEncoding, contentLength, bytes } of inserts) {
      expect(queryId).toMatch(/^footfall-insert-[0-9a-f-]{36}$/);
      expect(contentEncoding).toBe('gzip');
      expect(Number(contentLength)).toBeGreaterThan(0);
      expect(Number(contentLength)).toBeLessThan(bytes / 2);
    }
    expect(new Set(inserts.map(({ queryId }) => queryId)).size).toBe(3);
  });

  it('answers are asked for in gzip, in the name of footfall', async () => {
    await read();
    const last = (await front.seen()).at(-1);
    expect(last?.acceptEncoding).toBe('gzip');
    expect(last?.userAgent).toMatch(/^footfall /);
  });

  it('statements share a connection, and make a new one when the server has closed it', async () => {
    const connections = async () => (await front.seen()).slice(-2).map(({ connection }) => connection);
    await store.insert(rows(1));
    await store.insert(rows(1));
    const [first, second] = await connections();
    expect(second).toBe(first);
    await front.refuse();
    await front.listen();
    await store.insert(rows(1));
    expect((await connections())[1]).toBeGreaterThan(second ?? 0);
  });
});

it('several processes may open an empty server at once', async () => {
  const empty = await mkdtemp(join(tmpdir(), 'footfall-http-empty-'));
  const other = await startFront(empty);
  const stores = await Promise.all(
    Array.from({ length: 3 }, () => openHttp(other.url, OPTIONS, { insertMs: 30_000, readMs: 30_000 })),
  );
  await Promise.all(stores.map((one) => read(one)));
  await Promise.all(stores.map((one) => one.close()));
  await other.close();
  await rm(empty, { recursive: true, force: true });
});
