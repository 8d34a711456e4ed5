/** A duty that one process at a time may have: it lapses by itself, so that a killed holder blocks nobody for long. */
import type { LmdbStore } from './lmdb-store.ts';

interface Request {
  duty: string;
  holder: string;
  forMs: number;
  /** ms since the epoch; the processes of one machine share its clock. */
  now: number;
}

/** Says whether the duty is the holder's for the next `forMs`. */
export function takeLease(store: LmdbStore, { duty, holder, forMs, now }: Request): Promise<boolean> {
  return store.transact(() => {
    const found = store.leases.get(duty);
    const left = (found?.until ?? now) - now;
    // One that ends later than any that could be given now was given before the clock was set back.
    if (found !== undefined && found.holder !== holder && left > 0 && left <= forMs) return false;
    store.leases.putSync(duty, { holder, until: now + forMs });
    return true;
  });
}

export async function giveBackLease(store: LmdbStore, duty: string, holder: string): Promise<void> {
  await store.transact(() => {
    if (store.leases.get(duty)?.holder === holder) store.leases.removeSync(duty);
  });
}
