/** What goes wrong on the way to a server: every failure says whether to repeat, and what is repeated counts once. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { describeWithStack } from '../stack.fixture.ts';
import { Database } from './database.ts';
import { OwnServer, ScratchDatabase } from './networked.fixture.ts';
import { openNetworked } from './networked.ts';
import { openSessions } from './open.ts';
import { openPools } from './pools.ts';
import { type OffsetRange, type SessionDelta, type SessionStore, SessionStoreError } from './port.ts';
import { type Cut, CuttingProxy } from './proxy.fixture.ts';
import { checkpoint, count, delta, readSession, visitor } from './session.fixture.ts';
import { PostgresSessionStore } from './session-store.ts';

const UNAVAILABLE = { name: 'SessionStoreError', code: 'unavailable', retryable: true };
const CONFLICT = { name: 'SessionStoreError', code: 'conflict', retryable: true };
const PATIENCE = { timeout: 25_000, interval: 20 };
const seed = Date.now() % 2 ** 31;

describeWithStack('the way to a server', 'STACK_POSTGRES', (address) => {
  let scratch: ScratchDatabase;
  let proxy: CuttingProxy;
  let store: SessionStore;
  let partition = 0;

  beforeAll(async () => {
    scratch = await ScratchDatabase.create(address);
  });
  beforeEach(async () => {
    proxy = await CuttingProxy.to(() => scratch.url);
    store = await scratch.open({ url: proxy.url(scratch.url) });
  });
  afterEach(() => proxy.close());
  afterAll(() => scratch.drop());

  const nextRange = () => ({ partition: partition++, firstOffset: 0, nextOffset: 10 });

  describe('that is cut at a commit', () => {
    it('before the server has it: nothing is counted, and the repetition counts', async () => {
      const [range, fingerprint] = [nextRange(), visitor()];
      proxy.cut = once('before the commit');
      await expect(count(store, [range], [delta(fingerprint, 0)])).rejects.toMatchObject(UNAVAILABLE);
      expect(await checkpoint(store, range)).toBeUndefined();
      await count(store, [range], [delta(fingerprint, 0)]);
      expect(await readSession(scratch.pool, fingerprint)).toMatchObject({ pageViews: 1 });
    });

    it('before its answer is here: all is counted, the repetition is fenced, and the checkpoint says so', async () => {
      const [range, fingerprint] = [nextRange(), visitor()];
      proxy.cut = once('before its answer');
      await expect(count(store, [range], [delta(fingerprint, 0)])).rejects.toMatchObject(UNAVAILABLE);
      await expect(count(store, [range], [delta(fingerprint, 0)])).rejects.toMatchObject({
        code: 'fenced',
      });
      expect(await checkpoint(store, range)).toEqual(range);
      expect(await readSession(scratch.pool, fingerprint)).toMatchObject({ pageViews: 1 });
    });

    it(`again and again: every batch counts once (seed ${seed})`, async () => {
      const next = random(seed);
      const fingerprint = visitor();
      const batches = 100;
      proxy.cut = () =>
        (['before the commit', 'before its answer', undefined] as const)[Math.floor(next() * 3)];
      let range = nextRange();
      for (let n = 0; n < batches; n++) {
        await persist(store, range, [delta(fingerprint, n)]);
        range = { ...range, firstOffset: range.nextOffset, nextOffset: range.nextOffset + 10 };
      }
      expect(await readSession(scratch.pool, fingerprint)).toMatchObject({ pageViews: batches });
    });
  });

  it(`that is severed in the middle of transactions: every batch counts once (seed ${seed})`, async () => {
    const fingerprints = Array.from({ length: 50 }, visitor);
    const rounds = 20;
    for (let round = 0; round < rounds; round++) {
      const counting = [1, 2, 3, 4].map(() =>
        persist(
          store,
          nextRange(),
          fingerprints.map((each) => delta(each, round)),
        ),
      );
      await scratch.severAll();
      await Promise.all(counting);
    }
    for (const fingerprint of fingerprints) {
      expect(await readSession(scratch.pool, fingerprint)).toMatchObject({ pageViews: rounds * 4 });
    }
  });

  describe('that falls silent without being cut', () => {
    const sizes = { maxConnections: 2, maxLockConnections: 2 };
    const limits = {
      queries: { statementMs: 300, lockMs: 100, answerMs: 400 },
      locks: { statementMs: 0, lockMs: 300, answerMs: 400 },
    };
    let impatient: SessionStore;
    let proxied: CuttingProxy;

    beforeEach(async () => {
      proxied = await CuttingProxy.to(() => scratch.url);
      const pools = openPools({ connectionString: proxied.url(scratch.url) }, sizes, limits);
      impatient = new PostgresSessionStore(new Database({ ...pools, warn: () => {} }), 1);
    });
    afterEach(async () => {
      await impatient.close();
      await proxied.close();
    });

    it('ends every call that is under way, and goes on over new connections', async () => {
      await impatient.ping();
      const inside = impatient.withLock('cleanup', 'exclusive', async () => {
        const waiting = impatient.withLock('cleanup', 'exclusive', async () => {});
        await vi.waitFor(async () => expect(await waitingForLocks(scratch)).toBe(1), PATIENCE);
        proxied.silent = true;
        const calls = [waiting, impatient.ping(), count(impatient, [nextRange()], [])];
        for (const call of calls) await expect(call).rejects.toMatchObject(UNAVAILABLE);
      });
      await expect(inside).rejects.toMatchObject(UNAVAILABLE);
      proxied.silent = false;
      await impatient.ping();
    });

    it('is told from a lock that is not free for a long time', async () => {
      const order: string[] = [];
      let waiting: Promise<unknown> = Promise.resolve();
      await store.withLock('cleanup', 'exclusive', async () => {
        waiting = impatient.withLock('cleanup', 'shared', async () => order.push('waiting'));
        await vi.waitFor(async () => expect(await slicesOfWaiting(scratch)).toBeGreaterThan(1), PATIENCE);
        order.push('holding');
      });
      await waiting;
      expect(order).toEqual(['holding', 'waiting']);
    });
  });

  it('that is severed under a lock: the holder is told at the end, who waits at once', async () => {
    const failing = store.withLock('ingest', 'exclusive', async () => {
      const waiting = store.withLock('ingest', 'shared', async () => {});
      await vi.waitFor(async () => expect(await waitingForLocks(scratch)).toBe(1), PATIENCE);
      proxy.sever();
      await expect(waiting).rejects.toMatchObject(UNAVAILABLE);
      expect(await store.withLock('ingest', 'exclusive', async () => 'others have it')).toBe(
        'others have it',
      );
      return 'done';
    });
    await expect(failing).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('was lost'),
    });
  });

  it('that is severed as the work under a lock ends: the holder is told as well', async () => {
    const failing = store.withLock('ingest', 'exclusive', () => scratch.severAll());
    await expect(failing).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('was lost'),
    });
  });

  it('to a server that may only read for now, after a failover: repeated until it may write', async () => {
    await scratch.pool.query(`alter database ${scratch.name} set default_transaction_read_only = on`);
    await scratch.severAll();
    const range = nextRange();
    await vi.waitFor(
      () =>
        expect(count(store, [range], [])).rejects.toMatchObject({
          ...UNAVAILABLE,
          message: expect.stringContaining('read-only'),
        }),
      PATIENCE,
    );
    await scratch.pool.query(`alter database ${scratch.name} reset default_transaction_read_only`);
    await persist(store, range, []);
    expect(await checkpoint(store, range)).toEqual(range);
  });

  it('to a server with too many connections is one to try again', async () => {
    const role = `${scratch.name}_role`;
    await scratch.pool.query(`create role ${role} login connection limit 0`);
    const url = new URL(scratch.url);
    url.username = role;
    await expect(openSessions(url.href, { sessionTimeoutMs: 1, reachWithinMs: 100 })).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: expect.stringContaining('too many connections'),
    });
    await scratch.pool.query(`drop role ${role}`);
  });

  describe('to rows that others change', () => {
    let database: Database;
    beforeEach(async () => {
      database = await openNetworked(scratch.url, {
        maxConnections: 2,
        maxLockConnections: 1,
        reachWithinMs: 1_000,
        warn: () => {},
      });
      await database.query('create table if not exists pair (id integer primary key, n integer)');
      await database.query('insert into pair values (1, 0), (2, 0) on conflict do nothing');
    });
    afterEach(() => database.close());

    const touch = (id: number) => `update pair set n = n + 1 where id = ${id}`;

    it('a deadlock is a conflict for one, and the other goes on', async () => {
      let arrived = 0;
      const crossing = (first: number, second: number) =>
        database.transaction(async (client) => {
          await client.query(touch(first));
          arrived += 1;
          await vi.waitFor(() => expect(arrived).toBe(2), PATIENCE);
          await client.query(touch(second));
        });
      const outcomes = await Promise.allSettled([crossing(1, 2), crossing(2, 1)]);
      expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(outcomes).toContainEqual({ status: 'rejected', reason: expect.objectContaining(CONFLICT) });
    });

    it('a serialization failure is a conflict', async () => {
      const failing = database.transaction(async (client) => {
        await client.query('set transaction isolation level repeatable read');
        await client.query('select from pair');
        await database.query(touch(1));
        await client.query(touch(1));
      });
      await expect(failing).rejects.toMatchObject(CONFLICT);
    });

    it('a row that stays locked is a conflict, a statement that takes too long is unavailable', async () => {
      const holding = database.transaction(async (holder) => {
        await holder.query(touch(1));
        const waiting = database.transaction(async (client) => {
          await client.query("set local lock_timeout = '20ms'");
          await client.query(touch(1));
        });
        await expect(waiting).rejects.toMatchObject(CONFLICT);
      });
      await holding;
      const slow = database.transaction(async (client) => {
        await client.query("set local statement_timeout = '20ms'");
        await client.query('select pg_sleep(60)');
      });
      await expect(slow).rejects.toMatchObject(UNAVAILABLE);
    });
  });
});

describe('a server that crashes', () => {
  let server: OwnServer;
  let proxy: CuttingProxy;
  let store: SessionStore;

  beforeAll(async () => {
    server = await OwnServer.make();
    await server.start();
    proxy = await CuttingProxy.to(() => server.url());
    store = await openSessions(proxy.url(server.url()), { sessionTimeoutMs: 1 });
  });
  afterAll(async () => {
    await store.close();
    await proxy.close();
    await server.remove();
  });

  it('in the middle of transactions, again and again, has each batch once in the end', async () => {
    const fingerprints = Array.from({ length: 200 }, visitor);
    const [rounds, writers] = [4, 4];
    for (let round = 0; round < rounds; round++) {
      const deltas = fingerprints.map((fingerprint) => delta(fingerprint, round));
      let counted = 0;
      const counting = Array.from({ length: writers }, async (_, writer) => {
        for (let n = 0; n < 10; n++) {
          const firstOffset = (round * 10 + n) * 10;
          await persist(store, { partition: writer, firstOffset, nextOffset: firstOffset + 10 }, deltas);
          counted += 1;
        }
      });
      await vi.waitFor(() => expect(counted).toBeGreaterThan(round * 3), { ...PATIENCE, interval: 1 });
      await server.crash();
      await server.start();
      await Promise.all(counting);
    }
    const database = await openNetworked(server.url(), {
      maxConnections: 1,
      maxLockConnections: 1,
      reachWithinMs: 1_000,
      warn: () => {},
    });
    const rows = await database.query<{ page_views: string; sessions: string }>(
      'select page_views, count(*) as sessions from anonymous_session group by page_views',
    );
    await database.close();
    expect(rows).toEqual([
      { page_views: String(rounds * writers * 10), sessions: String(fingerprints.length) },
    ]);
  });
});

/** As whoever calls the store does: repeats what may be repeated, and asks the checkpoint where it is fenced. */
async function persist(store: SessionStore, range: OffsetRange, deltas: SessionDelta[]): Promise<void> {
  let interrupted = false;
  await vi.waitFor(async () => {
    try {
      await count(store, [range], deltas);
    } catch (error) {
      if (interrupted && error instanceof SessionStoreError && error.code === 'fenced') {
        expect(await checkpoint(store, range)).toEqual(range);
        return;
      }
      expect(error).toMatchObject({ name: 'SessionStoreError', retryable: true });
      interrupted = true;
      throw error;
    }
  }, PATIENCE);
}

function once(cut: Cut): () => Cut | undefined {
  let cuts = 0;
  return () => (cuts++ === 0 ? cut : undefined);
}

async function waitingForLocks(scratch: ScratchDatabase): Promise<number | undefined> {
  const { rows } = await scratch.pool.query<{ waiting: number }>(
    `select count(*)::integer as waiting from pg_locks join pg_database on pg_database.oid = pg_locks.database
     where datname = current_database() and locktype = 'advisory' and not granted`,
  );
  return rows[0]?.waiting;
}

/** Instants at which somebody began to wait for a lock, seen so far by a test. */
const begun = new Set<string>();

async function slicesOfWaiting(scratch: ScratchDatabase): Promise<number> {
  const { rows } = await scratch.pool.query<{ since: string }>(
    "select waitstart::text as since from pg_locks where locktype = 'advisory' and waitstart is not null",
  );
  for (const { since } of rows) begun.add(since);
  return begun.size;
}

/** Numbers in [0, 1), the same for the same seed: https://en.wikipedia.org/wiki/Linear_congruential_generator */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
