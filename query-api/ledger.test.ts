import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Ledger } from '../contract/ledger.ts';
import { calendar } from '../contract/reporting-day.ts';
import { LogError } from '../kafka/port.ts';
import type { LedgerEntry } from '../postgres/port.ts';
import { openLive } from '../redis/open.ts';
import { LiveStoreError } from '../redis/port.ts';
import { openStores, type Stores, startApi, type TestApi } from './api.fixture.ts';
import { byMonth, randomEvents } from './events.fixture.ts';

const NOW = Date.parse('2025-03-10T12:34:56Z');
const HOUR = 3_600_000;
const LOG = 'the log of the tests';
const thisHour = Date.parse('2025-03-10T12:00:00Z');
const events = randomEvents(7, { count: 500, days: 1.4, until: NOW, calendar: calendar('UTC') });
const ofHour = (hour: number) => events.filter(({ received_at }) => hourOf(received_at) === hour).length;
const hourOf = (instant: number) => Math.floor(instant / HOUR) * HOUR;

let stores: Stores;
let api: TestApi;
let nextOffset = 0;

beforeAll(async () => {
  stores = await openStores();
  for (const rows of byMonth(events)) await stores.analytics.insert(rows);
  const accepted = new Map<number, number>();
  for (const { received_at } of events) {
    accepted.set(hourOf(received_at), (accepted.get(hourOf(received_at)) ?? 0) + 1);
  }
  await note(...[...accepted].map(([hour, amount]) => entry('accepted', amount, hour)));
});
afterEach(() => api?.close());
afterAll(() => stores.close());

function entry(name: LedgerEntry['name'], amount: number, hour = thisHour): LedgerEntry {
  return { hour, partition: 0, name, amount };
}

/** What a pipeline notes when it counts. */
async function note(...ledger: LedgerEntry[]): Promise<void> {
  await stores.sessions.claim({ partition: 0, owner: 'test' });
  const range = { partition: 0, owner: 'test', firstOffset: nextOffset, nextOffset: nextOffset + 1 };
  nextOffset += 1;
  await stores.sessions.applyBatch({
    ranges: [{ ...range, receivedUntil: NOW - 1_000, logIdentity: LOG }],
    sessions: [],
    ledger,
    lastErasure: 0,
  });
}

const log = (end: number, identity = LOG) => ({
  identity: async () => identity,
  lag: async () => [{ partition: 0, committed: Math.min(5, end), end }],
  async *deadLetters() {
    yield { partition: 0, offset: 1, index: 2, reason: 'not JSON', body: Buffer.from('x') };
  },
});

async function start(changes: Parameters<typeof startApi>[1] = {}): Promise<void> {
  api = await startApi(stores, { now: () => NOW, eventLog: log(5), ...changes });
}

