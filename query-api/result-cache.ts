/**
 * Keeps results of closed ranges (ending before today) in the live store.
 *
 * A late event or an import may still change a closed day, so a result lives a minute at most; and the day is part of
 * its key, so that none outlives the turn of the day. A live store that fails costs speed, never an answer.
 */
import type { Logger } from 'pino';
import type { LiveStore } from '../redis/port.ts';
import { seldom } from '../seldom.ts';
import type { Metrics } from './metrics.ts';

const TTL_MS = 60_000;
const MAX_CACHED_CHARACTERS = 256 * 1024;

/** Answers the JSON text of a result, from the cache or from `compute`. */
export type ResultCache = (key: string, compute: () => Promise<string>) => Promise<string>;

export function resultCache(live: LiveStore, metrics: Metrics, log: Logger): ResultCache {
  const warn = seldom((err, unsaid) =>
    log.warn({ err, unsaid }, 'the result cache does not answer: computing instead'),
  );
  const orElse = (error: unknown) => {
    metrics.liveStoreFailures.inc({ use: 'cache' });
    warn(error);
    return undefined;
  };
  return async (key, compute) => {
    const known = await live.cached(key).catch(orElse);
    metrics.cachedResults.inc({ outcome: known === undefined ? 'miss' : 'hit' });
    if (known !== undefined) return known;
    const text = await compute();
    if (text.length <= MAX_CACHED_CHARACTERS) await live.cache(key, text, TTL_MS).catch(orElse);
    return text;
  };
}
