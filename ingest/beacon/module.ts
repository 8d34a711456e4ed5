/** The beacon as a module of other packages: `import { start } from 'footfall/beacon'`. */
import type { start as Start } from './public.ts';
import { start as startPage, wantsNone } from './start.ts';

const silent = (): void => {};

export const start: typeof Start = ({ auto, hash, heartbeat, respectDnt, ...fields }) => {
  if (typeof window === 'undefined' || (respectDnt !== false && wantsNone())) return silent;
  startPage({
    ...fields,
    heartbeat: heartbeat ?? 15,
    ...(auto === false ? { auto: 'false' } : {}),
    ...(hash ? { hash: '' } : {}),
  });
  return window.footfall ?? silent;
};
