/** What of a run of the memory bench is judged, and the table of it that is documented. */
import { type ByPart, PARTS } from './installed.ts';

const MEGABYTE = 1e6 / 1024 ** 2;
/** Of all processes, with each page counted once. */
export const LIMITS = { idleMiB: Math.floor(600 * MEGABYTE), loadedMiB: Math.floor(1_500 * MEGABYTE) };

export interface Phases {
  idle: ByPart;
  /** The most while it was sent. */
  most: ByPart;
  /** When the sending ended. */
  last: ByPart;
  /** The most from then until all was counted, of what had to wait. */
  catchingUp: ByPart;
  /** Some time after that. */
  after: ByPart;
}

/** What is over a limit, in words. */
export function excesses({ idle, most, catchingUp }: Pick<Phases, 'idle' | 'most' | 'catchingUp'>): string[] {
  const over = (what: string, { onceMiB }: { onceMiB: number }, limit: number) =>
    onceMiB > limit ? [`${what}: ${Math.round(onceMiB)} MiB are resident, and ${limit} are allowed`] : [];
  return [
    ...over('idle', idle.all, LIMITS.idleMiB),
    ...over('under load', most.all, LIMITS.loadedMiB),
    ...over('catching up', catchingUp.all, LIMITS.loadedMiB),
  ];
}

/** In MiB. Of a part each page once, so together less than their sum: they share the program of Node. */
export function tableOf({ idle, most, last, catchingUp, after }: Phases): string {
  const row = (name: string, figure: (by: ByPart) => number) =>
    `| ${[name, ...[idle, most, last, catchingUp, after].map((by) => Math.round(figure(by)))].join(' | ')} |`;
  return [
    '| MiB | idle | most under load | at its end | most while catching up | a minute later |',
    '|---|---|---|---|---|---|',
    ...PARTS.map((part) => row(part, (by) => by[part].onceMiB)),
    row('together, each page once', ({ all }) => all.onceMiB),
    row('sum of RSS', ({ all }) => all.rssMiB),
  ].join('\n');
}
