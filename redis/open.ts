/** Opens the live store that a URL names. */
import { pickEngine } from '../engine.ts';
import { openMemory } from './memory.ts';
import type { LiveOptions, LiveStore } from './port.ts';

/** Loaded when it is wanted: a store in memory has no use for a client. */
async function openRedis(url: string, options: LiveOptions): Promise<LiveStore> {
  return (await import('./redis.ts')).openRedis(url, options);
}

const ENGINES = {
  memory: openMemory,
  redis: openRedis,
  rediss: openRedis,
  'redis+cluster': openRedis,
  'rediss+cluster': openRedis,
};

/**
 * @param url `memory://`, `redis://HOST:PORT`, or `redis+cluster://HOST:PORT,HOST:PORT,...`; see `redis-url.ts`
 * @throws EngineUrlError saying what is wrong with the URL, or listing the schemes that are known
 */
export async function openLive(url: string, options: LiveOptions = {}): Promise<LiveStore> {
  return pickEngine('live store', url, ENGINES)(url, options);
}
