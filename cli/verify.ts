/** `footfall verify`: prints the conservation ledger, and says whether it is in balance. */
import Value from 'typebox/value';
import type { Config } from '../config.ts';
import { Ledger, type LedgerHour } from '../contract/ledger.ts';
import { calendar } from '../contract/reporting-day.ts';
import { conservationLedger, difference } from '../query-api/ledger.ts';
import { ledgerRange } from '../query-api/range.ts';
import { openAnalyticsStore, openEventLogLater, openLiveStore, openSessionStore } from './engines.ts';
import { requireStores } from './installed.ts';
import { createLogger } from './logger.ts';
import { runningApi } from './running-api.ts';

/** What is under way when it is looked at first is counted by then. */
const PATIENCE = { looks: 60, pauseMs: 500 };

export interface VerifyOptions {
  /** Days of the reporting zone. */
  from?: string;
  to?: string;
}

export async function verify(config: Config, options: VerifyOptions): Promise<void> {
  const ledger = (await askRunning(config, options)) ?? (await readStores(config, options));
  for (const line of report(ledger)) console.log(line);
  if (!ledger.balanced || ledger.another_log !== null) process.exitCode = 1;
}

/** chDB belongs to the process that runs, so that one is asked. */
async function askRunning(config: Config, { from, to }: VerifyOptions): Promise<Ledger | undefined> {
  const running = await runningApi(config);
  const query = new URLSearchParams({
    ...(from !== undefined && { start_date: from }),
    ...(to !== undefined && { end_date: to }),
  });
  return running && Value.Parse(Ledger, await running.ask(`pipeline/?${query}`));
}

async function readStores(config: Config, { from, to }: VerifyOptions): Promise<Ledger> {
  requireStores(config);
  const logger = createLogger(config, 'verify');
  const range = ledgerRange(
    { ...(from !== undefined && { start_date: from }), ...(to !== undefined && { end_date: to }) },
    calendar(config.timeZone),
    Date.now(),
    config.rawDays,
  );
  const [sessions, live] = await Promise.all([
    openSessionStore(config, logger),
    openLiveStore(config, logger),
  ]);
  const log = openEventLogLater(config, logger);
  try {
    const analytics = await openAnalyticsStore(config, sessions);
    try {
      await log.opened();
      return await conservationLedger({ analytics, sessions, live, log, now: Date.now }, range, PATIENCE);
    } finally {
      await analytics.close();
    }
  } finally {
    await Promise.all([sessions.close(), live.close(), log.close()]);
  }
}

function report(ledger: Ledger): string[] {
  const dropped = (hour: LedgerHour) => Object.values(hour.dropped).reduce((sum, n) => sum + n, 0);
  const rows = ledger.hours.map((hour) => {
    const { stored, in_views } = difference(hour);
    return [
      hour.hour.slice(0, 13),
      hour.partition,
      hour.accepted,
      dropped(hour),
      hour.duplicate,
      hour.undecodable,
      hour.erased,
      hour.stored,
      hour.in_views,
      stored === 0 && in_views === 0 ? '' : `raw ${signed(stored)}, views ${signed(in_views)}`,
    ];
  });
  const head = [
    'hour',
    'partition',
    'accepted',
    'dropped',
    'duplicate',
    'undecodable',
    'erased',
    'stored',
    'in views',
    '',
  ];
  const frames = ledger.partitions.reduce((sum, { lag_frames }) => sum + lag_frames, 0);
  return [
    ...table([head, ...rows]),
    '',
    `complete until ${ledger.complete_until ?? 'nothing is counted'}; frames that wait in the log: ${frames}`,
    `dead letters: ${ledger.dead_letters}`,
    ...(ledger.spools ?? []).map(
      ({ collector, state, frames: waiting, bytes }) =>
        `${collector}: ${state}, ${waiting} frames, ${bytes} bytes`,
    ),
    ...(ledger.another_log === null
      ? []
      : [`NOT the log that was counted, and nothing more counts: ${ledger.another_log}`]),
    ledger.balanced ? 'in balance' : 'NOT in balance: see the differences above',
  ];
}

function table(rows: (string | number)[][]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => String(row[column]).length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => String(cell).padStart(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function signed(n: number): string {
  return n > 0 ? `+${n}` : `${n}`;
}
