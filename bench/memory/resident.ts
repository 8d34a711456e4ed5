/**
 * What of the memory of processes is resident, by `/proc/PID/smaps`.
 *
 * `rss` of several processes counts a page once for each that maps it. `pss` divides it by all that do, those of others on the machine
 * included, which map the same programs and libraries. So `once` has each page that these processes map one time: what is
 * anonymous by its share, and of a file at least as much as the process that has most of it.
 */
import { readFileSync } from 'node:fs';

export interface Resident {
  onceMiB: number;
  pssMiB: number;
  rssMiB: number;
  /** Pages that no other process maps. */
  privateMiB: number;
  anonymousMiB: number;
}

/** Of one process: its sums, and what it has of each file, in KiB. */
export interface Mapped {
  rss: number;
  pss: number;
  private: number;
  anonymous: number;
  files: Map<string, { rss: number; pss: number }>;
}

const HEADER = /^[\da-f]+-[\da-f]+ \S+ [\da-f]+ (\S+) (\d+)/;
const FIELD = /^(Rss|Pss|Private_Clean|Private_Dirty|Anonymous):\s+(\d+) kB/;

/** Nothing where the process is gone. */
export function mappedBy(pid: number): Mapped | undefined {
  try {
    return parseMaps(readFileSync(`/proc/${pid}/smaps`, 'utf8'));
  } catch {
    return undefined;
  }
}

export function parseMaps(smaps: string): Mapped {
  const mapped: Mapped = { rss: 0, pss: 0, private: 0, anonymous: 0, files: new Map() };
  let file: { rss: number; pss: number } | undefined;
  for (const line of smaps.split('\n')) {
    const [, device, inode] = HEADER.exec(line) ?? [];
    if (inode !== undefined) file = inode === '0' ? undefined : fileOf(mapped, `${device} ${inode}`);
    const [, name, size] = FIELD.exec(line) ?? [];
    const kibibytes = Number(size);
    if (name === 'Rss') {
      mapped.rss += kibibytes;
      if (file !== undefined) file.rss += kibibytes;
    } else if (name === 'Pss') {
      mapped.pss += kibibytes;
      if (file !== undefined) file.pss += kibibytes;
    } else if (name === 'Anonymous') mapped.anonymous += kibibytes;
    else if (name !== undefined) mapped.private += kibibytes;
  }
  return mapped;
}

export function residentOf(processes: readonly Mapped[]): Resident {
  const sum = (of: (mapped: Mapped) => number) =>
    processes.reduce((all, mapped) => all + of(mapped), 0) / 1024;
  const files = new Map<string, { pss: number; most: number }>();
  for (const [name, { rss, pss }] of processes.flatMap((mapped) => [...mapped.files])) {
    const before = files.get(name) ?? { pss: 0, most: 0 };
    files.set(name, { pss: before.pss + pss, most: Math.max(before.most, rss) });
  }
  const ofOthers = [...files.values()].reduce((all, { pss, most }) => all + Math.max(0, most - pss), 0);
  const pssMiB = sum(({ pss }) => pss);
  return {
    onceMiB: pssMiB + ofOthers / 1024,
    pssMiB,
    rssMiB: sum(({ rss }) => rss),
    privateMiB: sum((mapped) => mapped.private),
    anonymousMiB: sum(({ anonymous }) => anonymous),
  };
}

function fileOf({ files }: Mapped, name: string): { rss: number; pss: number } {
  const file = files.get(name) ?? { rss: 0, pss: 0 };
  files.set(name, file);
  return file;
}
