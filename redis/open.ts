/** Opens the live store that a URL names. */
import { pickEngine } from '../engine.ts';
import { openMemory } from './memory.ts';
import type { LiveOptions, LiveStore } from './port.ts';

const ENGINES = { memory: openMemory };

/**
 * @param url `memory://`
 * @throws UnknownEngineError listing the schemes that are known
 */
export async function openLive(url: string, options: LiveOptions = {}): Promise<LiveStore> {
  return pickEngine('live store', url, ENGINES)(url, options);
}