describe('pipeline/', () => {
  it('compares hour by hour what was received with what is stored, and says until when it is complete', async () => {
    const setAside = [entry('duplicate', 3), entry('undecodable', 2), entry('erased', 2)];
    await note(entry('accepted', 7), ...setAside, entry('bot', 4));
    await start();
    const ledger = await api.json(Ledger, 'pipeline/');
    expect(ledger).toMatchObject({
      balanced: true,
      complete_until: new Date(NOW).toISOString(),
      newest_event: new Date(NOW - 1_000).toISOString(),
      newest_event_age_seconds: 1,
      dead_letters: 1,
      spools: [],
      partitions: [{ partition: 0, log_end: 5, counted: 5, lag_frames: 0 }],
    });
    expect(ledger.hours.at(-1)).toEqual({
      hour: new Date(thisHour).toISOString(),
      partition: 0,
      accepted: ofHour(thisHour) + 7,
      duplicate: 3,
      undecodable: 2,
      erased: 2,
      stored: ofHour(thisHour),
      in_views: ofHour(thisHour),
      dropped: { bot: 4, prefetch: 0, do_not_track: 0, global_privacy_control: 0 },
    });
    expect(ledger.hours.reduce((sum, { stored }) => sum + stored, 0)).toBe(events.length);
  });

  it('answers for the days that are asked for, the last two without', async () => {
    await start();
    const { hours } = await api.json(Ledger, 'pipeline/?start_date=2025-03-10');
    expect(hours.map(({ hour }) => hour.slice(0, 10))).toEqual(hours.map(() => '2025-03-10'));
    const long = await api.get('pipeline/?start_date=2025-01-01&end_date=2025-03-10');
    expect([long.status, await long.json()]).toEqual([
      400,
      expect.objectContaining({ field: 'start_date', rule: 'max_range' }),
    ]);
    const old = await api.get('pipeline/?start_date=2023-01-01&end_date=2023-01-02');
    expect([old.status, await old.json()]).toEqual([400, expect.objectContaining({ rule: 'raw_days' })]);
  });

  it('is complete only until where a partition that lags is counted', async () => {
    await start({ eventLog: log(9) });
    const ledger = await api.json(Ledger, 'pipeline/');
    expect(ledger.partitions).toMatchObject([{ log_end: 9, counted: 5, lag_frames: 4 }]);
    expect(ledger.complete_until).toBe(new Date(NOW - 1_000).toISOString());
  });

  it('says that the log is another one than was counted', async () => {
    await start();
    expect((await api.json(Ledger, 'pipeline/')).another_log).toBeNull();
    await api.close();
    await start({ eventLog: log(nextOffset - 1) });
    expect((await api.json(Ledger, 'pipeline/')).another_log).toBe(
      `partition 0: the log ends at offset ${nextOffset - 1}, but the stores have counted up to ${nextOffset}`,
    );
    await api.close();
    await start({ eventLog: log(nextOffset, 'another') });
    expect((await api.json(Ledger, 'pipeline/')).another_log).toBe(
      `partition 0: the log is another, but the stores have counted ${LOG}`,
    );
  });

  it('does not take the log for another one while it is counted', async () => {
    const { progress } = stores.sessions;
    const counting = vi.spyOn(stores.sessions, 'progress').mockImplementation(async () => {
      await note();
      return progress.call(stores.sessions);
    });
    await start({ eventLog: { ...log(0), lag: () => log(nextOffset).lag() } });
    expect((await api.json(Ledger, 'pipeline/')).another_log).toBeNull();
    counting.mockRestore();
  });

  it('shows the spools of which collectors tell, and that it does not know when the live store is away', async () => {
    const live = await openLive('memory://', { now: () => NOW });
    await live.report(
      { instance: 'ingest@one', facts: '{"state":"spooling","frames":7,"bytes":700}' },
      60_000,
    );
    await live.report({ instance: 'somebody', facts: '{"else":true}' }, 60_000);
    await start({ live });
    expect((await api.json(Ledger, 'pipeline/')).spools).toEqual([
      { collector: 'ingest@one', state: 'spooling', frames: 7, bytes: 700 },
    ]);
    vi.spyOn(live, 'reports').mockRejectedValue(new LiveStoreError('unavailable', 'away in a test'));
    expect((await api.json(Ledger, 'pipeline/')).spools).toBeNull();
  });

  it('is for staff, and 503 while the log does not answer', async () => {
    await start();
    const moderator = { Authorization: `Bearer ${await api.token({ staff: false, moderator: true })}` };
    expect((await api.get('pipeline/', moderator)).status).toBe(403);
    await api.close();
    const away = { ...log(5), lag: () => Promise.reject(new LogError('unavailable', 'no broker answers')) };
    await start({ eventLog: away });
    const answer = await api.get('pipeline/');
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '5']);
  });

  it('is out of balance when an event is missing, or is there twice', async () => {
    await note(entry('accepted', 1));
    await start();
    expect((await api.json(Ledger, 'pipeline/')).balanced).toBe(false);
    await note(entry('duplicate', 1));
    expect((await api.json(Ledger, 'pipeline/')).balanced).toBe(true);
    const [row] = events.filter(({ received_at }) => hourOf(received_at) === thisHour);
    if (row === undefined) throw new Error('no event this hour');
    await stores.analytics.insert([row]);
    expect((await api.json(Ledger, 'pipeline/')).balanced).toBe(false);
  });
});
