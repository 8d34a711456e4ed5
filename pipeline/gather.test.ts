import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DuplicateWindow } from './duplicate-window.ts';
import { gatherer } from './gather.ts';
import type { Portion } from './work.ts';

const MIB = 1024 ** 2;
const UNIT_BYTES = 32 * MIB;
const LINGER_MS = 150;
const PACE_MS = 2_000;
const PARTITIONS = 8;

interface Unit {
  partitions: number[];
  bytes: number;
  resolve(): void;
  reject(error: Error): void;
}

let units: Unit[];
let gather: ReturnType<typeof gatherer>;

beforeEach(() => {
  vi.useFakeTimers();
  units = [];
  gather = gatherer(
    (portions) =>
      new Promise((resolve, reject) => {
        const bytes = portions
          .flatMap(({ frames }) => frames)
          .reduce((sum, { body }) => sum + body.length, 0);
        units.push({ partitions: portions.map(({ partition }) => partition), bytes, resolve, reject });
      }),
    () => PARTITIONS,
  );
});
afterEach(() => void vi.useRealTimers());

function portion(partition: number, bytes = 100, { signal } = new AbortController()): Portion {
  const frames = [{ offset: 0, body: Buffer.alloc(bytes) }];
  const window = new DuplicateWindow();
  return {
    partition,
    owner: 'test',
    firstOffset: 0,
    nextOffset: 1,
    frames,
    window,
    recounted: false,
    signal,
  };
}

const linger = () => vi.advanceTimersByTimeAsync(LINGER_MS);
const partitions = () => units.map((unit) => unit.partitions);

