/**
 * Runs every bench briefly and prints one table of ratios: measured now, and kept. With `--guard` it fails where one is below 0.85 of what is
 * kept. Absolute figures are those of a machine on a day; ratios of one run are not. With names it runs only these.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { BENCHES, type Bench } from './benches.ts';
import { hundredths } from './ranges/statistics.ts';

const KEPT = fileURLToPath(new URL('./results', import.meta.url));
/** Of what is kept. */
const GUARD = 0.85;
/** Of another run in the same minutes: what else the machine did. The best of so many counts. */
const TRIES = 2;

const command = new Command('bench')
  .argument('[names...]', `of ${BENCHES.map(({ name }) => name).join(', ')}; all of them where none is named`)
  .option('--guard', `fails where a ratio is below ${GUARD} of the one that is kept`, false)
  .parse();
const { guard } = command.opts<{ guard: boolean }>();
const unknown = command.args.filter((name) => !BENCHES.some((bench) => bench.name === name));
if (unknown.length > 0) command.error(`there is no bench ${unknown.join(', ')}: see --help`);
const wanted = BENCHES.filter(({ name }) => command.args.length === 0 || command.args.includes(name));

interface Row {
  bench: string;
  ratio: string;
  now: number;
  kept: number;
}

const rows: Row[] = [];
const troubles: string[] = [];
for (const bench of wanted) {
  const missing = bench.needs !== undefined && !isThere(bench.needs);
  if (missing) troubles.push(`${bench.name}: needs ${bench.needs}`);
  else rows.push(...compared(bench));
}
console.table(rows.map((row) => ({ ...row, 'now / kept': hundredths(row.now / row.kept) })));
for (const trouble of troubles) console.error(trouble);
const worse = rows.filter(isWorse);
if (guard) {
  for (const { bench, ratio, now, kept } of worse)
    console.error(`worse: ${bench}, ${ratio}: ${now}, kept ${kept}`);
  if (worse.length > 0) process.exitCode = 1;
}
if (troubles.length > 0) process.exitCode = 1;

/** Runs it again where it looks worse: a machine that does something else meanwhile is no change of ours. */
function compared(bench: Bench): Row[] {
  const kept = bench.ratios(read(join(KEPT, bench.result)));
  let best: Row[] = [];
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const now = run(bench);
    if (now === undefined) return [];
    best = Object.entries(now).map(([ratio, value]) => ({
      bench: bench.name,
      ratio,
      now: Math.max(hundredths(value), best.find((row) => row.ratio === ratio)?.now ?? 0),
      kept: hundredths(kept[ratio] ?? Number.NaN),
    }));
    if (!guard || !best.some(isWorse)) break;
  }
  return best;
}

function run(bench: Bench): Record<string, number> | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'footfall-bench-'));
  try {
    console.error(`${bench.name} ...`);
    const script = fileURLToPath(new URL(`./${bench.name}.ts`, import.meta.url));
    const { status } = spawnSync(process.execPath, ['--import', 'tsx', script], {
      env: { ...process.env, ...bench.brief, RESULTS: folder },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const file = join(folder, bench.result);
    if (status !== 0) troubles.push(`${bench.name}: exit code ${status}`);
    return existsSync(file) ? bench.ratios(read(file)) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function isWorse({ now, kept }: Row): boolean {
  return now < kept * GUARD;
}

function isThere(needed: string): boolean {
  return /^[A-Z_]+$/.test(needed)
    ? process.env[needed] !== undefined
    : spawnSync('which', [needed]).status === 0;
}

function read(file: string): Record<string, unknown> {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { ratios: {} };
}
