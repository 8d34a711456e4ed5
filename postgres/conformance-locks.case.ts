/** Locks hold between instances, whatever happens to the work under them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSessions } from './open.ts';
import type { SessionStore } from './port.ts';

export function describeLocks(url: () => string): void {
  describe('a lock', () => {
    let one: SessionStore;
    let other: SessionStore;

    beforeAll(async () => {
      const options = { sessionTimeoutMs: 1, maxLockConnections: 3 };
      [one, other] = await Promise.all([openSessions(url(), options), openSessions(url(), options)]);
    });
    afterAll(async () => {
      await one?.close();
      await other?.close();
    });

    it('is shared by those who take it shared', async () => {
      const [first, second] = [gate(), gate()];
      const held = [
        one.withLock('ingest', 'shared', first.pass),
        other.withLock('ingest', 'shared', second.pass),
      ];
      await Promise.all([first.reached, second.reached]);
      first.open();
      second.open();
      await Promise.all(held);
    });

    it('keeps everybody else out while it is exclusive, and lets them in afterwards in full', async () => {
      const order: string[] = [];
      const inside = gate();
      const exclusive = one.withLock('ingest', 'exclusive', async () => {
        await inside.pass();
        order.push('exclusive');
      });
      await inside.reached;
      const waiting = [
        other.withLock('ingest', 'shared', async () => order.push('shared')),
        other.withLock('ingest', 'exclusive', async () => order.push('second')),
        one.withLock('ingest', 'shared', async () => order.push('shared')),
      ];
      // Queries and other locks go on meanwhile.
      await other.withLock('cleanup', 'exclusive', () => other.ping());
      expect(order).toEqual([]);
      inside.open();
      await Promise.all([exclusive, ...waiting]);
      expect(order[0]).toBe('exclusive');
      expect(order).toHaveLength(4);
    });

    it('answers what the work answers, and is free again when the work throws', async () => {
      const failure = new Error('the work failed');
      await expect(one.withLock('cleanup', 'exclusive', () => Promise.reject(failure))).rejects.toBe(failure);
      expect(await other.withLock('cleanup', 'exclusive', async () => 42)).toBe(42);
    });

    it('leaves connections for queries however many wait for it', async () => {
      const inside = gate();
      const held = other.withLock('cleanup', 'exclusive', inside.pass);
      await inside.reached;
      const waiting = Array.from({ length: 20 }, () => one.withLock('cleanup', 'exclusive', async () => {}));
      await one.ping();
      inside.open();
      await Promise.all([held, ...waiting]);
    });
  });
}

/** Work that says when it runs and ends when it may. */
function gate(): { reached: Promise<void>; open: () => void; pass: () => Promise<void> } {
  let open = () => {};
  let arrive = () => {};
  const reached = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return {
    reached,
    open: () => open(),
    pass: async () => {
      arrive();
      await opened;
    },
  };
}