describe('the gatherer', () => {
  it('starts a large unit once every partition waits, and lets a small one wait for more', async () => {
    for (let partition = 0; partition < PARTITIONS - 1; partition++) void gather.add(portion(partition, MIB));
    await vi.advanceTimersByTimeAsync(LINGER_MS - 1);
    expect(units).toEqual([]);
    void gather.add(portion(PARTITIONS - 1, 1));
    expect(partitions()).toEqual([
      [0, 1, 2, 3],
      [4, 5, 6, 7],
    ]);
    for (const unit of units) unit.resolve();
    await vi.advanceTimersByTimeAsync(PACE_MS);
    for (let partition = 0; partition < PARTITIONS; partition++) void gather.add(portion(partition));
    await vi.advanceTimersByTimeAsync(LINGER_MS - 1);
    expect(units).toHaveLength(2);
  });

  it('has two units under way where much waits, of half of the partitions each, and one where little does', async () => {
    void gather.add(portion(0));
    await linger();
    for (let partition = 1; partition < 6; partition++) void gather.add(portion(partition, 100));
    await vi.advanceTimersByTimeAsync(100 * LINGER_MS);
    expect(partitions()).toEqual([[0]]);
    void gather.add(portion(6, MIB));
    void gather.add(portion(7, MIB));
    expect(partitions()).toEqual([[0], [1, 2, 3, 4]]);
    await vi.advanceTimersByTimeAsync(100 * LINGER_MS);
    expect(units).toHaveLength(2);
    units[0]?.resolve();
    await linger();
    expect(partitions()).toEqual([[0], [1, 2, 3, 4], [5, 6, 7]]);
  });

  it('drops what waits when its partition is taken away', async () => {
    const taken = new AbortController();
    const dropped = gather.add(portion(0, 100, taken));
    void gather.add(portion(1));
    taken.abort(new Error('taken away'));
    await Promise.all([expect(dropped).rejects.toThrow('taken away'), linger()]);
    expect(partitions()).toEqual([[1]]);

    const alone = gather.add(portion(2, 100, taken));
    units[0]?.resolve();
    await Promise.all([expect(alone).rejects.toThrow('taken away'), linger(), linger()]);
    expect(partitions()).toEqual([[1]]);
    void gather.add(portion(3));
    await linger();
    expect(partitions()).toEqual([[1], [3]]);
  });

  it('brings together what comes within a moment', async () => {
    void gather.add(portion(0));
    void gather.add(portion(1));
    await vi.advanceTimersByTimeAsync(LINGER_MS - 1);
    expect(units).toEqual([]);
    void gather.add(portion(2));
    await vi.advanceTimersByTimeAsync(1);
    expect(partitions()).toEqual([[0, 1, 2]]);
  });

  it('has one unit under way at a time where little waits', async () => {
    const first = gather.add(portion(0));
    await linger();
    void gather.add(portion(1));
    void gather.add(portion(2));
    await vi.advanceTimersByTimeAsync(100 * LINGER_MS);
    expect(partitions()).toEqual([[0]]);

    units[0]?.resolve();
    await first;
    await linger();
    expect(partitions()).toEqual([[0], [1, 2]]);
  });

  it('resolves a portion when its unit is counted, and not before', async () => {
    let counted = false;
    const added = gather.add(portion(0)).then(() => {
      counted = true;
    });
    await linger();
    expect(counted).toBe(false);
    units[0]?.resolve();
    await added;
    expect(counted).toBe(true);
  });

  it.each([
    { tookMs: 100, pacedMs: 1_000 },
    { tookMs: 600, pacedMs: 1_500 },
    { tookMs: 1_500, pacedMs: 2_000 },
  ])(
    'holds a large unit that took $tookMs ms until $pacedMs ms after it began, so that more comes for the next',
    async ({ tookMs, pacedMs }) => {
      let counted = false;
      const added = gather.add(portion(0, MIB)).then(() => {
        counted = true;
      });
      await linger();
      await vi.advanceTimersByTimeAsync(tookMs);
      units[0]?.resolve();
      await vi.advanceTimersByTimeAsync(pacedMs - tookMs - 1);
      expect(counted).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      await added;
    },
  );

  it('holds no unit while others wait, and none that took longer', async () => {
    const first = gather.add(portion(0, MIB));
    await linger();
    const second = gather.add(portion(1, MIB));
    units[0]?.resolve();
    await first;
    await vi.advanceTimersByTimeAsync(3_000);
    units[1]?.resolve();
    await second;
  });

  it('holds no unit that others are beside, and none that can get no larger', async () => {
    const added = Array.from({ length: PARTITIONS }, (_, partition) => gather.add(portion(partition, MIB)));
    expect(units).toHaveLength(2);
    units[0]?.resolve();
    await Promise.all(added.slice(0, PARTITIONS / 2));
    units[1]?.resolve();
    await vi.advanceTimersByTimeAsync(PACE_MS);
    await Promise.all(added);

    const full = gather.add(portion(0, 14 * MIB));
    await linger();
    units[2]?.resolve();
    await full;
  });

  it('waits no longer when there is enough for a unit', async () => {
    void gather.add(portion(0, UNIT_BYTES / 2));
    void gather.add(portion(1, UNIT_BYTES / 2));
    expect(partitions()).toEqual([[0, 1]]);
  });

  it('makes no unit larger than the bound, and keeps the order', async () => {
    const added = [0, 1, 2, 3].map((partition) => gather.add(portion(partition, 0.4 * UNIT_BYTES)));
    units[0]?.resolve();
    await Promise.all(added.slice(0, 2));
    await linger();
    units[1]?.resolve();
    await vi.advanceTimersByTimeAsync(PACE_MS);
    await Promise.all(added);
    expect(partitions()).toEqual([
      [0, 1],
      [2, 3],
    ]);
    for (const { bytes } of units) expect(bytes).toBeLessThanOrEqual(UNIT_BYTES);
  });

  it('takes a portion above the bound alone', async () => {
    const large = gather.add(portion(0, UNIT_BYTES + 1));
    void gather.add(portion(1));
    expect(partitions()).toEqual([[0]]);
    units[0]?.resolve();
    await large;
    await linger();
    expect(partitions()).toEqual([[0], [1]]);
  });

  it('rejects the portions of a failed unit and no other, and goes on', async () => {
    const failing = [gather.add(portion(0)), gather.add(portion(1))];
    await linger();
    const later = gather.add(portion(2));
    const failure = new Error('a store refused it');
    units[0]?.reject(failure);
    for (const added of failing) await expect(added).rejects.toBe(failure);

    await linger();
    expect(partitions()).toEqual([[0, 1], [2]]);
    units[1]?.resolve();
    await later;
  });
});
