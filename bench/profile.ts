/**
 * Where does the time go? Reads processor profiles (`*.cpuprofile`, such as `bench/end-to-end.ts` keeps) and prints the share of
 * the time by part of the system and by function: that of the function itself, not of what it calls.
 *
 *     node --import tsx bench/profile.ts FILE... [FUNCTIONS=30]
 */
import { readFileSync } from 'node:fs';
import { type Origin, originFinder } from './end-to-end/origins.ts';

interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
  columnNumber: number;
}

interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

const FUNCTIONS = Number(process.env.FUNCTIONS ?? 30);
const files = process.argv.slice(2);
if (files.length === 0) throw new Error('which profile? node --import tsx bench/profile.ts FILE...');
for (const file of files) print(file, JSON.parse(readFileSync(file, 'utf8')));

function print(file: string, { nodes, samples, timeDeltas }: CpuProfile): void {
  const originOf = originFinder();
  const frames = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const byPart = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let total = 0;
  samples.forEach((id, n) => {
    const ms = (timeDeltas[n] ?? 0) / 1_000;
    const frame = frames.get(id);
    if (frame === undefined || ms < 0) return;
    const origin = originOf(frame);
    total += ms;
    add(byPart, partOf(origin), ms);
    add(byFunction, `${frame.functionName || '(anonymous)'}  ${placeOf(origin)}`, ms);
  });
  console.log(`\n${file}: ${Math.round(total)} ms`);
  table('part', byPart, total, 20);
  table('function', byFunction, total, FUNCTIONS);
}

/** A folder of the project, a package, Node itself, or what is no function at all: `(idle)`, `(garbage collector)`, native code. */
function partOf({ path }: Origin): string {
  const [, packageName] = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path) ?? [];
  if (packageName !== undefined) return packageName;
  if (path.startsWith('node:') || path.startsWith('(')) return path.startsWith('node:') ? 'node' : path;
  return path.includes('/') ? `${path.slice(0, path.lastIndexOf('/'))}/` : path;
}

function placeOf({ path, line }: Origin): string {
  return line === undefined ? path : `${path}:${line}`;
}

function table(what: string, times: Map<string, number>, total: number, rows: number): void {
  console.log(`\n  %      ms  ${what}`);
  for (const [name, ms] of [...times].sort(([, a], [, b]) => b - a).slice(0, rows)) {
    const share = ((100 * ms) / total).toFixed(1).padStart(5);
    console.log(`${share} ${String(Math.round(ms)).padStart(7)}  ${name}`);
  }
}

function add(times: Map<string, number>, name: string, ms: number): void {
  times.set(name, (times.get(name) ?? 0) + ms);
}
