import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DAY } from '../contract/reporting-day.ts';
import { openSessions } from '../postgres/open.ts';
import { type SessionStore, SessionStoreError } from '../postgres/port.ts';
import { count } from '../postgres/session.fixture.ts';
import { NOW, visitor } from './events.fixture.ts';
import { cleanup, startJobs } from './jobs.ts';

const HOUR = 3_600_000;
const config = { cleanupDays: 90, rawDays: 30, timeZone: 'UTC' };
const logger = pino({ level: 'silent' });
const now = () => NOW;
let folder: string;
let sessions: SessionStore;
let offset = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'footfall-jobs-'));
  sessions = await openSessions(`embedded-postgres://${folder}/postgres`, { sessionTimeoutMs: DAY });
});
beforeEach(() => sessions.deleteSessionsIdleSince(NOW + DAY).then(() => {}));
afterEach(() => void vi.useRealTimers());
afterAll(async () => {
  await sessions.close();
  await rm(folder, { recursive: true, force: true });
});

async function lastSeen(...instants: number[]): Promise<void> {
  const deltas = instants.map((instant, n) => ({
    fingerprint: visitor(n),
    firstSeen: instant,
    lastSeen: instant,
    pageViews: 1,
    sessionId: '',
    userId: null,
    firstSignedInAt: null,
    beganAnonymous: true,
  }));
  await count(sessions, [{ partition: 0, firstOffset: offset, nextOffset: offset + 1 }], deltas);
  offset += 1;
}

async function sessionsLeft(): Promise<number> {
  return (await sessions.conversions(0, NOW + 1, 'UTC')).anonymousSessions;
}

describe('the cleanup', () => {
  it('deletes sessions that were idle for longer than it is told, and no other', async () => {
    await lastSeen(NOW, NOW - 90 * DAY, NOW - 90 * DAY - 1, NOW - 400 * DAY);
    expect(await cleanup(config, sessions, NOW)).toBe(2);
    expect(await sessionsLeft()).toBe(2);
  });

  it('destroys the salt of a day 48 hours after it began', async () => {
    const begin = Date.parse('2026-03-08T00:00:00Z');
    const days = ['2026-03-08', '2026-03-09', '2026-03-10'];
    for (const day of days) await sessions.visitorSalt(day);
    const before = await sessions.visitorSalts();
    await cleanup(config, sessions, begin + 2 * DAY - 1);
    expect(await sessions.visitorSalts()).toEqual(before);
    await cleanup(config, sessions, begin + 2 * DAY);
    expect(await sessions.visitorSalts()).toEqual(before.slice(0, 2));
  });

  it('forgets what the ledger says of days whose raw events are gone', async () => {
    const hours = [NOW, NOW - 30 * DAY, NOW - 30 * DAY - HOUR].map((at) => Math.floor(at / HOUR) * HOUR);
    await sessions.claim({ partition: 7, owner: 'test' });
    await sessions.applyBatch({
      ranges: [{ partition: 7, owner: 'test', firstOffset: 0, nextOffset: 1, receivedUntil: null }],
      sessions: [],
      lastErasure: 0,
      ledger: hours.map((hour) => ({ hour, partition: 7, name: 'accepted', amount: 1 })),
    });
    await cleanup(config, sessions, NOW);
    const left = await sessions.ledger(0, NOW + HOUR);
    expect(left.map(({ hour }) => hour)).toEqual(hours.slice(0, 2).toSorted((a, b) => a - b));
  });

  it('waits while another instance cleans up', async () => {
    await lastSeen(NOW - 91 * DAY);
    let here: Promise<number> | undefined;
    await sessions.withLock('cleanup', 'exclusive', async () => {
      const deleting = vi.spyOn(sessions, 'deleteSessionsIdleSince');
      here = cleanup(config, sessions, NOW);
      await sessions.withLock('ingest', 'exclusive', () => sessions.ping());
      expect(deleting).not.toHaveBeenCalled();
      deleting.mockRestore();
    });
    expect(await here).toBe(1);
  });
});

describe('the scheduled jobs', () => {
  const start = (store: SessionStore = sessions) => startJobs({ config, sessions: store, logger, now });
  // PostgreSQL's client needs its own timers.
  const fakeTheSchedule = () => vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });

  it('clean up every hour', async () => {
    fakeTheSchedule();
    const jobs = start();
    await lastSeen(NOW - 91 * DAY);
    await vi.advanceTimersByTimeAsync(HOUR - 1);
    expect(await sessionsLeft()).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    await jobs.close();
    expect(await sessionsLeft()).toBe(0);
  });

  it('run again in an hour after one failed', async () => {
    fakeTheSchedule();
    const away = new SessionStoreError('unavailable', 'away in a test');
    const failing = vi.spyOn(sessions, 'deleteSessionsIdleSince').mockRejectedValueOnce(away);
    const jobs = start();
    await lastSeen(NOW - 91 * DAY);
    await vi.advanceTimersByTimeAsync(2 * HOUR);
    await jobs.close();
    expect(failing).toHaveBeenCalledTimes(2);
    expect(await sessionsLeft()).toBe(0);
    failing.mockRestore();
  });

  it('end with the one under way, and run no more', async () => {
    fakeTheSchedule();
    const deleting = vi.spyOn(sessions, 'deleteSessionsIdleSince');
    const jobs = start();
    await lastSeen(NOW - 91 * DAY);
    await vi.advanceTimersByTimeAsync(HOUR);
    await jobs.close();
    expect(await sessionsLeft()).toBe(0);
    await vi.advanceTimersByTimeAsync(5 * HOUR);
    expect(deleting).toHaveBeenCalledTimes(1);
    deleting.mockRestore();
  });
});
