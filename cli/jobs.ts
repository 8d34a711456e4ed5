/**
 * The jobs of the command line. Each may be run beside the services, but for what needs chDB, which belongs to one
 * process.
 */
import { readFile } from 'node:fs/promises';
import { SingleBar } from 'cli-progress';
import { type Config, ConfigError } from '../config.ts';
import { calendar } from '../contract/reporting-day.ts';
import { FORMATS, type Format } from '../ingest/history.ts';
import { importFile } from '../ingest/import.ts';
import { cleanup } from '../pipeline/jobs.ts';
import { rebuild } from '../pipeline/rebuild.ts';
import type { SessionStore } from '../postgres/port.ts';
import { parseCommunities, parseDivisions } from '../postgres/reference-data.ts';
import { openAnalyticsStore, openEventLog, openSessionStore } from './engines.ts';
import { requireSecret, requireStores } from './installed.ts';
import { createLogger } from './logger.ts';
import { ownToken } from './token.ts';
import { historyKeys } from './visitor-keys.ts';

export interface TokenOptions {
  staff: boolean;
  moderator: boolean;
  subject: string;
  hours: string;
}

export async function printToken(config: Config, options: TokenOptions): Promise<void> {
  if (!options.staff && !options.moderator)
    throw new ConfigError('say whose token it is: --staff or --moderator');
  if (config.jwksUrl !== '') {
    throw new ConfigError('JWT_JWKS_URL is set: tokens come from your identity provider');
  }
  requireSecret(config);
  const hours = Number(options.hours);
  if (!(hours > 0)) throw new ConfigError(`--hours ${options.hours}: must be a number above 0`);
  const { staff, moderator, subject } = options;
  const claims = { staff, moderator, subject, expiresIn: Math.round(hours * 3_600) };
  console.log(await ownToken(config, claims));
}

export async function loadDivisions(config: Config, file: string): Promise<void> {
  await withSessions(config, async (sessions) => {
    const rows = parseDivisions(await readFile(file, 'utf8'), await knownDivisions(sessions));
    await sessions.saveDivisions(rows);
    console.log(`divisions loaded: ${rows.length}`);
  });
}

export async function loadCommunities(config: Config, file: string): Promise<void> {
  await withSessions(config, async (sessions) => {
    const rows = parseCommunities(await readFile(file, 'utf8'), await knownDivisions(sessions));
    await sessions.saveCommunities(rows);
    console.log(`communities loaded: ${rows.length}`);
  });
}

export async function runCleanup(config: Config): Promise<void> {
  requireStores(config);
  await withSessions(config, async (sessions) => {
    const deleted = await cleanup(config, sessions, Date.now());
    console.log(`sessions deleted that were idle for ${config.cleanupDays} days: ${deleted}`);
  });
}

export async function runImport(config: Config, file: string, options: { format?: string }): Promise<void> {
  const log = await openEventLog(config, createLogger(config, 'import'));
  const bar = progressBar();
  try {
    const report = await importFile({
      file,
      format: knownFormat(options.format),
      log,
      keys: historyKeys(config),
      onProgress: bar.show,
    });
    bar.stop();
    console.log(
      `events written to the log: ${report.imported}; they count as soon as the pipeline has read them`,
    );
    if (report.from !== undefined) console.log(`from ${report.from} to ${report.to}`);
    for (const [reason, lines] of Object.entries(report.skipped))
      console.log(`lines skipped, ${reason}: ${lines}`);
    for (const { line, reason } of report.refusals) console.error(`line ${line}: ${reason}`);
    if (report.refused > 0) {
      console.error(`lines refused: ${report.refused}`);
      process.exitCode = 1;
    }
  } finally {
    bar.stop();
    await log.close();
  }
}

export async function runRebuild(config: Config, days: { from?: string; to?: string }): Promise<void> {
  for (const [option, day] of Object.entries(days)) checkDay(option, day);
  if (days.from !== undefined && days.to !== undefined && days.from > days.to)
    throw new ConfigError(`--from ${days.from}: is after --to ${days.to}`);
  requireStores(config);
  await withSessions(config, async (sessions) => {
    const analytics = await openAnalyticsStore(config, sessions, { anyZone: true });
    const log = await openEventLog(config, createLogger(config, 'rebuild'));
    const bar = progressBar();
    try {
      const report = await rebuild({
        ...{ analytics, sessions, log, calendar: calendar(config.timeZone), ...days },
        onProgress: bar.show,
        now: Date.now,
      });
      bar.stop();
      console.log(
        report.derivedFrom === undefined
          ? 'no day is closed yet: open days are derived all the time'
          : `counted again from ${report.derivedFrom} through ${report.closedThrough}`,
      );
      if (report.outOfReach.length > 0)
        console.log(`raw no longer has all events of ${report.outOfReach.join(', ')}: left as they were`);
    } finally {
      bar.stop();
      await Promise.all([log.close(), analytics.close()]);
    }
  });
}

function checkDay(option: string, day: string): void {
  const valid = /^\d{4}-\d{2}-\d{2}$/.test(day) && !Number.isNaN(Date.parse(`${day}T00:00:00Z`));
  if (!valid || new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day)
    throw new ConfigError(`--${option} ${day}: must be a day of the calendar, YYYY-MM-DD`);
}

/** Shown on a terminal only. */
function progressBar() {
  const bar = new SingleBar({ format: '{bar} {percentage}% {eta_formatted} left', noTTYOutput: false });
  const shown = process.stderr.isTTY;
  if (shown) bar.start(1, 0);
  return {
    show(done: number, total: number) {
      bar.setTotal(total);
      bar.update(done);
    },
    stop: () => bar.stop(),
  };
}

function knownFormat(format: string | undefined): Format | undefined {
  if (format === undefined) return undefined;
  const known = FORMATS.find((name) => name === format);
  if (known === undefined) throw new ConfigError(`--format ${format}: known are ${FORMATS.join(', ')}`);
  return known;
}

async function knownDivisions(sessions: SessionStore): Promise<string[]> {
  return (await sessions.divisions()).map(({ id }) => id);
}

async function withSessions(config: Config, work: (sessions: SessionStore) => Promise<void>): Promise<void> {
  const sessions = await openSessionStore(config);
  try {
    await work(sessions);
  } finally {
    await sessions.close();
  }
}
