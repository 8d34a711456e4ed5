import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { EngineUrlError } from '../engine.ts';
import { describeLiveStore } from './conformance.case.ts';
import { openLive } from './open.ts';
import { SITE } from './port.ts';

const DAY = 24 * 60 * 60 * 1_000;

beforeAll(() => void vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout'] }));
afterAll(() => void vi.useRealTimers());

describeLiveStore('memory', {
  open: (options) => openLive('memory://', options),
  elapse: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
});

describe('live store in memory', () => {
  it('drops a counter two days after its last visitor', async () => {
    let clock = Date.now();
    const store = await openLive('memory://', { now: () => clock });
    await store.countVisitors('2025-10-09', SITE, ['a']);
    clock += DAY;
    await store.countVisitors('2025-10-09', SITE, ['b']);
    clock += 2 * DAY - 1;
    expect(await store.visitorsOf('2025-10-09', SITE)).toBe(2);
    clock += 1;
    expect(await store.visitorsOf('2025-10-09', SITE)).toBe(0);
    await store.close();
  });

  it('forgets the oldest allowance when there are too many keys, and refuses nobody for it', async () => {
    const store = await openLive('memory://');
    await store.take('oldest', 1, 1, 60_000);
    expect((await store.take('oldest', 1, 1, 60_000)).allowed).toBe(false);
    for (let i = 0; i < 100_000; i++) await store.take(`key ${i}`, 1, 1, 60_000);
    expect((await store.take('oldest', 1, 1, 60_000)).allowed).toBe(true);
    await store.close();
  });

  it('lets the oldest values go when the cache is full', async () => {
    const store = await openLive('memory://');
    const megabyte = 'x'.repeat(1024 ** 2);
    for (let i = 0; i < 20; i++) await store.cache(`key ${i}`, megabyte, 60_000);
    expect(await store.cached('key 0')).toBeUndefined();
    expect(await store.cached('key 19')).toBe(megabyte);
    await store.close();
  });

  it('warns of a listener that threw when nobody asked to be told', async () => {
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const store = await openLive('memory://');
    await store.subscribe('news', () => {
      throw new Error('bug in a listener');
    });
    await store.publish('news', 'a');
    expect(warn).toHaveBeenCalledOnce();
    warn.mockRestore();
    await store.close();
  });

  it('opens no URL that it does not understand', async () => {
    await expect(openLive('nowhere://')).rejects.toThrow(EngineUrlError);
    await expect(openLive('memory://?size=1')).rejects.toThrow(EngineUrlError);
  });
});
