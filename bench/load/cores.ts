/** Puts a process on one core, so that sender and server do not take each other's. */
import { existsSync } from 'node:fs';

const TASKSET = '/usr/bin/taskset';

/** The command as it is for no core, and where the system cannot. */
export function onCore(core: number | undefined, command: string[]): string[] {
  return core !== undefined && existsSync(TASKSET) ? [TASKSET, '-c', String(core), ...command] : command;
}
