/**
 * Runs one of the k6 scripts: against an installation of its own, which it starts and removes, or against the deployment that
 * the environment names. Its exit code is that of k6: 0 where every threshold holds, 99 where one does not.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { OptionError, readOptions } from './k6/options.ts';
import { findK6, K6MissingError } from './k6/runner/find-k6.ts';
import { runK6 } from './k6/runner/run-k6.ts';
import { isDeployment, ownEnvironment, ownInstallation, type Target, usersFor } from './k6/runner/target.ts';
import { SCRIPTS, type ScriptName } from './k6/scripts.ts';
import { thisMachine } from './machine.ts';

const KEPT = fileURLToPath(new URL('./results/k6', import.meta.url));
const INTERRUPTED = 130;

interface RunOptions {
  rate?: string;
  duration?: string;
  history: number;
  report?: string;
  keep: boolean;
}

const list = Object.entries(SCRIPTS)
  .map(([name, { question }]) => `  ${name.padEnd(8)}${question}`)
  .join('\n');

await new Command('npm run bench:k6 --')
  .description('Load Footfall with a k6 script.')
  .addArgument(new Argument('<script>', 'one of those below').choices(Object.keys(SCRIPTS)))
  .argument('[k6-options...]', 'after another --: what k6 run is given beside the script')
  .option('--rate <n>', 'sends, or looks of an admin, a second (RATE)')
  .option('--duration <time>', 'like 90s, 10m or 1h30m (DURATION)')
  .option('--history <days>', 'that an installation of its own has, for query and mixed', wholeNumber, 365)
  .option('--report <folder>', 'where the report is written; a new temporary folder without')
  .option('--keep', 'writes the report to bench/results/k6', false)
  .addHelpText(
    'after',
    `
Scripts:
${list}

Without BASE_URL, or INGEST_URL and API_URL, it starts an installation of its own. Every variable: bench/README.md`,
  )
  .action(async (script: ScriptName, k6Options: string[], options: RunOptions) => {
    process.exitCode = await main(script, k6Options, options).catch((error: unknown) => {
      const forUsers = error instanceof K6MissingError || error instanceof OptionError;
      console.error(forUsers ? error.message : error);
      return 1;
    });
  })
  .parseAsync();

async function main(script: ScriptName, k6Options: string[], options: RunOptions): Promise<number> {
  const interrupted = new Promise<undefined>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve(undefined));
  });
  const given: NodeJS.ProcessEnv = {
    ...process.env,
    ...(options.rate === undefined ? {} : { RATE: options.rate }),
    ...(options.duration === undefined ? {} : { DURATION: options.duration }),
  };
  checkOptions(given);
  const k6 = await findK6(process.env);
  const starting = target(script, options, given);
  try {
    const loaded = await Promise.race([starting, interrupted]);
    if (loaded === undefined) return INTERRUPTED;
    const folder = reportFolder(options);
    const environment = { ...settingOfThisMachine(), ...loaded.environment, ...given, REPORT_DIR: folder };
    const report = join(folder, `${script}.html`);
    rmSync(report, { force: true });
    const code = await runK6(k6, script, k6Options, environment, interrupted);
    const where = existsSync(report) ? report : `k6 ended with ${code}, and has written no report`;
    console.log(`${code === 0 ? 'passed' : 'FAILED'}: ${where}`);
    return code;
  } finally {
    await starting.then(
      (loaded) => loaded.close(),
      () => {},
    );
  }
}

/** Before anything is started. What only the script knows it checks itself. */
function checkOptions(given: NodeJS.ProcessEnv): void {
  const tokens = Array.from({ length: usersFor(Number(given.WATCHERS ?? 0)) }, () => 'token');
  const own = isDeployment(given) ? {} : ownEnvironment('http://own', 'http://own', tokens);
  readOptions({ ...own, ...given }, { rate: 1, duration: '1m' });
}

async function target(script: ScriptName, options: RunOptions, given: NodeJS.ProcessEnv): Promise<Target> {
  if (isDeployment(given)) return { environment: {}, close: async () => {} };
  return ownInstallation({
    historyDays: SCRIPTS[script].history ? options.history : 0,
    watchers: Number(given.WATCHERS ?? 0),
    say: (words) => console.log(words),
  });
}

function reportFolder({ report, keep }: RunOptions): string {
  const folder = keep
    ? KEPT
    : report === undefined
      ? mkdtempSync(join(tmpdir(), 'footfall-k6-'))
      : resolve(report);
  mkdirSync(folder, { recursive: true });
  return folder;
}

function settingOfThisMachine(): Record<string, string> {
  const { processor, cores, memoryGiB } = thisMachine();
  return { SETTING: `k6 on ${cores} cores (${processor}), ${memoryGiB} GiB` };
}

function wholeNumber(text: string): number {
  if (!/^\d{1,4}$/.test(text)) throw new InvalidArgumentError('It must be a whole number of days.');
  return Number(text);
}
