/** Every plot there is. */
import { endToEndLag, endToEndMemory } from './end-to-end.ts';
import { growth } from './growth.ts';
import { hostile } from './hostile.ts';
import { ingest } from './ingest.ts';
import { live } from './live.ts';
import { overload, overloadLatency } from './overload.ts';
import type { Plot } from './plot.ts';
import { presence, presenceLatency } from './presence.ts';
import { ranges } from './ranges.ts';
import { scaling } from './scaling.ts';
import { steady, steadyLatency } from './steady.ts';

export const PLOTS: readonly Plot[] = [
  ingest,
  overload,
  overloadLatency,
  hostile,
  steady,
  steadyLatency,
  scaling,
  endToEndLag,
  endToEndMemory,
  live,
  presence,
  presenceLatency,
  ranges,
  growth,
];
