/** The life of an embedded server: shared, adopted, killed, interrupted. */
import { mkdir, readdir, readFile, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { EngineUrlError } from '../engine.ts';
import { hasOpened, killGroup, leave, ScratchFolder } from './embedded.fixture.ts';
import { openSessions } from './open.ts';
import type { OffsetRange, SessionStore } from './port.ts';
import { findBinaries } from './server/binaries.ts';
import { checkpoint, count, delta, visitor } from './session.fixture.ts';

const PATIENCE = { timeout: 25_000, interval: 20 };
const UNAVAILABLE = { name: 'SessionStoreError', code: 'unavailable', retryable: true };

describe('an embedded server', () => {
  let folder: ScratchFolder;
  let partition = 0;

  beforeAll(async () => {
    folder = await ScratchFolder.make();
  });
  afterEach(() => folder.closeAll());
  afterAll(() => folder.remove());

  async function writeSomething(store: SessionStore): Promise<OffsetRange> {
    const range = { partition: partition++, firstOffset: 0, nextOffset: 10 };
    await count(store, [range], [delta(visitor(), 0)]);
    return range;
  }

  it('keeps the data, and stops with its only opener', async () => {
    const first = await folder.open();
    const range = await writeSomething(first);
    await first.close();
    expect(await folder.server()).toBeUndefined();
    const second = await folder.open();
    expect(await checkpoint(second, range)).toEqual(range);
  });

  it('is adopted by later openers and stopped by the last one out', async () => {
    const first = await folder.open();
    const server = await folder.server();
    const second = await folder.open();
    const opener = folder.spawn();
    await hasOpened(opener);
    await first.close();
    await second.ping();
    await second.close();
    expect(await folder.server()).toBe(server);
    await leave(opener);
    expect(await folder.server()).toBeUndefined();
  });

  it('is never pulled from under an opener who comes while the last one leaves', async () => {
    let leaving = await folder.open();
    for (let round = 0; round < 5; round += 1) {
      const [coming] = await Promise.all([folder.open(), leaving.close()]);
      await coming.ping();
      leaving = coming;
    }
  });

  it('outlives a killed opener and is adopted by the next', async () => {
    const opener = folder.spawn();
    await hasOpened(opener);
    const server = await folder.server();
    await killGroup(opener);
    const store = await folder.open();
    expect(await folder.server()).toBe(server);
    await store.ping();
  });

  it('makes calls fail as retryable when it is killed, and comes back with everything committed', async () => {
    const [one, other] = await Promise.all([folder.open(), folder.open()]);
    const range = await writeSomething(one);
    const server = await folder.server();
    const holding = one.withLock('ingest', 'exclusive', async () => {
      const waiting = other.withLock('ingest', 'shared', async () => {});
      await killServer(folder);
      await expect(waiting).rejects.toMatchObject(UNAVAILABLE);
      // Its processes go one by one, and may still answer; another server starts once they are gone.
      await vi.waitFor(async () => {
        await healthy(other);
        expect(await folder.server()).not.toBe(server);
      }, PATIENCE);
    });
    await expect(holding).rejects.toMatchObject(UNAVAILABLE);
    await healthy(one);
    expect(await checkpoint(one, range)).toEqual(range);
    expect(await checkpoint(other, range)).toEqual(range);
  });

  it('closes in peace after it was killed', async () => {
    const store = await folder.open();
    const server = await killServer(folder);
    await store.close();
    await folder.open();
    expect(await folder.server()).not.toBe(server);
  });

  it('starts although a reset left its pid file behind and another process has that pid now', async () => {
    const pidFile = join(folder.path, 'cluster/data/postmaster.pid');
    const first = await folder.open();
    const range = await writeSomething(first);
    const lines = (await readFile(pidFile, 'utf8')).split('\n');
    await first.close();
    await writeFile(pidFile, [process.pid, ...lines.slice(1)].join('\n'));
    const second = await folder.open();
    expect(await checkpoint(second, range)).toEqual(range);
  });
});

describe('the first start of an embedded server', () => {
  let folder: ScratchFolder;

  beforeEach(async () => {
    folder = await ScratchFolder.make();
  });
  afterEach(async () => {
    await folder.closeAll();
    await folder.remove();
  });

  it('makes one database of openers who come at the same time', async () => {
    const range = { partition: 0, firstOffset: 0, nextOffset: 10 };
    const [first, second] = await Promise.all([folder.open(), folder.open(), hasOpened(folder.spawn())]);
    await count(first, [range], []);
    expect(await checkpoint(second, range)).toEqual(range);
    expect(await readdir(folder.path)).toEqual(['cluster']);
  });

  it('begins anew after one that was killed', async () => {
    const opener = folder.spawn();
    await vi.waitFor(async () => {
      const [draft = ''] = await readdir(folder.path);
      expect(await readdir(join(folder.path, draft, 'data'))).toContain('PG_VERSION');
    }, PATIENCE);
    await killGroup(opener);
    expect(await readdir(folder.path)).not.toContain('cluster');
    const store = await folder.open();
    await store.ping();
  });

  it('sweeps what one that was killed some time ago left behind', async () => {
    const draft = join(folder.path, 'cluster-gone');
    await mkdir(draft, { recursive: true });
    await writeFile(join(draft, 'password'), '');
    await utimes(draft, 0, 0);
    await folder.open();
    expect(await readdir(folder.path)).toEqual(['cluster']);
  });
});

describe('opening a session store', () => {
  const options = { sessionTimeoutMs: 1 };

  it('lists the known engines when the scheme is none of them', async () => {
    await expect(openSessions('oracle://x', options)).rejects.toThrow(
      /oracle.*embedded-postgres:\/\/, postgres:\/\/, postgresql:\/\//,
    );
  });

  it('refuses a relative folder, a parameter, and a path that a shell would read differently', async () => {
    for (const rest of ['data', '/tmp/x?port=1', '/tmp/$HOME', '/tmp/a"b']) {
      await expect(openSessions(`embedded-postgres://${rest}`, options)).rejects.toThrow(EngineUrlError);
    }
  });

  it('names the platform when there is no server for it', async () => {
    await expect(findBinaries('sunos-sparc')).rejects.toThrow(/sunos-sparc.*DATABASE_URL/);
  });
});

async function killServer(folder: ScratchFolder): Promise<number> {
  const server = await folder.server();
  if (server === undefined) throw new Error('no server runs');
  process.kill(server, 'SIGKILL');
  return server;
}

/** Calls may fail for a while, though only as retryable. */
async function healthy(store: SessionStore): Promise<void> {
  const failures: unknown[] = [];
  await vi.waitFor(async () => {
    try {
      await store.ping();
    } catch (error) {
      failures.push(error);
      throw error;
    }
  }, PATIENCE);
  for (const failure of failures) expect(failure).toMatchObject(UNAVAILABLE);
}
