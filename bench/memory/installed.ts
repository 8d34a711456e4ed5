/** Memory of an installation by the part that its processes play, a second at a time. */
import { childrenOf, postmasterOf } from '../processes.ts';
import { mappedBy, type Resident, residentOf } from './resident.ts';

export const PARTS = ['supervisor', 'collector', 'pipeline and API', 'PostgreSQL'] as const;
type Part = (typeof PARTS)[number];
export type ByPart = Record<Part | 'all', Resident>;

export interface Watch {
  readonly samples: readonly ByPart[];
  end(): void;
}

const SECOND = 1_000;

interface Processes {
  folder: string;
  pid: number | undefined;
  pidOf(service: 'collector' | 'pipeline'): number | undefined;
}

/** The processes of each part now: PostgreSQL starts and ends some all the time. @throws where a part does not run */
export function memoryOf(installation: Processes): ByPart {
  const pids: Record<Part, number[]> = {
    supervisor: [known(installation.pid, 'supervisor')],
    collector: treeOf(known(installation.pidOf('collector'), 'collector')),
    'pipeline and API': treeOf(known(installation.pidOf('pipeline'), 'pipeline')),
    PostgreSQL: treeOf(postmasterOf(installation.folder)),
  };
  const mapped = eachPart((part) => pids[part].map(mappedBy).filter((each) => each !== undefined));
  return { ...eachPart((part) => residentOf(mapped[part])), all: residentOf(Object.values(mapped).flat()) };
}

/** Notes the memory once a second. {@link Watch.end} throws where it could not be asked, since a process was gone. */
export function watch(processes: Processes): Watch {
  const samples: ByPart[] = [];
  let failure: unknown;
  const timer = setInterval(() => {
    try {
      samples.push(memoryOf(processes));
    } catch (error) {
      failure ??= error;
    }
  }, SECOND);
  return {
    samples,
    end() {
      clearInterval(timer);
      if (failure !== undefined) throw failure;
    },
  };
}

/** The most that each figure of each part has been: not all of it at the same time. */
export function mostOf(samples: readonly ByPart[]): ByPart {
  const most = (name: Part | 'all', figure: keyof Resident) =>
    Math.max(...samples.map((sample) => sample[name][figure]));
  const ofPart = (name: Part | 'all'): Resident => ({
    onceMiB: most(name, 'onceMiB'),
    pssMiB: most(name, 'pssMiB'),
    rssMiB: most(name, 'rssMiB'),
    privateMiB: most(name, 'privateMiB'),
    anonymousMiB: most(name, 'anonymousMiB'),
  });
  return { ...eachPart(ofPart), all: ofPart('all') };
}

/** Whether the last so many samples are about the same. */
export function isSteady(samples: readonly ByPart[], count: number, tolerance: number): boolean {
  const last = samples.slice(-count).map(({ all }) => all.rssMiB);
  return last.length === count && Math.max(...last) <= Math.min(...last) * (1 + tolerance);
}

function eachPart<T>(of: (part: Part) => T): Record<Part, T> {
  return {
    supervisor: of('supervisor'),
    collector: of('collector'),
    'pipeline and API': of('pipeline and API'),
    PostgreSQL: of('PostgreSQL'),
  };
}

function treeOf(pid: number): number[] {
  return [pid, ...childrenOf(pid).flatMap(treeOf)];
}

function known(pid: number | undefined, name: string): number {
  if (pid === undefined) throw new Error(`the ${name} does not run`);
  return pid;
}
