/** What processes use, measured from outside: processor and memory. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const TICKS_A_SECOND = 100;

export interface Use {
  /** Of all threads, those of processes that have ended meanwhile, too. */
  processorSeconds: number;
  /** Memory of its own, and with it the pages of files and what is shared, which the system takes back when it needs them. */
  ownMiB: number;
  residentMiB: number;
}

/** Of one process, or nothing where it is gone. */
export function useOf(pid: number): Use {
  const [user = 0, system = 0] = times(`/proc/${pid}/stat`);
  return { processorSeconds: (user + system) / TICKS_A_SECOND, ...memory(pid) };
}

/** Of a process and those that it has started: what ended is in its own times. Shared memory is counted once. */
export function useOfTree(pid: number): Use {
  const all = [pid, ...childrenOf(pid)];
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = times(`/proc/${pid}/stat`);
  let ticks = user + system + endedUser + endedSystem;
  for (const child of all.slice(1)) {
    const [childUser = 0, childSystem = 0] = times(`/proc/${child}/stat`);
    ticks += childUser + childSystem;
  }
  const memories = all.map(memory);
  const own = memories.reduce((sum, { ownMiB }) => sum + ownMiB, 0);
  const shared = Math.max(...memories.map(({ ownMiB, residentMiB }) => residentMiB - ownMiB));
  return { processorSeconds: ticks / TICKS_A_SECOND, ownMiB: own, residentMiB: own + shared };
}

/**
 * Processor seconds of its threads, by name: native libraries name theirs; `node` are those of libuv, which wait inside of such a
 * library. Threads that have ended are not in it.
 */
export function threadSeconds(pid: number): Map<string, number> {
  const seconds = new Map<string, number>();
  for (const thread of listed(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${thread}`;
    const name = Number(thread) === pid ? 'JavaScript' : read(`${folder}/comm`).trim();
    const [user = 0, system = 0] = times(`${folder}/stat`);
    seconds.set(name, (seconds.get(name) ?? 0) + (user + system) / TICKS_A_SECOND);
  }
  return seconds;
}

/** Of the embedded PostgreSQL of an installation, which has left its tree: it is found by the file that it writes. */
export function postmasterOf(folder: string): number {
  const file = join(folder, 'postgres', 'cluster', 'data', 'postmaster.pid');
  if (!existsSync(file)) throw new Error('the embedded PostgreSQL does not run');
  return Number(readFileSync(file, 'utf8').split('\n', 1)[0]);
}

export function childrenOf(pid: number): number[] {
  const list = read(`/proc/${pid}/task/${pid}/children`);
  return list.trim().split(' ').filter(Boolean).map(Number);
}

function memory(pid: number): Pick<Use, 'ownMiB' | 'residentMiB'> {
  const status = read(`/proc/${pid}/status`);
  const mebibytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024;
  return { ownMiB: mebibytes('RssAnon'), residentMiB: mebibytes('VmRSS') };
}

/** Ticks in user and system mode, of itself and of the children that it has waited for. */
function times(file: string): number[] {
  const stat = read(file);
  // The name of the command, in brackets, may have spaces.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return [11, 12, 13, 14].map((n) => Number(fields[n] ?? 0));
}

/** Processes and threads end at any moment. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
