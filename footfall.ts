/** The command line. */
import { Command, Option } from 'commander';
import { missingHere } from './cli/platform.ts';
import { exitCodeOf, isRefusal } from './cli/refusal.ts';
import { readConfig } from './config.ts';
import manifest from './package.json' with { type: 'json' };

const missing = missingHere();
if (missing.length > 0) {
  console.error(`Footfall cannot run here.\n${missing.join('\n')}`);
  process.exit(1);
}

const program = new Command('footfall')
  .description('Visitor analytics for web platforms.')
  .version(manifest.version)
  .hook('preSubcommand', ({ args: [given = '-'] }, chosen) => {
    // The default command is given all that is none, and would complain of an argument.
    if (!given.startsWith('-') && given !== chosen.name())
      program.error(`error: unknown command '${given}', see footfall --help`);
  });

program
  .command('all', { isDefault: true })
  .description('run everything on this machine (what `npm start` does)')
  .option('--demo', 'also send lively synthetic traffic', false)
  .action(async (options: { demo: boolean }) => (await import('./cli/all.ts')).runAll(readConfig(), options));

program
  .command('ingest')
  .description('run the collector, in INGEST_PROCESSES processes')
  .addOption(new Option('--member <n>', 'run one of these processes').argParser(Number).hideHelp())
  .action(async ({ member }: { member?: number }) =>
    (await import('./cli/ingest.ts')).runIngest(readConfig(), member),
  );

program
  .command('pipeline')
  .description('run the pipeline and the scheduled jobs')
  .option('--with-query-api', 'and the query API in the same process, as the embedded stores need', false)
  .action(async (options: { withQueryApi: boolean }) => {
    const { runServe } = await import('./cli/serve.ts');
    await runServe(readConfig(), options.withQueryApi ? ['pipeline', 'query-api'] : ['pipeline']);
  });

program
  .command('query-api')
  .description('run the query API')
  .action(async () => (await import('./cli/serve.ts')).runServe(readConfig(), ['query-api']));

program
  .command('token')
  .description('print a token for the query API')
  .option('--staff', 'with the claim is_staff', false)
  .option('--moderator', 'with the claim is_moderator', false)
  .option('--subject <name>', 'whose token it is', 'command line')
  .option('--hours <n>', 'how long it is valid', '12')
  .action(async (options) => (await import('./cli/jobs.ts')).printToken(readConfig(), options));

program
  .command('divisions <file>')
  .description('load divisions from a CSV file: id,name,type,parent_id,country')
  .action(async (file: string) => (await import('./cli/jobs.ts')).loadDivisions(readConfig(), file));

program
  .command('communities <file>')
  .description('load communities from a CSV file: id,name,division_id')
  .action(async (file: string) => (await import('./cli/jobs.ts')).loadCommunities(readConfig(), file));

program
  .command('cleanup')
  .description('delete sessions that were idle for ANALYTICS_CLEANUP_DAYS')
  .action(async () => (await import('./cli/jobs.ts')).runCleanup(readConfig()));

program
  .command('rebuild')
  .description('count days again from raw events; needed after ANALYTICS_TIMEZONE has changed')
  .option('--from <day>', 'first day, YYYY-MM-DD; without it: the first that there is')
  .option('--to <day>', 'last day; without it: today')
  .action(async (options) => (await import('./cli/jobs.ts')).runRebuild(readConfig(), options));

program
  .command('verify')
  .description('compare what was received with what is stored, hour by hour; exits 1 on any difference')
  .option('--from <day>', 'first day, YYYY-MM-DD; without it: yesterday')
  .option('--to <day>', 'last day; without it: today')
  .action(async (options) => (await import('./cli/verify.ts')).verify(readConfig(), options));

program
  .command('erase')
  .description('remove what is kept of a visitor or a user; prints the receipt')
  .option('--visitor <fingerprint>', "the browser's fingerprint, or the hash of it that a session has")
  .option('--user <id>', 'the user, and every visitor who was signed in as that user')
  .action(async (options) => (await import('./cli/erase.ts')).runErase(readConfig(), options));

program
  .command('backup <folder>')
  .description(
    'copy the installation in DATA_DIR to a folder that is empty or is not there, while it runs or not',
  )
  .action(async (folder: string) => (await import('./cli/backup.ts')).runBackup(readConfig(), folder));

program
  .command('restore <folder>')
  .description('make an installation of a backup, in a DATA_DIR that is empty')
  .action(async (folder: string) => (await import('./cli/restore.ts')).runRestore(readConfig(), folder));

program
  .command('import <file>')
  .description('count history: NDJSON of beacons with `ts`, or an nginx/Apache combined log')
  .option('--format <format>', 'ndjson or combined; told by the first line where it is missing')
  .action(async (file: string, options) =>
    (await import('./cli/jobs.ts')).runImport(readConfig(), file, options),
  );

try {
  await program.parseAsync();
} catch (error) {
  console.error(isRefusal(error) || isUserError(error) ? error.message : error);
  process.exitCode = exitCodeOf(error);
}

/** Errors that say to the user what to do; a stack trace would only hide it. */
function isUserError(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}
