import type { Config } from '../config.ts';
import type { Service } from './supervisor.ts';

/** The collectors of this machine, for a supervisor. */
export function ingestServices({ ingestProcesses }: Config): Service[] {
  if (ingestProcesses === 1) return [{ name: 'ingest', args: ['ingest'] }];
  return Array.from({ length: ingestProcesses }, (_, n) => ({
    name: `ingest ${n + 1}`,
    args: ['ingest', '--member', String(n + 1)],
  }));
}
