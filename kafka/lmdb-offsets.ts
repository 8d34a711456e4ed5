/** Where the groups are: committed offsets, kept beside the frames. */
import type { LmdbStore } from './lmdb-store.ts';
import type { PartitionLag } from './port.ts';

/** First offset that is there, and the one after the last. */
export function boundsOf(store: LmdbStore, partition: number): { start: number; end: number } {
  return { start: store.starts.get(partition) ?? 0, end: store.ends.get(partition) ?? 0 };
}

export function committedOf(store: LmdbStore, partition: number, group: string): number {
  return store.offsets.get([partition, group]) ?? boundsOf(store, partition).start;
}

/** The lowest offset that some group has yet to read; undefined while no group is known. */
export function neededFrom(store: LmdbStore, partition: number): number | undefined {
  let lowest: number | undefined;
  for (const { value } of store.offsets.getRange({ start: [partition], end: [partition + 1] })) {
    if (lowest === undefined || value < lowest) lowest = value;
  }
  return lowest;
}

/** Makes a new group known, at the start of every partition: from now on it holds frames back from removal. */
export async function registerGroup(store: LmdbStore, group: string): Promise<void> {
  const missing: number[] = [];
  for (let partition = 0; partition < store.partitions; partition += 1) {
    if (store.offsets.get([partition, group]) === undefined) missing.push(partition);
  }
  if (missing.length === 0) return;
  await store.transact(() => {
    store.forbidRemovals();
    for (const partition of missing) {
      store.offsets.putSync([partition, group], boundsOf(store, partition).start);
    }
  });
}

/** What became of a wish to read from an offset. */
type Assignment =
  | { kind: 'as_asked'; offset: number }
  | { kind: 'gap'; offset: number }
  | { kind: 'beyond_end'; end: number };

/** Moves a group to `asked`, or to the first frame when that one is gone; leaves it alone when `asked` never was. */
export function assignOffset(
  store: LmdbStore,
  partition: number,
  group: string,
  asked: number,
): Promise<Assignment> {
  return store.transact(() => {
    const { start, end } = boundsOf(store, partition);
    if (asked > end) return { kind: 'beyond_end', end };
    const offset = Math.max(asked, start);
    if (offset !== store.offsets.get([partition, group])) {
      store.forbidRemovals();
      store.offsets.putSync([partition, group], offset);
    }
    return { kind: offset === asked ? 'as_asked' : 'gap', offset };
  });
}

export function lagOf(store: LmdbStore, group: string): PartitionLag[] {
  return Array.from({ length: store.partitions }, (_, partition) => ({
    partition,
    committed: committedOf(store, partition, group),
    end: boundsOf(store, partition).end,
  }));
}
