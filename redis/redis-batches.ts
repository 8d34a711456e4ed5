/** Large batches as many small calls, few of them at once, so that Redis answers others in between. */

export function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  const cut: Item[][] = [];
  for (let i = 0; i < items.length; i += size) cut.push(items.slice(i, i + size));
  return cut;
}

/** Groups by key, then cuts: one entry for each call. */
export function chunksBy<Item, Key>(
  items: readonly Item[],
  keyOf: (item: Item) => Key,
  size: number,
): { key: Key; chunk: Item[] }[] {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups].flatMap(([key, group]) => chunks(group, size).map((chunk) => ({ key, chunk })));
}

/** Begins in order. After an error it begins nothing more, and rejects with it when what has begun has ended. */
export async function inTurns<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  const queue = items.values();
  let failure: { error: unknown } | undefined;
  async function worker(): Promise<void> {
    for (const item of queue) {
      if (failure !== undefined) return;
      await work(item).catch((error: unknown) => {
        failure ??= { error };
      });
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  if (failure !== undefined) throw failure.error;
}
