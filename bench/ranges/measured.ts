/** What measuring leaves in `measured.json`. Times are milliseconds. */
import type { Closing } from './closing.ts';
import type { Range } from './questions.ts';
import type { TableSize } from './sizes.ts';
import type { Spread } from './statistics.ts';

export interface Measured {
  engine: string;
  /** Of the machine, over 1, 5 and 15 minutes. */
  loadAverages: { before: number[]; after: number[] };
  controlMemoryBytes: number;
  ranges: Range[];
  endpoints: Endpoint[];
  /** The tables of states, and how long they took. */
  states: Record<string, TableSize & { seconds: number }>;
  comparisons: Compared[];
  closing: Closing;
}

export interface Endpoint extends Spread {
  endpoint: string;
  range: string;
  path: string;
  /** Of an answer. */
  bytes: number;
  firstByte?: Spread & { milliseconds: number[] };
  milliseconds: number[];
}

/** By `ours`, `uniqExact`, `uniq` and `uniqCombined64`. */
export interface Compared {
  question: string;
  range: string;
  p50: Record<string, number>;
  /** Of the numbers of visitors. */
  errors: Record<string, { percent: number; missing: number }>;
  milliseconds: Record<string, number[]>;
}
