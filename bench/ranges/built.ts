/** What generating the events and deriving their return intervals leaves in `built.json`. */
import type { Memory } from './memory.ts';
import type { Setting } from './setting.ts';
import type { TableSize } from './sizes.ts';

export interface Built {
  setting: Setting;
  /** How many different ones the events have. */
  distinct: Record<string, number>;
  generatedInSeconds: number;
  /** Of all days at once. */
  buildSeconds: number;
  buildMemory: Memory;
  raw: TableSize & { bytesPerEvent: number };
  /** `toRaw`: bytes by those of raw. */
  returnIntervals: TableSize & { rowsByDimension: Record<string, number>; toRaw: number };
  lastSeen: TableSize & { toRaw: number };
}
