import { describe, expect, it } from 'vitest';
import { Pool } from './pool.ts';

class Connection {
  closed = false;
  async close() {
    this.closed = true;
  }
}

/** Work that ends when told to. */
function work() {
  const { promise, resolve, reject } = deferred<string>();
  return { run: () => promise, end: () => resolve('done'), fail: () => reject(new Error('broken')) };
}

function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

describe('pool', () => {
  it('runs one statement a connection and goes on with who waits longest', async () => {
    const pool = new Pool([new Connection(), new Connection()]);
    const slow = work();
    const quick = work();
    const order: string[] = [];
    const running = [pool.run(slow.run), pool.run(quick.run)];
    const first = pool.run(async () => order.push('first'));
    const second = pool.run(async () => order.push('second'));
    await Promise.resolve();
    expect(order).toEqual([]);
    quick.end();
    await Promise.all([first, second]);
    expect(order).toEqual(['first', 'second']);
    slow.end();
    await Promise.all(running);
  });

  it('uses a connection again after a statement failed', async () => {
    const pool = new Pool([new Connection()]);
    const broken = work();
    const failing = pool.run(broken.run);
    broken.fail();
    await expect(failing).rejects.toThrow('broken');
    expect(await pool.run(async () => 'next')).toBe('next');
  });

  it('refuses when too many wait', async () => {
    const pool = new Pool([new Connection()]);
    const slow = work();
    const running = pool.run(slow.run);
    const waiting = Array.from({ length: 1_000 }, () => pool.run(async () => 'waited'));
    await expect(pool.run(async () => 'too many')).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
    });
    slow.end();
    await running;
    expect(new Set(await Promise.all(waiting))).toEqual(new Set(['waited']));
  });

  it('closes when running statements have ended, and refuses who waits', async () => {
    const connection = new Connection();
    const pool = new Pool([connection]);
    const slow = work();
    const running = pool.run(slow.run);
    const waiting = expect(pool.run(async () => 'never')).rejects.toMatchObject({ code: 'unavailable' });
    const closing = pool.close();
    await waiting;
    expect(connection.closed).toBe(false);
    slow.end();
    expect(await running).toBe('done');
    await closing;
    expect(connection.closed).toBe(true);
    await expect(pool.run(async () => 'late')).rejects.toMatchObject({ code: 'unavailable' });
  });
});
